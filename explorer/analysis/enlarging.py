"""The cells of a map that each unit of a larger map reads: transposed convolutions, interpolations, pixel shuffles.

Units of different phases read different numbers of cells. So there is no closed form, but the pixels of every unit are
exact.
"""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.analysis.trace import Op
from explorer.families.meta_shapes import pair

Reads = NDArray[np.bool_]  # (units, cells)
MAX_READS = 2**24  # entries of such an array
NOTHING = 1e-9  # a weight that is an error of rounding

INTERPOLATIONS = frozenset(
    "upsample_nearest2d _upsample_nearest_exact2d upsample_bilinear2d _upsample_bilinear2d_aa upsample_bicubic2d "
    "_upsample_bicubic2d_aa".split(" ")
)
OPERATORS = INTERPOLATIONS | {"pixel_shuffle", "pixel_unshuffle"}


def windows(op: Op) -> list[tuple[int, int, int, int]] | None:
    """Returns (kernel, stride, padding, dilation) down and across, if the units read as those of a convolution do."""
    if op.name == "pixel_unshuffle":
        return [(op.args[1], op.args[1], 0, 1)] * 2
    if op.name != "convolution" or len(op.args[1].shape) != 4:
        return None
    found = []
    for kernel, stride, padding, dilation in _transposed(op):
        other_padding = dilation * (kernel - 1) - padding
        if stride != 1 or other_padding < 0:
            return None
        found.append((kernel, 1, other_padding, dilation))
    return found


def reads(op: Op) -> tuple[Reads, Reads] | None:
    """Returns which rows and which columns each unit reads; None if the operator is of another kind, or too large."""
    before, after = op.inputs[0].shape, op.output.shape
    if len(before) != 4 or any(math.prod(sides) > MAX_READS for sides in zip(before[2:], after[2:], strict=True)):
        return None
    if op.name == "pixel_shuffle":
        down, across = (np.repeat(np.eye(cells, dtype=bool), op.args[1], axis=0) for cells in before[2:])
    elif op.name in INTERPOLATIONS:
        down, across = (_interpolated(op, axis) for axis in (0, 1))
    elif len(op.args[1].shape) == 4:
        down, across = (
            transposed_reads(cells, units, *window)
            for cells, units, window in zip(before[2:], after[2:], _transposed(op), strict=True)
        )
    else:
        return None
    return down, across


def transposed_reads(cells: int, units: int, kernel: int, stride: int, padding: int, dilation: int) -> Reads:
    """Returns which cells i each unit of a transposed convolution reads: unit = i·stride − padding + dilation·tap."""
    positions = np.arange(units)[:, None] + padding - dilation * np.arange(kernel)
    unit, tap = np.nonzero((positions % stride == 0) & (positions >= 0) & (positions < cells * stride))
    found = np.zeros((units, cells), bool)
    found[unit, positions[unit, tap] // stride] = True
    return found


def _transposed(op: Op) -> list[tuple[int, int, int, int]]:
    kernel, stride, padding, dilation = op.args[1].shape[2:], op.args[3], op.args[4], op.args[5]
    return list(zip(kernel, pair(stride), pair(padding), pair(dilation), strict=True))


def _interpolated(op: Op, axis: int) -> Reads:
    """Returns which cells an interpolation reads, with any rule of rounding, as the operator itself shows them."""
    cells, units = op.inputs[0].shape[2 + axis], op.output.shape[2 + axis]
    settings = op.args[2:]
    corners = [one for one in settings if isinstance(one, bool)]
    scales = [one for one in settings if not isinstance(one, bool)] or [None, None]
    # Two columns: PyTorch's antialiasing confuses the rows of maps with one column.
    one_hot: Any = torch.eye(cells, dtype=torch.float64)[None, :, :, None].repeat(1, 1, 1, 2)
    result = op.func(one_hot, [units, 2], *corners, scales[axis], None)
    found: Reads = (result[0, :, :, 0].T.abs() > NOTHING).numpy()
    return found
