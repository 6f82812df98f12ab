"""When an answer is to be doubted: no class stands out, or the picture can't be one that the network knows.

An answer is "not sure" where the second class is at least half as likely as the first, or where the probabilities are
flat. The first tells the same of 10 classes and of 1,000, however many unlikely ones share the rest, which is why
"best versus second best" is preferred to the entropy (A. Joshi, F. Porikli, N. Papanikolopoulos, "Multi-class active
learning for image classification", CVPR 2009). The second is the entropy as a share of its maximum, for what the first
misses: a class with 2% that no other comes near, while 998 others hold the rest.

Measured on 2,000 test images each (CIFAR-10, MNIST): of resnet20-cifar10's answers 11% are not sure, and 47% of these
right, against 91% of the others; vgg16-cifar10 9%, 41%, 88%; mnist-cnn 4%, 66%, 99%; mnist-fc 12%, 51%, 94%. There the
entropy decides 4 of 8,000. None of these images raises one of the doubts below.

Whether a picture is like those of the training is not asked in general: the energy (W. Liu et al., "Energy-based
out-of-distribution detection", NeurIPS 2020) and its relatives need a threshold from images of the training, which a
card does not have.
"""

from enum import StrEnum

import torch
from torch import Tensor

from explorer.models.weights import Card
from explorer.prediction.pictures import Picture
from explorer.prediction.truths import by_position, truth

HALF = 0.5  # of the first class's probability: with as much the second is a rival
FLAT = 0.9  # of the largest entropy
SMALL = 4  # times that a picture is enlarged until little can be seen in it
EVEN = 8  # levels of 256 by which the pixels of one colour may differ: the noise of a JPEG
DARK, LIGHT = 0.4, 0.6  # mean of the pixels that a network was trained with, beyond which its background is so


class Doubt(StrEnum):
    """Why a picture may be none that the network knows."""

    CLASS = "class"  # its class is not among the network's
    NAME = "name"  # its class is taken for one of another name
    COLOUR = "colour"  # the network sees grey, and the picture has colours
    INVERTED = "inverted"  # its background is as light as the network's are dark, or the other way round
    SMALL = "small"  # it is far smaller than what the network reads
    EMPTY = "empty"  # it has one colour


def is_sure(probabilities: Tensor) -> bool:
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
    grey = card.network_spec.in_channels == 1
    if grey and not picture.is_grey:
        found.append(Doubt.COLOUR)
    if grey and _is_other_way_round(picture.seen(card), sum(card.inputs.mean) / len(card.inputs.mean)):
        found.append(Doubt.INVERTED)
    if min(picture.size) * SMALL < card.inputs.size:
        found.append(Doubt.SMALL)
    pixels = picture.pixels.flatten(1).int()
    if (pixels.amax(1) - pixels.amin(1)).max() <= EVEN:
        found.append(Doubt.EMPTY)
    return found


def _is_other_way_round(pixels: Tensor, mean: float) -> bool:
    """Whether the edge of a picture is light where the network's images are dark, or the other way round."""
    edge = torch.cat(
        [pixels[:, 0].flatten(), pixels[:, -1].flatten(), pixels[..., 0].flatten(), pixels[..., -1].flatten()]
    )
    background = float(edge.float().median()) / 255
    return background > LIGHT if mean < DARK else background < DARK if mean > LIGHT else False
