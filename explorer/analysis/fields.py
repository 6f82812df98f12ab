"""Receptive fields along one axis: which input pixels each unit of a map can depend on.

The closed form (Araujo, Norris and Sim 2019, Distill, sections 2 to 4) says that unit u of a map sees the
pixels ``u·stride - padding`` to ``u·stride - padding + size - 1``. It holds far from the border; beside it we
keep the exact first and last pixel of every unit, which padding, dropped columns and overhanging windows clip.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

# First and last pixel of a unit that sees padding only.
NOWHERE = (np.iinfo(np.int64).max, -1)

Pixels = NDArray[np.int64]


class Closed(NamedTuple):
    """The closed form: unit u sees pixels ``u·stride + low`` to ``u·stride + high``."""

    stride: int
    low: int
    high: int

    @property
    def size(self) -> int:
        """Pixels that a unit away from the border sees."""
        return self.high - self.low + 1

    @property
    def padding(self) -> int:
        """Pixels by which the first unit's field hangs over the edge."""
        return -self.low


class Least(NamedTuple):
    """The smallest field of a unit over all paths that lead to it, in pixels, and the stride along that path.

    The field over all paths together is as large as the largest. But what came along the smallest has seen no more
    than that (Richter et al. 2021, "Should You Go Deeper?", arXiv 2106.12307, and their RFA-Toolbox).
    """

    size: int
    stride: int


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """Fields of all units of a map along one axis.

    ``closed`` is None where no closed form exists (irregular adaptive pools). ``first`` and ``last`` are exact
    for every unit.
    ``offset`` is how far paths that were joined lie apart, centre to centre, in pixels; None where their
    strides differ.
    """

    closed: Closed | None
    first: Pixels
    last: Pixels
    least: Least
    offset: float | None = 0.0

    @property
    def units(self) -> int:
        """Cells of the map along this axis."""
        return len(self.first)

    def span(self, unit: int) -> tuple[int, int] | None:
        """First and last pixel that a unit depends on; None where it sees padding only."""
        first, last = int(self.first[unit]), int(self.last[unit])
        return (first, last) if last >= first else None

    def seeing(self, pixels: int) -> tuple[int, int] | None:
        """First and last of the units that depend on all of the image's pixels; None where no unit does."""
        if int(self.last.max()) < pixels - 1:  # most maps, at once
            return None
        units = np.flatnonzero((self.first == 0) & (self.last == pixels - 1))
        return (int(units[0]), int(units[-1])) if len(units) else None


def image(size: int) -> Axis:
    """The input: pixel u sees itself."""
    pixels = np.arange(size)
    return Axis(Closed(1, 0, 0), pixels, pixels, Least(1, 1))


def window(axis: Axis, units: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> Axis:
    """A convolution or pool; windows may hang over either edge, as padding and ceil mode let them."""
    reach = dilation * (kernel - 1) + 1
    after = max(0, (units - 1) * stride - padding + reach - axis.units)

    def seen(pixels: Pixels, nothing: int) -> Pixels:
        padded = np.concatenate([np.full(padding, nothing), pixels, np.full(after, nothing)])
        return sliding_window_view(padded, reach)[: (units - 1) * stride + 1 : stride, ::dilation]

    closed = None
    if axis.closed:
        jump, low, high = axis.closed
        closed = Closed(jump * stride, low - padding * jump, high + (reach - 1 - padding) * jump)
    least = Least(axis.least.size + (reach - 1) * axis.least.stride, axis.least.stride * stride)
    return Axis(closed, seen(axis.first, NOWHERE[0]).min(1), seen(axis.last, NOWHERE[1]).max(1), least)


def adaptive(axis: Axis, units: int) -> Axis:
    """An adaptive pool: unit u covers cells floor(u·n/units) to ceil((u + 1)·n/units) - 1."""
    size = axis.units
    if size % units == 0:
        return window(axis, units, size // units, size // units, 0)
    starts = [unit * size // units for unit in range(units)]
    ends = [-(-(unit + 1) * size // units) for unit in range(units)]
    first = np.array([axis.first[start:end].min() for start, end in zip(starts, ends, strict=True)])
    last = np.array([axis.last[start:end].max() for start, end in zip(starts, ends, strict=True)])
    narrowest = min(end - start for start, end in zip(starts, ends, strict=True))
    jump = axis.least.stride
    return Axis(None, first, last, Least(axis.least.size + (narrowest - 1) * jump, jump * max(1, size // units)))


def sliced(axis: Axis, start: int, end: int, step: int) -> Axis:
    """Every step-th cell from start, without those from end on."""
    closed = None
    if axis.closed:
        jump, low, high = axis.closed
        closed = Closed(jump * step, low + start * jump, high + start * jump)
    least = Least(axis.least.size, axis.least.stride * step)
    return Axis(closed, axis.first[start:end:step], axis.last[start:end:step], least)


def padded(axis: Axis, before: int, after: int) -> Axis:
    """Constant cells (or, where negative, fewer cells) at either end."""
    if before < 0 or after < 0:
        axis, before, after = (
            sliced(axis, max(0, -before), axis.units - max(0, -after), 1),
            max(0, before),
            max(0, after),
        )
    closed = None
    if axis.closed:
        jump, low, high = axis.closed
        closed = Closed(jump, low - before * jump, high - before * jump)

    def grown(pixels: Pixels, nothing: int) -> Pixels:
        return np.concatenate([np.full(before, nothing), pixels, np.full(after, nothing)])

    return Axis(closed, grown(axis.first, NOWHERE[0]), grown(axis.last, NOWHERE[1]), axis.least)


def joined(paths: list[Axis]) -> Axis:
    """Paths that are added or concatenated: a unit sees what it sees along any of them.

    Their centres should coincide; ``offset`` tells how far they don't.
    """
    if all(path is paths[0] for path in paths):
        return paths[0]
    first = np.minimum.reduce([path.first for path in paths])
    last = np.maximum.reduce([path.last for path in paths])
    least = min(path.least for path in paths)
    forms = [path.closed for path in paths if path.closed]
    if len(forms) < len(paths):
        return Axis(None, first, last, least)
    if len({stride for stride, _low, _high in forms}) > 1:
        return Axis(None, first, last, least, offset=None)
    centres = [(low + high) / 2 for _stride, low, high in forms]
    closed = Closed(forms[0].stride, min(low for _s, low, _h in forms), max(high for _s, _l, high in forms))
    return Axis(closed, first, last, least, offset=max(centres) - min(centres))
