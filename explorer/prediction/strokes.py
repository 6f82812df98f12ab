"""Finds strokes on any paper: grey, shaded, lit from one side, ruled, or bright strokes on a dark ground.

The background is estimated without the strokes. A morphological closing fills everything dark that is narrower than
its window, and keeps paper, shadows and gradients of light (J. Serra, "Image Analysis and Mathematical Morphology",
1982; for documents B. Gatos, I. Pratikakis, S. Perantonis, "Adaptive degraded document image binarization", Pattern
Recognition 2006). The contrast of a pixel is the share of that background light that it lacks. It does not depend on
the amount of light. Bright strokes are dark strokes in the negative.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from PIL import Image
from torch import Tensor

Array: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[Any]]

SIDE = 384  # largest longer side of the search, in pixels
MIN_SIDE = 160  # pixels to which a smaller picture is enlarged, because the filters have sizes in pixels
CLOSE = 110  # pixels: a smaller figure is searched again at a higher resolution
MARGIN = 0.35  # margin of that second search, as a share of the strokes' longer side
WINDOW = 0.22  # closing window, as a share of the longer side: wider than any stroke
DARKEST = 24  # of 255: in darker light, a share of the light is noise
FAINTEST = 0.08  # smallest share of the light that a stroke takes away
NOISE = 5  # standard deviations of the paper's noise that a stroke exceeds
NEAR = 0.3  # largest gap between strokes of one figure, as a share of its longer side
SPECK = 0.03  # share of the largest part's ink, below which a part is a speck
WEAK = 0.5  # share of the largest part's contrast, below which a part is a line of the paper or a shadow
SPAN = 0.8  # share of the picture, above which a straight line belongs to the paper
ALONG, ALL_ALONG = 0.2, 0.8  # shares of an edge of the picture that a part covers
EDGE_WEIGHT = 0.05  # weight of such a part's ink
MAX_TILT = 8  # largest rotation of ruled paper in degrees


@dataclass(frozen=True)
class Strokes:
    """The strokes of a picture.

    Attributes:
        shape: Share of ink in each pixel of the box, float from 0 to 1, (h, w), at the resolution of the search.
        box: Top, left, height and width of the box, in pixels of the picture.
        dark: Whether the strokes are darker than the background.
        others: Number of other figures of similar size, which were left out.
    """

    shape: Array
    box: tuple[int, int, int, int]
    dark: bool
    others: int = 0


def find(image: Tensor) -> Strokes | None:
    """Finds the strokes of a picture. None if nothing stands out from the background.

    Args:
        image: Picture, uint8, (1 or 3, H, W).
    """
    light, scale = _scaled(image)
    dark = _are_dark(light.mean(0))
    found = _figure(light if dark else 255 - light)
    if found is None:
        return None
    (top, left, height, width), shape, others = found
    longer = max(height, width)
    if scale < 1 and longer < CLOSE:  # the original has more pixels
        around = _surroundings(np.array([top, left, height, width]) / scale, MARGIN * longer / scale, image.shape[1:])
        close, closer = _scaled(image[:, around[0] : around[1], around[2] : around[3]])
        again = _figure(close if dark else 255 - close)
        if again is not None:
            box, shape, _others = again
            place = np.array(box) / closer + np.array([around[0], around[2], 0, 0])
            return Strokes(shape, _rounded(place), dark, others)
    return Strokes(shape, _rounded(np.array([top, left, height, width]) / scale), dark, others)


def strokes_of_drawing(image: Tensor) -> Strokes | None:
    """Returns the strokes of a drawing, whose levels are the ink itself. None if nothing is drawn.

    Args:
        image: Bright strokes on black, uint8, (1 or 3, H, W).
    """
    ink: Array = image.numpy().max(0).astype(np.float32) / 255
    inside = ink > 0.5
    if not inside.any():
        return None
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    box = int(rows[0]), int(columns[0]), int(rows[-1] + 1 - rows[0]), int(columns[-1] + 1 - columns[0])
    return Strokes(ink[box[0] : box[0] + box[2], box[1] : box[1] + box[3]], box, dark=False)


def _scaled(image: Tensor) -> tuple[Array, float]:
    """Returns the pixels at the size of the search, float32, (C, h, w), and the scale relative to the picture."""
    from scipy import ndimage

    longest = max(image.shape[1:])
    if longest > SIDE:
        height, width = (max(round(side * SIDE / longest), 1) for side in image.shape[1:])
        planes = [Image.fromarray(plane).resize((width, height), Image.Resampling.BOX) for plane in image.numpy()]
        return np.stack([np.asarray(plane, np.float32) for plane in planes]), SIDE / longest
    pixels: Array = image.numpy().astype(np.float32)
    if longest >= MIN_SIDE:
        return pixels, 1.0
    scale = -(-MIN_SIDE // longest)
    enlarged = np.stack([ndimage.zoom(plane, scale, order=1, mode="nearest", grid_mode=True) for plane in pixels])
    return ndimage.gaussian_filter(enlarged, (0, scale / 3, scale / 3), mode="nearest"), float(scale)


def _are_dark(light: Array) -> bool:
    """Returns whether the strokes are darker than the ground, which fills most of any large window."""
    from scipy import ndimage

    step = max(max(light.shape) // 48, 1)
    small = ndimage.uniform_filter(light, step, mode="nearest")[step // 2 :: step, step // 2 :: step]
    ground = ndimage.median_filter(small, size=[side // 2 * 2 // 2 + 1 for side in small.shape], mode="nearest")
    return bool(((small - ground) ** 3).sum() <= 0)


def _figure(light: Array) -> tuple[tuple[int, int, int, int], Array, int] | None:
    """Returns box, shape and number of other figures, for dark strokes in pixels, (C, h, w)."""
    from skimage import filters, measure

    contrast = _contrast(light, round(WINDOW * max(light.shape[1:])))
    noise = 1.4826 * float(np.median(np.abs(contrast - np.median(contrast))))
    floor = max(NOISE * noise, FAINTEST)
    contrast = _without_lines(contrast, floor)
    labels = measure.label(contrast > floor)
    if not labels.any():
        return None
    main = _main_part(labels, contrast)
    if main is None:
        return None
    level = float(np.percentile(contrast[labels == main], 75))
    low, high = max(0.35 * level, floor), max(WEAK * level, floor)
    mask = filters.apply_hysteresis_threshold(contrast, low, high)
    figure, others = _joined(measure.label(mask), contrast, labels == main)
    if figure is None:
        return None
    # The edge of a stroke is at half of the ink's own contrast.
    deep = float(np.percentile(contrast[figure], 60))
    shape = np.clip(contrast / deep, 0, 1) * _dilated(figure, 2)
    inside = shape > 0.5
    if not inside.any():
        return None
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    top, left = int(rows[0]), int(columns[0])
    height, width = int(rows[-1]) + 1 - top, int(columns[-1]) + 1 - left
    return (top, left, height, width), shape[top : top + height, left : left + width], others


def _contrast(light: Array, window: int) -> Array:
    """Returns the share of the background light that each pixel lacks, (h, w), from the colour that lacks most."""
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(light, (0, 0.8, 0.8), mode="nearest")
    ground = ndimage.grey_closing(smooth, size=(1, window | 1, window | 1), mode="nearest")
    lacking = (ground - smooth) / np.maximum(ground, DARKEST)
    lacking -= np.median(lacking, axis=(1, 2), keepdims=True)
    return np.asarray(np.clip(lacking.max(0), 0, 1))


def _without_lines(contrast: Array, floor: float) -> Array:
    """Returns the contrast without the lines of ruled or squared paper: straight lines across the whole picture."""
    from scipy import ndimage
    from skimage import measure

    found = [
        part.slice for part in measure.regionprops(measure.label(contrast > floor))
        if any(side.stop - side.start > SPAN * length for side, length in zip(part.slice, contrast.shape, strict=True))
    ]  # fmt: skip
    if not found:
        return contrast
    half = ndimage.maximum_filter(contrast, 2)[::2, ::2]
    lines = np.zeros_like(half)
    for flat in (half, half.T):
        length = round(SPAN * flat.shape[1])
        for slope in np.tan(np.radians(np.arange(-MAX_TILT, MAX_TILT + 1))):
            lines_here = _opened(flat, length, float(slope))
            lines = np.maximum(lines, lines_here if flat is half else lines_here.T)
    lines = ndimage.maximum_filter(lines, 3)
    line_contrast = np.kron(lines, np.ones((2, 2), np.float32))[: contrast.shape[0], : contrast.shape[1]]
    remaining = np.clip(contrast - 1.1 * line_contrast, 0, 1)
    left = float(remaining[remaining > floor].sum())
    # A tall 1 is a straight line, too. If nothing else is left, the line is the figure.
    return remaining if left > 0.15 * float(contrast[contrast > floor].sum()) else contrast


def _opened(values: Array, length: int, slope: float) -> Array:
    """Returns the morphological opening by a straight line of ``length`` columns."""
    rows = np.round(slope * np.arange(values.shape[1])).astype(int)
    rows -= rows.min()
    tall = np.zeros((values.shape[0] + int(rows.max()), values.shape[1]), values.dtype)
    columns = np.arange(values.shape[1])
    index = np.arange(values.shape[0])[:, None] + rows[None]
    tall[index, columns[None]] = values  # sheared, so that the line is horizontal
    from scipy import ndimage

    level = ndimage.grey_opening(tall, size=(1, length), mode="nearest")
    return np.asarray(level[index, columns[None]])


def _main_part(labels: Array, contrast: Array) -> int | None:
    """Returns the label of the part with the most ink. Parts along an edge, often shadows, count little or nothing."""
    from scipy import ndimage

    count = int(labels.max())
    ink = ndimage.sum_labels(contrast, labels, np.arange(1, count + 1))
    edge = np.zeros(count + 1)
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        longest = np.bincount(side, minlength=count + 1)
        edge = np.maximum(edge, longest / len(side))
    edge[0] = 0
    ink = ink * np.select([edge[1:] > ALL_ALONG, edge[1:] > ALONG], [0, EDGE_WEIGHT], 1)
    return int(np.argmax(ink)) + 1 if ink.any() else None


def _joined(labels: Array, contrast: Array, main: Array) -> tuple[Array | None, int]:
    """Returns the parts that belong to the main part, and the number of other parts as large as figures."""
    from skimage import measure

    parts = {part.label: part for part in measure.regionprops(labels, intensity_image=contrast)}
    pixels_in_main = np.bincount(labels[main], minlength=labels.max() + 1)
    pixels_in_main[0] = 0
    if not pixels_in_main.any():
        return None, 0
    first = int(pixels_in_main.argmax())
    ink = {label: float(part.area * part.intensity_mean) for label, part in parts.items()}
    chosen, rest = {first}, set(parts) - {first}
    rest = {one for one in rest if ink[one] > SPECK * ink[first] and not _on_the_edge(parts[one], labels.shape)}
    while near := {one for one in rest if _near(parts[one].bbox, [parts[label].bbox for label in chosen])}:
        chosen |= near
        rest -= near
    others = sum(ink[one] > 0.3 * ink[first] for one in rest)
    return np.isin(labels, list(chosen)), others


def _on_the_edge(part: Any, shape: tuple[int, ...]) -> bool:
    top, left, bottom, right = part.bbox
    return bool(top == 0 or left == 0 or bottom == shape[0] or right == shape[1])


def _near(box: tuple[int, ...], boxes: list[tuple[int, ...]]) -> bool:
    top, left = (min(one[axis] for one in boxes) for axis in (0, 1))
    bottom, right = (max(one[axis] for one in boxes) for axis in (2, 3))
    reach = NEAR * max(bottom - top, right - left)
    gap = max(top - box[2], box[0] - bottom, left - box[3], box[1] - right, 0)
    return gap <= reach


def _dilated(mask: Array, by: int) -> Array:
    from scipy import ndimage

    return np.asarray(ndimage.binary_dilation(mask, iterations=by))


def _surroundings(box: Array, margin: float, size: tuple[int, ...]) -> tuple[int, int, int, int]:
    top, left, height, width = box.tolist()
    ends = (top - margin, top + height + margin, left - margin, left + width + margin)
    limits = (size[0], size[0], size[1], size[1])
    first, last, start, end = (min(max(round(one), 0), limit) for one, limit in zip(ends, limits, strict=True))
    return first, last, start, end


def _rounded(box: Array) -> tuple[int, int, int, int]:
    top, left, height, width = (round(one) for one in box.tolist())
    return top, left, max(height, 1), max(width, 1)
