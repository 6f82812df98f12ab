"""Warnings about the confidence of an answer: no class stands out, or the picture does not suit the network.

No class stands out if the second class is at least half as likely as the first, or if the probabilities are flat. The
first test means the same for 10 and for 1,000 classes, however many unlikely classes share the rest. That is why "best
versus second best" is preferred to the entropy (A. Joshi, F. Porikli, N. Papanikolopoulos, "Multi-class active learning
for image classification", CVPR 2009). The second test uses the entropy as a share of its maximum. It finds what the
first test misses: a class with 2% that no other class comes near, while 998 others share the rest.

``benchmarks/ink.py`` measures how often each kind of warning occurs on a network's own test images, how many of the
answers with a warning are right, and the same for photographed digits. The figures are in ``docs/prediction.md``. There
is no general test of whether a picture resembles the training images: the energy (W. Liu et al., "Energy-based
out-of-distribution detection", NeurIPS 2020) and related scores need a threshold from training images, which a card
does not have.
"""

from enum import StrEnum

import torch
from torch import Tensor

from explorer.data.framing import FILL, Framing, measure_strokes
from explorer.prediction import ink
from explorer.prediction.label_map import is_matched_by_position, true_index
from explorer.prediction.pictures import Picture
from explorer.weights.files import Card

HALF = 0.5  # share of the first class's probability at which the second class counts as a rival
FLAT = 0.9  # share of the largest entropy above which the probabilities are flat
SMALL = 4  # enlargement of a picture above which it is too blurred
EVEN = 8  # levels of 256 by which the pixels of one colour may differ: the noise of a JPEG
FAINT = 40  # levels of 256: a smaller difference between light and dark is faint
DARK, LIGHT = 0.4, 0.6  # mean training pixel below which a network's background is dark, and above which it is light
PAPER = 0.2  # brightness above which a background is not black (or darkness above which it is not white)
OFF = 0.14  # largest distance of strokes from their place, as a share of the side; training shifts them by an eighth
LESS, MORE = 0.75, 1.25  # smallest and largest size of strokes, relative to the network's own


class ConfidenceWarning(StrEnum):
    """A reason why a picture may not suit the network. The values occur in JSON and CSV."""

    CLASS = "class"  # its class is not a class of the network
    NAME = "name"  # its class is matched by position with one of another name
    COLOUR = "colour"  # it has colours, and the network sees grey
    INVERTED = "inverted"  # light and dark are inverted, compared with the network's own images
    BACKGROUND = "background"  # its background is grey, and that of the network's own images is black or white
    FRAMING = "framing"  # its strokes are smaller, larger or further from the centre than the network's own
    FAINT = "faint"  # light and dark hardly differ
    SMALL = "small"  # it is far smaller than the network's input
    EMPTY = "empty"  # it has only one colour
    NO_INK = "no-ink"  # strokes were asked for, and none were found
    OTHERS = "other-strokes"  # other strokes of similar size were left out


# "Find the ink" removes the cause of these warnings.
FIXED_BY_INK = (ConfidenceWarning.INVERTED, ConfidenceWarning.BACKGROUND, ConfidenceWarning.FRAMING)


def stands_out(probabilities: Tensor) -> bool:
    """Returns whether one class stands out.

    Args:
        probabilities: Probabilities, (classes,).
    """
    count = len(probabilities)
    if count < 2:
        return True
    first, second = probabilities.topk(2).values.tolist()
    entropy = float(torch.special.entr(probabilities).sum() / torch.tensor(float(count)).log())
    return second < HALF * first and entropy <= FLAT


def confidence_warnings(picture: Picture, card: Card) -> list[ConfidenceWarning]:
    """Returns warnings that a picture may not suit a network.

    Raises:
        InputError: If the picture can't be read.
    """
    warnings = []
    if picture.label is not None and true_index(picture, card) is None:
        warnings.append(ConfidenceWarning.CLASS)
    if is_matched_by_position(picture, card):
        warnings.append(ConfidenceWarning.NAME)
    size = picture.size
    if picture.source is not None:
        strokes = ink.find_strokes(picture.source)
        if strokes is not None:
            size = strokes.box[2:]
            warnings += [ConfidenceWarning.OTHERS] if strokes.others else []
            return warnings + ([ConfidenceWarning.SMALL] if max(size) * SMALL < max(card.inputs.sides) else [])
        warnings.append(ConfidenceWarning.NO_INK)
    pixels = picture.pixels.flatten(1).int()
    spread = int((pixels.amax(1) - pixels.amin(1)).max())
    if spread <= EVEN:
        return [*warnings, ConfidenceWarning.EMPTY]
    if spread < FAINT:
        warnings.append(ConfidenceWarning.FAINT)
    if card.network_spec.in_channels == 1:
        if not picture.is_grey:
            warnings.append(ConfidenceWarning.COLOUR)
        warnings += _of_strokes(picture.network_input(card).float()[0] / 255, card)
    if min(size) * SMALL < min(card.inputs.sides):
        warnings.append(ConfidenceWarning.SMALL)
    return warnings


def _of_strokes(pixels: Tensor, card: Card) -> list[ConfidenceWarning]:
    """Returns the warnings for strokes as a network sees them, (height, width), from 0 to 1."""
    mean = sum(card.inputs.mean) / len(card.inputs.mean)
    if DARK <= mean <= LIGHT:
        return []
    if mean > LIGHT:
        pixels = 1 - pixels
    edge = torch.cat([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = float(edge.median())
    if ground > PAPER:
        darker = float(((pixels - ground) ** 3).sum()) <= 0
        return [ConfidenceWarning.INVERTED if darker or ground > LIGHT else ConfidenceWarning.BACKGROUND]
    framing = ink.known_framing(card)
    if framing is not None and _is_elsewhere(pixels, framing):
        return [ConfidenceWarning.FRAMING]
    return []


def _is_elsewhere(pixels: Tensor, framing: Framing) -> bool:
    """Returns whether bright strokes have another position or size than the network's own."""
    down, across, _top, high, wide = (float(value) for value in measure_strokes(pixels[None]))
    longer = max(high, wide) / min(pixels.shape) / FILL[framing]
    return not LESS <= longer <= MORE or max(abs(down - 0.5), abs(across - 0.5)) > OFF
