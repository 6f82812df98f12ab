"""Measures the framing of strokes in a data set's images, so that a user's digit can be framed the same way."""

from enum import StrEnum

import torch
from torch import Tensor

SAMPLE = 1000  # most images to measure
MOST = 0.9  # share of images that have to follow a rule
MIDDLE = 0.04  # largest distance of a centre of mass from the middle, as a share of the side


class Framing(StrEnum):
    """The position and size of the strokes in a network's own images."""

    MASS = "mass"  # as in MNIST: the longer side of the strokes is 20 of 28 pixels, their centre of mass in the middle
    BOX = "box"  # as in scikit-learn's digits: strokes as high as the image and narrower


FILL = {Framing.MASS: 20 / 28, Framing.BOX: 1.0}  # longer side of the strokes, as a share of the image's side


def framing_of(images: object) -> Framing | None:
    """The framing that nearly all images share; None if they share none, or are no strokes.

    Args:
        images: uint8, (N, C, H, W); the framing of images in files is None.
    """
    if not isinstance(images, Tensor) or images.shape[-1] != images.shape[-2] or len(images) == 0:
        return None
    side = images.shape[-1]
    ink = images[:: max(len(images) // SAMPLE, 1)].float().mean(1) / 255
    if ink.mean() > 0.5:
        ink = 1 - ink
    down, across, top, high, wide = measure_strokes(ink)
    fill = torch.maximum(high, wide) / side
    in_the_middle = ((down - 0.5).abs() < MIDDLE) & ((across - 0.5).abs() < MIDDLE)
    if _mostly(((fill - FILL[Framing.MASS]).abs() < 2 / 28) & in_the_middle):
        return Framing.MASS
    if _mostly((top == 0) & (high == side) & (wide < side)):
        return Framing.BOX
    return None


def measure_strokes(ink: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Centre of mass and bounding box of bright strokes.

    Args:
        ink: Brightness from 0 to 1, (N, H, W).

    Returns:
        Row and column of the centre of mass as shares of height and width; top, height and width in pixels of the box
        around all pixels that are at least a quarter as bright as the brightest one. Each is (N,).
    """
    height, width = ink.shape[-2:]
    down_places, across_places = ((torch.arange(side) + 0.5) / side for side in (height, width))
    mass = ink.sum((1, 2)).clamp(min=1e-6)
    down, across = (ink.sum(2) * down_places).sum(1) / mass, (ink.sum(1) * across_places).sum(1) / mass
    inside = ink > ink.amax((1, 2), keepdim=True).clamp(min=1e-6) / 4
    rows, columns = inside.any(2), inside.any(1)
    first = rows.int().argmax(1)
    high = height - rows.flip(1).int().argmax(1) - first
    wide = width - columns.flip(1).int().argmax(1) - columns.int().argmax(1)
    return down, across, first, high, wide


def _mostly(holds: Tensor) -> bool:
    return float(holds.float().mean()) >= MOST
