"""The activation function of a network, as a field that several families share; without torch."""

import math
from typing import Literal, NamedTuple

from explorer.i18n import _
from explorer.specs.base import Spec

ActivationName = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"]


class Activation(NamedTuple):
    """An activation function.

    Attributes:
        name: Name of PyTorch's module.
        arguments: Arguments of the module in source code.
        gain: Factor of He's initial weights that keeps the size of the maps from layer to layer.
    """

    name: str
    arguments: str
    gain: float

    @property
    def source(self) -> str:
        """The module in source code."""
        return f"nn.{self.name}({self.arguments})"


# An activation that autograd can invert, or whose output tells its slope, is computed in place: the map is not stored
# twice. Gains are those of torch.nn.init.calculate_gain. ELU, GELU and SiLU are not in its table: theirs follow from
# He's rule, 1 / sqrt(E[f(z)^2]) for a standard normal z (He et al. 2015, section 2.2), which gives ReLU its sqrt(2).
ACTIVATIONS: dict[ActivationName, Activation] = {
    "relu": Activation("ReLU", "inplace=True", math.sqrt(2)),
    "leaky_relu": Activation("LeakyReLU", "inplace=True", math.sqrt(2 / (1 + 0.01**2))),
    "elu": Activation("ELU", "inplace=True", 1.2452),
    "gelu": Activation("GELU", "", 1.5335),
    "silu": Activation("SiLU", "", 1.6765),
    "tanh": Activation("Tanh", "", 5 / 3),
    "sigmoid": Activation("Sigmoid", "", 1.0),
}


class ActivatedSpec(Spec):
    """A network whose layers all have the same activation function, which the spec chooses."""

    activation: ActivationName = "relu"

    @property
    def act(self) -> Activation:
        """The activation function."""
        return ACTIVATIONS[self.activation]


def activation_of(spec: Spec) -> Activation:
    """The activation function of a network; ReLU for a network that keeps torchvision's, which may be several."""
    return ACTIVATIONS.get(getattr(spec, "activation", "relu"), ACTIVATIONS["relu"])


def activation_titles() -> dict[ActivationName, str]:
    """The names of the activation functions on pages."""
    return {name: _("Leaky ReLU") if name == "leaky_relu" else one.name for name, one in ACTIVATIONS.items()}
