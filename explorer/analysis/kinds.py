"""Kinds of layers, coarsely: what a module's class or an operator does in a network."""

from enum import StrEnum


class Group(StrEnum):
    """What a layer does, coarsely."""

    CONVOLUTION = "convolution"
    POOLING = "pooling"
    NORMALISATION = "normalisation"
    ACTIVATION = "activation"
    LINEAR = "linear"
    SHORTCUT = "shortcut"
    CONCATENATION = "concatenation"
    OTHER = "other"


WEIGHTED = frozenset([Group.CONVOLUTION, Group.LINEAR])  # the layers that a network's depth counts

_ACTIVATIONS = ("ReLU", "Sigmoid", "SiLU", "GELU", "Hardswish", "Hardsigmoid", "Softmax", "Tanh")


def group_of(kind: str) -> Group:
    """The group of a layer's kind (a module's class name, or an operator's)."""
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
