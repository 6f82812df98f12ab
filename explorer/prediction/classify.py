"""Classes of images: prepared as the card of the weights says, in float32, the same on a page and in a terminal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from explorer.data.preprocessing import Normalise, fitted
from explorer.errors import InputError
from explorer.i18n import _
from explorer.prediction.checks import check_numbers
from explorer.weights.files import Card

PIXELS = 2**20  # of a batch: what VGG-16 computes of them takes a gigabyte
MOST = 256  # images of a batch


@dataclass(frozen=True)
class Guess:
    """A class that an image may belong to, its position among the classes, and how probable it is."""

    name: str
    index: int
    probability: float


def classify(network: nn.Module, card: Card, images: Sequence[Tensor]) -> Tensor:
    """Probabilities of the classes for images of any sizes.

    Args:
        network: in evaluation mode, on the CPU.
        card: of its weights.
        images: uint8, each (C, H, W) with the channels of the network.

    Returns:
        float32, (images, classes).

    Raises:
        InputError: where the network gives no numbers.
    """
    size = batch_size(card)
    parts = [
        probabilities(network, card, torch.cat([_fitted(image, card) for image in images[first : first + size]]))
        for first in range(0, len(images), size)
    ]
    return torch.cat(parts) if parts else torch.empty(0, len(card.classes))


def likeliest(probabilities: Tensor, classes: Sequence[str], count: int) -> tuple[Guess, ...]:
    """The likeliest classes of one image, the likeliest first; of equals in the order of the classes.

    Args:
        probabilities: (classes,).
        classes: their names.
        count: how many; all where there are fewer.
    """
    order = probabilities.argsort(descending=True, stable=True)[:count].tolist()
    return tuple(Guess(classes[index], index, float(probabilities[index])) for index in order)


def prepared(prepare: Callable[[], Tensor]) -> Tensor | str:
    """A picture as a network sees it, or why it can't be read."""
    try:
        return prepare()
    except InputError as error:
        return str(error)


def channels_of(card: Card) -> int:
    """How many channels the pictures of a network have.

    Raises:
        InputError: where it reads no pictures.
    """
    channels = card.network_spec.in_channels
    if channels not in {1, 3}:
        raise InputError(
            _("in_channels: pictures have 1 channel or 3, and the network takes {channels}").format(channels=channels)
        )
    return channels


def batch_size(card: Card) -> int:
    """Images that a network is asked about at once."""
    return min(max(PIXELS // card.inputs.size**2, 1), MOST)


def _fitted(image: Tensor, card: Card) -> Tensor:
    return fitted(image[None], card.inputs)


@torch.inference_mode()
def probabilities(network: nn.Module, card: Card, pixels: Tensor) -> Tensor:
    """Probabilities of the classes, float32, (B, classes), for images as the network sees them, (B, C, size, size).

    Raises:
        InputError: where the network gives no numbers.
    """
    answers: Tensor = network(Normalise(card.inputs, pixels.device)(pixels)).float().softmax(1)
    check_numbers(answers, card)
    return answers
