"""Kinds of layers: one name and one colour each, in every diagram, table and chart.

The colours are Okabe and Ito's (2008), told apart with any colour vision; on dark pages a lighter set.
"""

from enum import StrEnum

from explorer.i18n import _


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


LIGHT = dict(
    zip(Group, ("#0072B2", "#E69F00", "#7F7F7F", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#5B6770"), strict=True)
)
DARK = dict(
    zip(Group, ("#4FA3DB", "#F0B43C", "#A3A3A3", "#35C49A", "#E39BC4", "#F08045", "#8CD0F5", "#8D99A3"), strict=True)
)

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


def group_name(group: Group) -> str:
    """A group in words."""
    return {
        Group.CONVOLUTION: _("Convolution"),
        Group.POOLING: _("Pooling"),
        Group.NORMALISATION: _("Normalisation"),
        Group.ACTIVATION: _("Activation"),
        Group.LINEAR: _("Linear"),
        Group.SHORTCUT: _("Shortcut"),
        Group.CONCATENATION: _("Concatenation"),
        Group.OTHER: _("Other"),
    }[group]
