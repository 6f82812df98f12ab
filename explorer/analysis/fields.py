"""Receptive fields along one axis: the input pixels that each unit of a map can depend on.

By the closed form (Araujo, Norris and Sim 2019, Distill, sections 2 to 4), unit u of a map sees the pixels
``u·stride - padding`` to ``u·stride - padding + size - 1``. It holds away from the border. The exact first and last
pixel of every unit are stored as well; padding, dropped columns and overhanging windows clip them.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

# First and last pixel of a unit that sees only padding.
PADDING_ONLY = (np.iinfo(np.int64).max, -1)

Pixels = NDArray[np.int64]


class ClosedForm(NamedTuple):
    """The closed form: unit u sees pixels ``u·stride + low`` to ``u·stride + high``."""

    stride: int
    low: int
    high: int

    @property
    def size(self) -> int:
        """Size in pixels for a unit away from the border."""
        return self.high - self.low + 1

    @property
    def padding(self) -> int:
        """Pixels by which the field of unit 0 extends over the edge."""
        return -self.low


class SmallestField(NamedTuple):
    """The smallest field of a unit over all paths to it, in pixels, and the stride along that path.

    The field of a unit is as large as that of its largest path. Information along the smallest path comes from fewer
    pixels (Richter et al. 2021, "Should You Go Deeper?", arXiv 2106.12307, and their RFA-Toolbox).
    """

    size: int
    stride: int


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """Receptive fields of all units of a map along one axis.

    Attributes:
        closed_form: Closed form; None if there is none (irregular adaptive pools).
        first: Exact first pixel of every unit.
        last: Exact last pixel of every unit.
        smallest: Smallest field over all paths.
        offset: Distance in pixels between the centres of joined paths; None if their strides differ.
    """

    closed_form: ClosedForm | None
    first: Pixels
    last: Pixels
    smallest: SmallestField
    offset: float | None = 0.0

    @property
    def units(self) -> int:
        """Number of units along this axis."""
        return len(self.first)

    def span(self, unit: int) -> tuple[int, int] | None:
        """Returns the first and last pixel that a unit depends on; None if it sees only padding."""
        first, last = int(self.first[unit]), int(self.last[unit])
        return (first, last) if last >= first else None

    def full_view(self, pixels: int) -> tuple[int, int] | None:
        """Returns the first and last unit that see all pixels of an image of this size; None if there is none."""
        if int(self.last.max()) < pixels - 1:  # a quick answer for most maps
            return None
        units = np.flatnonzero((self.first == 0) & (self.last == pixels - 1))
        return (int(units[0]), int(units[-1])) if len(units) else None


def input_axis(size: int) -> Axis:
    """Returns the axis of the image, in which each pixel sees itself."""
    pixels = np.arange(size)
    return Axis(ClosedForm(1, 0, 0), pixels, pixels, SmallestField(1, 1))


def apply_window(axis: Axis, units: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> Axis:
    """Returns the axis after a convolution or pool; padding and ceil mode let windows extend over both edges."""
    reach = dilation * (kernel - 1) + 1
    after = max(0, (units - 1) * stride - padding + reach - axis.units)

    def windows_of(pixels: Pixels, empty: int) -> Pixels:
        padded = np.concatenate([np.full(padding, empty), pixels, np.full(after, empty)])
        return sliding_window_view(padded, reach)[: (units - 1) * stride + 1 : stride, ::dilation]

    closed_form = None
    if axis.closed_form:
        jump, low, high = axis.closed_form
        closed_form = ClosedForm(jump * stride, low - padding * jump, high + (reach - 1 - padding) * jump)
    smallest = SmallestField(axis.smallest.size + (reach - 1) * axis.smallest.stride, axis.smallest.stride * stride)
    return Axis(
        closed_form,
        windows_of(axis.first, PADDING_ONLY[0]).min(1),
        windows_of(axis.last, PADDING_ONLY[1]).max(1),
        smallest,
    )


def apply_adaptive_pool(axis: Axis, units: int) -> Axis:
    """Returns the axis after an adaptive pool: unit u reads cells floor(u·n/units) to ceil((u + 1)·n/units) - 1."""
    size = axis.units
    if size % units == 0:
        return apply_window(axis, units, size // units, size // units, 0)
    ranges = [(unit * size // units, -(-(unit + 1) * size // units)) for unit in range(units)]
    first = np.array([axis.first[start:end].min() for start, end in ranges])
    last = np.array([axis.last[start:end].max() for start, end in ranges])
    narrowest = min(end - start for start, end in ranges)
    jump = axis.smallest.stride
    return Axis(
        None, first, last, SmallestField(axis.smallest.size + (narrowest - 1) * jump, jump * max(1, size // units))
    )


def gather(axis: Axis, reads: NDArray[np.bool_]) -> Axis:
    """Returns the axis of a larger map whose units read different cells; it has no closed form.

    Args:
        axis: Axis of the map that is read.
        reads: Whether a unit reads a cell, (units, cells).
    """
    units, cells = reads.shape
    order = np.arange(cells)
    spans = np.where(reads, order, -1).max(1) - np.where(reads, order, cells).min(1)
    narrowest = int(spans[reads.any(1)].min(initial=cells))
    jump = axis.smallest.stride
    return Axis(
        None,
        np.where(reads, axis.first, PADDING_ONLY[0]).min(1),
        np.where(reads, axis.last, PADDING_ONLY[1]).max(1),
        # The stride is rounded down, so that no later field is said to be larger than it is.
        SmallestField(axis.smallest.size + narrowest * jump, jump * cells // units),
    )


def slice_axis(axis: Axis, start: int, end: int, step: int) -> Axis:
    """Returns the axis after the slice ``start:end:step``."""
    closed_form = None
    if axis.closed_form:
        jump, low, high = axis.closed_form
        closed_form = ClosedForm(jump * step, low + start * jump, high + start * jump)
    smallest = SmallestField(axis.smallest.size, axis.smallest.stride * step)
    return Axis(closed_form, axis.first[start:end:step], axis.last[start:end:step], smallest)


def pad(axis: Axis, before: int, after: int) -> Axis:
    """Returns the axis with constant cells added at both ends; a negative number removes cells."""
    if before < 0 or after < 0:
        axis, before, after = (
            slice_axis(axis, max(0, -before), axis.units - max(0, -after), 1),
            max(0, before),
            max(0, after),
        )
    closed_form = None
    if axis.closed_form:
        jump, low, high = axis.closed_form
        closed_form = ClosedForm(jump, low - before * jump, high - before * jump)

    def extend(pixels: Pixels, empty: int) -> Pixels:
        return np.concatenate([np.full(before, empty), pixels, np.full(after, empty)])

    return Axis(closed_form, extend(axis.first, PADDING_ONLY[0]), extend(axis.last, PADDING_ONLY[1]), axis.smallest)


def join(paths: list[Axis]) -> Axis:
    """Returns the axis after an addition or concatenation: a unit sees the pixels of all paths.

    The centres of the paths should coincide; ``offset`` is the distance between them.
    """
    if all(path is paths[0] for path in paths):
        return paths[0]
    first = np.minimum.reduce([path.first for path in paths])
    last = np.maximum.reduce([path.last for path in paths])
    smallest = min(path.smallest for path in paths)
    forms = [path.closed_form for path in paths if path.closed_form]
    if len(forms) < len(paths):
        return Axis(None, first, last, smallest)
    if len({stride for stride, _low, _high in forms}) > 1:
        return Axis(None, first, last, smallest, offset=None)
    centres = [(low + high) / 2 for _stride, low, high in forms]
    closed_form = ClosedForm(forms[0].stride, min(low for _s, low, _h in forms), max(high for _s, _l, high in forms))
    return Axis(closed_form, first, last, smallest, offset=max(centres) - min(centres))
