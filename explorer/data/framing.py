"""How the strokes of a data set stand in its images: measured, so that a digit of one's own can be framed alike."""

from enum import StrEnum

import torch
from torch import Tensor

SAMPLE = 1000  # images that are looked at
MOST = 0.9  # share of them that a rule must hold for
MIDDLE = 0.04  # of the side: how far a centre of mass is from the middle, at most


class Framing(StrEnum):
    """Where the ink is in a network's own images."""

    MASS = "mass"  # as MNIST's: the longer side 20 of 28 pixels, the centre of mass in the middle
    BOX = "box"  # as scikit-learn's: as high as the image, upright, nearly of one width


FILL = {Framing.MASS: 20 / 28, Framing.BOX: 1.0}  # longer side of the ink, as a share of the image's


def framing_of(images: object) -> Framing | None:
    """How strokes stand in images that are all framed alike; none where they are not, or are no strokes.

    Args:
        images: uint8, (N, C, H, W); of those in files nothing is known.
    """
    if not isinstance(images, Tensor) or images.shape[-1] != images.shape[-2] or len(images) == 0:
        return None
    side = images.shape[-1]
    ink = images[:: max(len(images) // SAMPLE, 1)].float().mean(1) / 255
    if ink.mean() > 0.5:
        ink = 1 - ink
    down, across, top, high, wide = measured(ink)
    fill = torch.maximum(high, wide) / side
    in_the_middle = ((down - 0.5).abs() < MIDDLE) & ((across - 0.5).abs() < MIDDLE)
    if _mostly(((fill - FILL[Framing.MASS]).abs() < 2 / 28) & in_the_middle):
        return Framing.MASS
    if _mostly((top == 0) & (high == side) & (wide < side)):
        return Framing.BOX
    return None


def measured(ink: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Of bright strokes, from 0 to 1, (N, S, S): where their mass is, as shares of the side, and their box in pixels.

    Returns:
        Down and across of the centre of mass, and top, height and width of what is a quarter as bright as can be; (N,).
    """
    side = ink.shape[-1]
    places = (torch.arange(side) + 0.5) / side
    mass = ink.sum((1, 2)).clamp(min=1e-6)
    down, across = (ink.sum(2) * places).sum(1) / mass, (ink.sum(1) * places).sum(1) / mass
    inside = ink > ink.amax((1, 2), keepdim=True).clamp(min=1e-6) / 4
    rows, columns = inside.any(2), inside.any(1)
    first = rows.int().argmax(1)
    high = side - rows.flip(1).int().argmax(1) - first
    wide = side - columns.flip(1).int().argmax(1) - columns.int().argmax(1)
    return down, across, first, high, wide


def _mostly(holds: Tensor) -> bool:
    return float(holds.float().mean()) >= MOST
