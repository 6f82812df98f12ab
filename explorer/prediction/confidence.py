"""When an answer is to be doubted: no class stands out, or the picture can't be one that the network knows.

No class stands out where the second is at least half as likely as the first, or where the probabilities are flat. The
first tells the same of 10 classes and of 1,000, however many unlikely ones share the rest, which is why "best versus
second best" is preferred to the entropy (A. Joshi, F. Porikli, N. Papanikolopoulos, "Multi-class active learning for
image classification", CVPR 2009). The second is the entropy as a share of its maximum, for what the first misses: a
class with 2% that no other comes near, while 998 others hold the rest.

How often both kinds of doubt come up on a network's own test images, and how many of the doubted answers are right, is
measured by ``benchmarks/ink.py``, with photographed digits beside; the figures stand in ``docs/prediction.md``. Whether
a picture is like those of the training is not asked in general: the energy (W. Liu et al., "Energy-based
out-of-distribution detection", NeurIPS 2020) and its relatives need a threshold from images of the training, which a
card does not have.
"""

from enum import StrEnum

import torch
from torch import Tensor

from explorer.data.framing import FILL, Framing, measured
from explorer.prediction import ink
from explorer.prediction.label_map import by_position, truth
from explorer.prediction.pictures import Picture
from explorer.weights.files import Card

HALF = 0.5  # of the first class's probability: with as much the second is a rival
FLAT = 0.9  # of the largest entropy
SMALL = 4  # times that a picture is enlarged until little can be seen in it
EVEN = 8  # levels of 256 by which the pixels of one colour may differ: the noise of a JPEG
FAINT = 40  # levels of 256 by which light and dark differ in a picture of which little can be seen
DARK, LIGHT = 0.4, 0.6  # mean of the pixels that a network was trained with, beyond which its background is so
PAPER = 0.2  # of white: what a background has that isn't black (or of black, where it isn't white)
OFF = 0.14  # of the side: how far strokes are from their place; training shifts them by an eighth
LESS, MORE = 0.75, 1.25  # times the size that the network's strokes have


class Doubt(StrEnum):
    """Why a picture may be none that the network knows."""

    CLASS = "class"  # its class is not among the network's
    NAME = "name"  # its class is taken for one of another name
    COLOUR = "colour"  # the network sees grey, and the picture has colours
    INVERTED = "inverted"  # light and dark are the other way round than in the network's own images
    BACKGROUND = "background"  # it is grey, where that of the network's own images is black or white
    FRAMING = "framing"  # strokes are smaller, larger or further from the middle than the network's own
    FAINT = "faint"  # light and dark hardly differ
    SMALL = "small"  # it is far smaller than what the network reads
    EMPTY = "empty"  # it has one colour
    NO_INK = "no-ink"  # no strokes were found, where they were asked for
    OTHERS = "other-strokes"  # strokes of comparable size were left out


def stands_out(probabilities: Tensor) -> bool:
    """Whether one class stands out.

    Args:
        probabilities: (classes,).
    """
    count = len(probabilities)
    if count < 2:
        return True
    first, second = probabilities.topk(2).values.tolist()
    entropy = float(torch.special.entr(probabilities).sum() / torch.tensor(float(count)).log())
    return second < HALF * first and entropy <= FLAT


def doubts(picture: Picture, card: Card) -> list[Doubt]:
    """What speaks against asking a network about a picture.

    Raises:
        InputError: where the picture can't be read.
    """
    found = []
    if picture.label is not None and truth(picture, card) is None:
        found.append(Doubt.CLASS)
    if by_position(picture, card):
        found.append(Doubt.NAME)
    size = picture.size
    if picture.source is not None:
        strokes = ink.found(picture.source)
        if strokes is not None:
            size = strokes.box[2:]
            found += [Doubt.OTHERS] if strokes.others else []
            return found + ([Doubt.SMALL] if max(size) * SMALL < card.inputs.size else [])
        found.append(Doubt.NO_INK)
    pixels = picture.pixels.flatten(1).int()
    spread = int((pixels.amax(1) - pixels.amin(1)).max())
    if spread <= EVEN:
        return [*found, Doubt.EMPTY]
    if spread < FAINT:
        found.append(Doubt.FAINT)
    if card.network_spec.in_channels == 1:
        if not picture.is_grey:
            found.append(Doubt.COLOUR)
        found += _of_strokes(picture.seen(card).float()[0] / 255, card)
    if min(size) * SMALL < card.inputs.size:
        found.append(Doubt.SMALL)
    return found


def _of_strokes(pixels: Tensor, card: Card) -> list[Doubt]:
    """What speaks against strokes as a network sees them, (size, size), from 0 to 1."""
    mean = sum(card.inputs.mean) / len(card.inputs.mean)
    if DARK <= mean <= LIGHT:
        return []
    if mean > LIGHT:
        pixels = 1 - pixels
    edge = torch.cat([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = float(edge.median())
    if ground > PAPER:
        darker = float(((pixels - ground) ** 3).sum()) <= 0
        return [Doubt.INVERTED if darker or ground > LIGHT else Doubt.BACKGROUND]
    framing = ink.known_framing(card)
    if framing is not None and _is_elsewhere(pixels, framing):
        return [Doubt.FRAMING]
    return []


def _is_elsewhere(pixels: Tensor, framing: Framing) -> bool:
    """Whether bright strokes stand elsewhere in the picture than a network's own, or have another size."""
    down, across, _top, high, wide = (float(value) for value in measured(pixels[None]))
    longer = max(high, wide) / len(pixels) / FILL[framing]
    return not LESS <= longer <= MORE or max(abs(down - 0.5), abs(across - 0.5)) > OFF
