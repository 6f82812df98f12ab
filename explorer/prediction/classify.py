"""Classes of images: prepared as the card of the weights says, in float32, the same on a page and in a terminal."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from explorer.data.decode import decode
from explorer.data.preprocessing import Normalise, fitted
from explorer.data.source import bounded
from explorer.errors import InputError, printable, shown
from explorer.i18n import _
from explorer.models.weights import Card
from explorer.prediction.checks import check_numbers

PIXELS = 2**20  # of a batch: what VGG-16 computes of them takes a gigabyte
MOST = 256  # images of a batch


@dataclass(frozen=True)
class Guess:
    """A class that an image may belong to, its position among the classes, and how probable it is."""

    name: str
    index: int
    probability: float


@dataclass(frozen=True)
class Prediction:
    """What is said about one picture: its likeliest classes, or why it can't be read.

    Attributes:
        image: the file, as its user has named it.
        top: none of a picture that can't be read.
        error: why not.
    """

    image: str
    top: tuple[Guess, ...] = ()
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, as ``predict --json`` prints it."""
        top = [{"class": one.name, "index": one.index, "probability": one.probability} for one in self.top]
        return {"image": self.image, "top": top} | ({} if self.error is None else {"error": self.error})


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


def predict(network: nn.Module, card: Card, paths: Sequence[str | Path], count: int) -> Iterator[Prediction]:
    """The likeliest classes of pictures in files, in their order; one that can't be read says why.

    Args:
        network: in evaluation mode, on the CPU.
        card: of its weights.
        paths: of the pictures.
        count: of classes for each.

    Raises:
        InputError: where the network reads no pictures, or gives no numbers.
    """
    channels, size = channels_of(card), batch_size(card)
    for first in range(0, len(paths), size):
        # Fitted one by one: decoded photographs of a whole batch could fill the memory.
        read = [(path, prepared(partial(_read, path, channels, card))) for path in paths[first : first + size]]
        pixels = [part for _path, part in read if isinstance(part, Tensor)]
        answers = iter(probabilities(network, card, torch.cat(pixels)) if pixels else ())
        for path, part in read:
            if isinstance(part, str):
                yield Prediction(str(path), error=part)
            else:
                yield Prediction(str(path), likeliest(next(answers), card.classes, count))


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


def _read(name: str | Path, channels: int, card: Card) -> Tensor:
    place, path = printable(name) or shown(name), Path(name)
    try:
        if not path.is_file() and path.exists():  # a pipe would be waited for without end
            raise InputError(_("{place} can't be read: it is not a file").format(place=place))
        with path.open("rb") as file:
            return _fitted(decode(bounded(file, path), place, channels), card)
    except InputError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a null character
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(_("{place} can't be read: {reason}").format(place=place, reason=reason)) from None


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
