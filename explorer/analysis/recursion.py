"""The receptive field of a plain stack, step by step, in both directions.

Backwards from one unit: ``F(i) = (F(i+1) − 1)·stride + kernel``, starting at 1. Forwards from the image (Araujo,
Norris and Sim 2019, Distill, section 2): size, stride and padding of a unit, starting at 1, 1 and 0. Both lead to
the same size. With dilation D a kernel K counts as D·(K − 1) + 1.
"""

from collections.abc import Sequence
from typing import NamedTuple

from explorer.analysis.formulas import equation
from explorer.analysis.layer_list import Layer
from explorer.errors import InputError
from explorer.i18n import _

MAX_FIELD = 1_000_000


class Backward(NamedTuple):
    """A step towards the image: what one unit of the output sees of the map before this layer."""

    layer: Layer
    after: int
    field: int

    @property
    def formula(self) -> str:
        """The recursion with its numbers."""
        return f"({self.after:,} − 1)·{self.layer.stride} + {self.layer.reach} = {self.field:,}"


class Forward(NamedTuple):
    """A step away from the image: what a unit of the map after this layer sees of the image.

    ``before`` is None for the image itself, whose units see themselves.
    """

    layer: Layer | None = None
    before: "Forward | None" = None
    size: int = 1
    stride: int = 1
    padding: int = 0

    @property
    def formulas(self) -> tuple[str, str, str]:
        """How size, stride and padding come about."""
        layer, before = self.layer, self.before
        if layer is None or before is None:
            return "1", "1", "0"
        return (
            equation(f"{before.size:,} + ({layer.reach} − 1)·{before.stride:,}", self.size),
            equation(f"{before.stride:,}·{layer.stride}", self.stride),
            equation(f"{before.padding:,} + {layer.padding}·{before.stride:,}", self.padding),
        )


def backward(layers: Sequence[Layer]) -> list[Backward]:
    """The steps from one unit of the last map to the image, last layer first.

    Raises:
        InputError: where the field grows beyond :data:`MAX_FIELD`.
    """
    steps: list[Backward] = []
    field = 1
    for layer in reversed(layers):
        steps.append(Backward(layer, field, (field - 1) * layer.stride + layer.reach))
        field = steps[-1].field
        if field > MAX_FIELD:
            raise InputError(
                _("layers: the field of these layers is larger than {limit:,} pixels").format(limit=MAX_FIELD)
            )
    return steps


def forward(layers: Sequence[Layer]) -> list[Forward]:
    """The image, and then the steps to the last map, first layer first."""
    steps = [Forward()]
    for layer in layers:
        before = steps[-1]
        steps.append(
            Forward(
                layer,
                before,
                size=before.size + (layer.reach - 1) * before.stride,
                stride=before.stride * layer.stride,
                padding=before.padding + layer.padding * before.stride,
            )
        )
    return steps


def seen(layers: Sequence[Layer]) -> list[list[int]]:
    """Cells of each map that unit 0 of the last map depends on: first those of the image, last the unit itself.

    Positions are those without padding, so that the field of unit 0 begins at pixel 0.
    """
    maps = [[0]]
    for layer in reversed(layers):
        taps = range(0, layer.reach, layer.dilation)
        maps.append(sorted({unit * layer.stride + tap for unit in maps[-1] for tap in taps}))
    return maps[::-1]
