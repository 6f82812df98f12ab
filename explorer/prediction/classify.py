"""Classification of images in float32, prepared as the card of the weights says. Pages and terminal share it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from explorer.data.preprocessing import Normalise
from explorer.errors import InputError
from explorer.i18n import _
from explorer.prediction.checks import check_numbers
from explorer.weights.files import Card

MAX_BATCH_PIXELS = 2**20  # VGG-16's activations then take a gigabyte
MAX_BATCH_IMAGES = 256


@dataclass(frozen=True)
class ClassProbability:
    """The name of a class, its position among the classes, and its probability for an image."""

    name: str
    index: int
    probability: float


def likeliest(probabilities: Tensor, classes: Sequence[str], count: int) -> tuple[ClassProbability, ...]:
    """Returns the most likely classes of an image, most likely first. Ties are in the order of the classes.

    Args:
        probabilities: Probabilities, (classes,).
        classes: Names of the classes.
        count: Number of classes to return, at most all of them.
    """
    order = probabilities.argsort(descending=True, stable=True)[:count].tolist()
    return tuple(ClassProbability(classes[index], index, float(probabilities[index])) for index in order)


def prepared_or_error(prepare: Callable[[], Tensor]) -> Tensor | str:
    """Returns a picture as a network sees it, or a sentence that says why it can't be read."""
    try:
        return prepare()
    except InputError as error:
        return str(error)


def channels_of(card: Card) -> int:
    """Returns the number of channels of a network's pictures.

    Raises:
        InputError: If the network does not take pictures.
    """
    channels = card.network_spec.in_channels
    if channels not in {1, 3}:
        raise InputError(
            _("in_channels: pictures have 1 channel or 3, and the network takes {channels}").format(channels=channels)
        )
    return channels


def batch_size(card: Card) -> int:
    """Returns the number of images in a batch for a network."""
    return min(max(MAX_BATCH_PIXELS // card.inputs.sides.area, 1), MAX_BATCH_IMAGES)


@torch.inference_mode()
def probabilities(network: nn.Module, card: Card, pixels: Tensor) -> Tensor:
    """Computes the probabilities of the classes.

    Args:
        network: Network in evaluation mode.
        card: Card of its weights.
        pixels: 8-bit values as the network sees them before normalisation, (B, C, height, width).

    Returns:
        Probabilities, float32, (B, classes).

    Raises:
        InputError: If the outputs are not finite.
    """
    answers: Tensor = network(Normalise(card.inputs, pixels.device)(pixels)).float().softmax(1)
    check_numbers(answers, card)
    return answers
