"""Modules of activation functions, which all families of ours share."""

from torch import nn

from explorer.specs.activation import ActivatedSpec


def make_activation(spec: ActivatedSpec) -> nn.Module:
    """A new module of the network's activation function; the same shape out as in."""
    return MODULES[spec.act.name](**({"inplace": True} if "inplace" in spec.act.arguments else {}))


MODULES: dict[str, type[nn.Module]] = {
    module.__name__: module for module in (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid)
}
