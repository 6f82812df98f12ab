"""Renders strokes like a network's own digits: with the same stroke width, slant, position and size.

``ui/assets/drawing_strokes.js`` does the same in the browser, step by step. A change here needs the same change there.
"""

import numpy as np
import torch
from torch import Tensor

from explorer.data.framing import Framing
from explorer.prediction.strokes import Array, Strokes
from explorer.prediction.thinning import thinned

FINE = 8  # resolution of the work: pixels per pixel of the result
# MNIST: "size normalized to fit in a 20x20 pixel box while preserving their aspect ratio … translating the image so as
# to position the [center of mass] at the center of the 28x28 field" (LeCun et al. 1998, section III-A).
MASS_FILL = 20 / 28
MASS_PEN = 0.125  # median width of MNIST's strokes, as a share of a digit's longer side
# scikit-learn's digits: 32x32 bitmaps whose dark cells are counted in blocks of 4x4 (Alpaydin and Kaynak 1998). They
# are upright, as high as the picture, and of nearly one width. These are our measurements; no paper states them.
BOX_WIDTH, BOX_ASPECT, BOX_SQUEEZE = 0.69, 0.75, 0.5
BOX_INK = 0.302  # share of the picture that is ink, about the same for all ten digits
PENS = (0.6, 1.6)  # smallest and largest factor for the width of a stroke


def frame_strokes(strokes: Strokes, framing: Framing, size: int) -> Tensor:
    """Renders strokes in white on black, uint8, (1, size, size).

    Args:
        strokes: Strokes of a picture.
        framing: Framing of the network's own images.
        size: Side of the result in pixels.
    """
    shape = _box(strokes.shape, size) if framing is Framing.BOX else _mass(strokes.shape, size)
    return torch.from_numpy(np.rint(255 * shape).astype(np.uint8))[None]


def _mass(shape: Array, size: int) -> Array:
    """Renders strokes as high or wide as MNIST's digits, with the centre of mass in the middle."""
    longer = MASS_FILL * size
    strokes = _with_pen(_enlarged(shape, round(longer * FINE)), MASS_PEN * longer * FINE)
    fine = np.zeros((3 * size * FINE,) * 2, np.float32)
    ink = _cropped(strokes)
    height, width = ink.shape
    scale = longer * FINE / max(height, width)
    ink = _resized(ink, round(height * scale), round(width * scale))
    centre = 1.5 * size * FINE
    # Symmetric strokes have their centre between two pixels. Three digits hide the error of the sums.
    top, left = (round(round(centre - _middle(ink.sum(1 - axis, dtype=np.float64)), 3)) for axis in (0, 1))
    fine[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    field = slice(size * FINE, 2 * size * FINE)
    return _block_means(fine[field, field], FINE)


def _middle(ink: Array) -> float:
    """Returns the centre of mass, in pixels from the edge of the first pixel."""
    return float((ink * (np.arange(len(ink)) + 0.5)).sum() / ink.sum())


def _box(shape: Array, size: int) -> Array:
    """Renders strokes as high as the picture, upright and of nearly one width."""
    high = 4 * size * 2
    upright = _cropped(_upright(_enlarged(shape, high)))
    height, width = upright.shape
    wide = BOX_WIDTH * high * (width / height / BOX_ASPECT) ** BOX_SQUEEZE
    wide = round(min(max(wide, 0.1 * high), high))
    best = _resized(upright, high, wide)
    best = _with_ink(best, BOX_INK * high * high)
    fine = np.zeros((high, high), np.float32)
    left = (high - wide) // 2
    fine[:, left : left + wide] = best
    return _block_means(fine, high // size)


def _block_means(fine: Array, block: int) -> Array:
    """Returns the share of ink in each block."""
    size = len(fine) // block
    return np.asarray(fine.reshape(size, block, size, block).mean((1, 3)))


def _enlarged(shape: Array, longer: int) -> Array:
    height, width = shape.shape
    scale = longer / max(height, width)
    return np.pad(_resized(shape, max(round(height * scale), 1), max(round(width * scale), 1)), longer // 5)


def _resized(shape: Array, height: int, width: int) -> Array:
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(shape, np.float32))
    resized = np.asarray(picture.resize((max(width, 1), max(height, 1)), Image.Resampling.BICUBIC))
    return np.asarray(np.clip(resized, 0, 1))


def _cropped(shape: Array) -> Array:
    inside = shape > 0.5
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    return shape[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _signed_distance(shape: Array) -> Array:
    """Returns the distance of each pixel from the edge of the ink, positive inside."""
    from scipy import ndimage

    inside = shape > 0.5
    apart: Array = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
    return apart - np.sign(apart) * 0.5


def _pen(shape: Array) -> float:
    """Returns the width of the strokes: twice the distance of their centre line from the edge."""
    middle, apart = thinned(shape > 0.5), _signed_distance(shape)
    return float(2 * (np.median(apart[middle]) if middle.any() else apart.max()))  # a dot has no centre line


def _with_pen(shape: Array, pen: float) -> Array:
    """Changes the width of strokes."""
    own = _pen(shape)
    wanted = min(max(pen, PENS[0] * own), max(PENS[1] * own, own + 2))
    return np.clip(_signed_distance(shape) + (wanted - own) / 2 + 0.5, 0, 1)


def _with_ink(shape: Array, ink: float) -> Array:
    """Changes the width of strokes within the limits, so that they have about ``ink`` pixels of ink."""
    framed = np.pad(shape, 1)  # strokes that touch an edge of the box end there
    apart, own = _signed_distance(framed)[1:-1, 1:-1], _pen(framed)
    levels = np.sort(apart, axis=None)
    edge = float(levels[max(len(levels) - round(ink), 0)])
    edge = min(max(edge, -own * 0.4), own * 0.2)
    return np.clip(apart - edge + 0.5, 0, 1)


def _upright(shape: Array) -> Array:
    """Removes the slant by shearing, so that the columns of mass are vertical."""
    from scipy import ndimage

    down, across = (np.arange(side) + 0.5 for side in shape.shape)
    ink = shape.sum()
    middle, centre = (shape.sum(1) * down).sum() / ink, (shape.sum(0) * across).sum() / ink
    both = ((down - middle)[:, None] * (across - centre)[None] * shape).sum()
    slant = float(both / max((shape.sum(1) * (down - middle) ** 2).sum(), 1e-6))
    slant = min(max(slant, -1.0), 1.0)
    reach = int(abs(slant) * shape.shape[0] / 2) + 1
    wide = np.pad(shape, ((0, 0), (reach, reach)))
    return np.asarray(ndimage.affine_transform(wide, [[1, 0], [slant, 1]], [0, -slant * (middle - 0.5)], order=1))
