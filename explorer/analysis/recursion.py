"""The receptive field of a sequence of layers, step by step, in both directions.

The backward recursion starts at one unit with 1: ``F(i) = (F(i+1) − 1)·stride + kernel``. The forward recursion starts
at the image with size 1, stride 1 and padding 0 (Araujo, Norris and Sim 2019, Distill, section 2). Both give the same
size. A kernel K with dilation D counts as D·(K − 1) + 1.
"""

from collections.abc import Sequence
from typing import NamedTuple

from explorer.analysis.formulas import equation
from explorer.analysis.layer_list import Layer
from explorer.errors import InputError
from explorer.i18n import _

MAX_FIELD = 1_000_000


class BackwardStep(NamedTuple):
    """A step of the backward recursion: the field of an output unit in the map before this layer."""

    layer: Layer
    after: int
    field: int

    @property
    def formula(self) -> str:
        """Formula of the step with its values."""
        return f"({self.after:,} − 1)·{self.layer.stride} + {self.layer.effective_kernel} = {self.field:,}"


class ForwardStep(NamedTuple):
    """A step of the forward recursion: the field in the image of a unit after this layer.

    ``layer`` and ``before`` are None for the image itself.
    """

    layer: Layer | None = None
    before: "ForwardStep | None" = None
    size: int = 1
    stride: int = 1
    padding: int = 0

    @property
    def formulas(self) -> tuple[str, str, str]:
        """Formulas of size, stride and padding with their values."""
        layer, before = self.layer, self.before
        if layer is None or before is None:
            return "1", "1", "0"
        return (
            equation(f"{before.size:,} + ({layer.effective_kernel} − 1)·{before.stride:,}", self.size),
            equation(f"{before.stride:,}·{layer.stride}", self.stride),
            equation(f"{before.padding:,} + {layer.padding}·{before.stride:,}", self.padding),
        )


def backward(layers: Sequence[Layer]) -> list[BackwardStep]:
    """Returns the steps from a unit of the last map to the image, last layer first.

    Raises:
        InputError: If the field is larger than :data:`MAX_FIELD`.
    """
    steps: list[BackwardStep] = []
    field = 1
    for layer in reversed(layers):
        steps.append(BackwardStep(layer, field, (field - 1) * layer.stride + layer.effective_kernel))
        field = steps[-1].field
        if field > MAX_FIELD:
            raise InputError(
                _("layers: the field of these layers is larger than {limit:,} pixels").format(limit=MAX_FIELD)
            )
    return steps


def forward(layers: Sequence[Layer]) -> list[ForwardStep]:
    """Returns the image and the steps to the last map, first layer first."""
    steps = [ForwardStep()]
    for layer in layers:
        before = steps[-1]
        steps.append(
            ForwardStep(
                layer,
                before,
                size=before.size + (layer.effective_kernel - 1) * before.stride,
                stride=before.stride * layer.stride,
                padding=before.padding + layer.padding * before.stride,
            )
        )
    return steps


def dependencies(layers: Sequence[Layer]) -> list[list[int]]:
    """Returns the cells of each map on which unit 0 of the last map depends, from the image to the unit itself.

    Positions leave out padding, so the field begins at pixel 0.
    """
    maps = [[0]]
    for layer in reversed(layers):
        taps = range(0, layer.effective_kernel, layer.dilation)
        maps.append(sorted({unit * layer.stride + tap for unit in maps[-1] for tap in taps}))
    return maps[::-1]
