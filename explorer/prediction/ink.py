"""The strokes of a picture instead of the picture: found, made bright or dark, cropped and centred for a network."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from explorer.data.framing import Framing
from explorer.errors import InputError
from explorer.i18n import _
from explorer.prediction.caches import Kept
from explorer.prediction.framed import framed
from explorer.prediction.pictures import Picture
from explorer.prediction.strokes import Strokes, find
from explorer.weights.files import Card

MEMORY = 64_000_000  # most bytes of strokes in the cache, for all sessions
TINY = 16  # pixels: up to this size, unknown images are assumed to be scikit-learn's, above it MNIST's
KNOWN = {"digits": Framing.BOX, "mnist": Framing.MASS}  # for older cards without a framing


@dataclass(frozen=True)
class _Found:
    strokes: Strokes | None
    nbytes: int


_kept: Kept[_Found] = Kept(MEMORY, getsizeof=lambda found: found.nbytes)


def known_framing(card: Card) -> Framing | None:
    """Returns the framing of a network's own strokes. None if its images are not strokes, or nothing is known."""
    return card.inputs.framing or KNOWN.get(str(card.data.get("name")))


def framing(card: Card) -> Framing | None:
    """Returns the framing of strokes for a network. None if it was not trained with strokes.

    If the card of a grey network does not say, the network is assumed to read digits, and its image size decides.
    """
    if (known := known_framing(card)) is not None:
        return known
    if card.network_spec.in_channels != 1:
        return None
    return Framing.BOX if card.inputs.size <= TINY else Framing.MASS


def check(card: Card) -> None:
    """Checks that strokes can be framed for a network.

    Raises:
        InputError: If it was not trained with strokes.
    """
    if framing(card) is None:
        raise InputError(
            _("ink: {name} was trained with colour images, not with strokes; leave --ink out").format(name=card.name)
        )


def inked(picture: Picture, card: Card) -> Picture:
    """Returns a picture of the strokes alone, framed like a network's own. The same pixels if there are no strokes.

    The network must pass :func:`check`.
    """
    how = framing(card)
    if how is None:
        return picture
    bright = sum(card.inputs.mean) < 0.5 * len(card.inputs.mean)
    side = card.inputs.resize or card.inputs.size
    key = ("ink", picture.identity, how, card.inputs.size, side, bright)
    read = partial(_read, picture, how, card.inputs.size, side, bright=bright)
    return Picture(picture.name, key, read, picture.label, picture.classes, is_first=picture.is_first, source=picture)


def found(picture: Picture) -> Strokes | None:
    """Returns the strokes of a picture. None if nothing stands out.

    Raises:
        InputError: If the picture can't be read.
    """
    with _kept.lock:
        held = _kept.get(picture.key)
    if held is None:
        strokes = find(picture.levels)
        held = _Found(strokes, 1000 + (0 if strokes is None else strokes.shape.nbytes))
        with _kept.lock:
            if held.nbytes <= _kept.maxsize:
                _kept[picture.key] = held
    return held.strokes


def _read(picture: Picture, how: Framing, size: int, side: int, channels: int | None, *, bright: bool) -> Tensor:
    strokes = found(picture)
    if strokes is None:
        return picture.original(channels)
    field = torch.zeros(1, side, side, dtype=torch.uint8)  # the drawing fits into the middle, which some networks crop
    edge = (side - size) // 2
    field[:, edge : edge + size, edge : edge + size] = framed(strokes, how, size)
    return (field if bright else 255 - field).expand(channels or 1, -1, -1).clone()
