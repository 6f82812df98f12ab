"""Groups of kinds of layers."""

from enum import StrEnum


class Group(StrEnum):
    """The function of a layer in a network."""

    CONVOLUTION = "convolution"
    POOLING = "pooling"
    NORMALISATION = "normalisation"
    ACTIVATION = "activation"
    LINEAR = "linear"
    SHORTCUT = "shortcut"
    CONCATENATION = "concatenation"
    OTHER = "other"


WEIGHTED = frozenset([Group.CONVOLUTION, Group.LINEAR])  # the layers that count for a network's depth

_ACTIVATIONS = (
    "ReLU",
    "LeakyReLU",
    "PReLU",
    "ELU",
    "Sigmoid",
    "SiLU",
    "GELU",
    "Hardswish",
    "Hardsigmoid",
    "Softmax",
    "Tanh",
)


def group_of(kind: str) -> Group:
    """Returns the group of a layer's kind, which is the name of a module's class or of an operator."""
    if kind.startswith("Conv"):
        return Group.CONVOLUTION
    if "Pool" in kind or kind == "Mean":
        return Group.POOLING
    if "Norm" in kind:
        return Group.NORMALISATION
    if kind.startswith(_ACTIVATIONS):
        return Group.ACTIVATION
    if "Linear" in kind or kind == "MatMul":
        return Group.LINEAR
    if kind in ("Add", "PadShortcut"):
        return Group.SHORTCUT
    return Group.CONCATENATION if kind == "Concat" else Group.OTHER
