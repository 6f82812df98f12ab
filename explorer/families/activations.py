"""Modules of activation functions, which all families of ours share."""

from torch import nn

from explorer.specs.activation import activation_of
from explorer.specs.base import Spec


def make_activation(spec: Spec, *, inplace: bool = True) -> nn.Module:
    """A new module of the network's activation function; the same shape out as in.

    Args:
        spec: Spec of the network.
        inplace: Whether the module may write over its input; of the functions that can, see ``ACTIVATIONS``.
    """
    function = activation_of(spec)
    return MODULES[function.name](**({"inplace": inplace} if "inplace" in function.arguments else {}))


MODULES: dict[str, type[nn.Module]] = {
    module.__name__: module for module in (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid)
}
