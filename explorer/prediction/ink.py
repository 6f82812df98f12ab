"""Finds the strokes of a picture, and frames them like a network's own images."""

from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from explorer.data.framing import Framing
from explorer.errors import InputError
from explorer.i18n import _
from explorer.prediction.caches import BoundedCache
from explorer.prediction.pictures import Picture
from explorer.prediction.stroke_framing import frame_strokes
from explorer.prediction.strokes import Strokes, find, strokes_of_drawing
from explorer.weights.files import Card

CACHE_BYTES = 64_000_000  # for all sessions
SMALL_DIGITS = 16  # pixels: up to this size, unknown images are assumed to be scikit-learn's, above it MNIST's
FRAMINGS = {"digits": Framing.BOX, "mnist": Framing.MASS}  # for older cards without a framing


@dataclass(frozen=True)
class _CachedStrokes:
    strokes: Strokes | None
    nbytes: int


_cache = BoundedCache[_CachedStrokes](CACHE_BYTES, lambda value: value.nbytes)


def known_framing(card: Card) -> Framing | None:
    """Returns the framing of a network's own strokes. None if its images are not strokes, or nothing is known."""
    return card.inputs.framing or FRAMINGS.get(str(card.data.get("name")))


def framing_for(card: Card) -> Framing | None:
    """Returns the framing of strokes for a network. None if it was not trained with strokes.

    If the card of a grey network does not say, the network is assumed to read digits, and its image size decides.
    """
    if (known := known_framing(card)) is not None:
        return known
    if card.network_spec.in_channels != 1:
        return None
    return Framing.BOX if max(card.inputs.sides) <= SMALL_DIGITS else Framing.MASS


def strokes_are_bright(card: Card) -> bool:
    """Returns whether the strokes of a network's own images are bright on a dark ground."""
    return sum(card.inputs.mean) < 0.5 * len(card.inputs.mean)


def check(card: Card) -> None:
    """Checks that strokes can be framed for a network.

    Raises:
        InputError: If it was not trained with strokes.
    """
    if framing_for(card) is None:
        raise InputError(
            _("ink: {name} was trained with colour images, not with strokes; leave --ink out").format(name=card.name)
        )


def strokes_only(picture: Picture, card: Card) -> Picture:
    """Returns a picture of the strokes alone, framed like a network's own images. Without strokes the pixels stay.

    The network must pass :func:`check`.
    """
    framing = framing_for(card)
    if framing is None:
        return picture
    key = ("ink", picture.identity, framing, card.inputs.size, card.inputs.resize, strokes_are_bright(card))
    read = partial(_read, picture, framing, card)
    return replace(picture, key=key, read=read, spread=None, inverted=False, source=picture)


def find_strokes(picture: Picture) -> Strokes | None:
    """Returns the strokes of a picture. None if nothing stands out.

    Raises:
        InputError: If the picture can't be read.
    """
    with _cache.lock:
        cached = _cache.get(picture.key)
    if cached is None:
        strokes = strokes_of_drawing(picture.levels) if picture.is_drawing else find(picture.levels)
        cached = _CachedStrokes(strokes, 1000 + (0 if strokes is None else strokes.shape.nbytes))
        with _cache.lock:
            if cached.nbytes <= _cache.maxsize:
                _cache[picture.key] = cached
    return cached.strokes


def framed(strokes: Strokes, framing: Framing, card: Card, channels: int) -> Tensor:
    """Returns strokes framed like a network's own images, before they are fitted: uint8, (C, height, width)."""
    sides = card.inputs.sides
    # The drawing is a square in the middle, which is what a network crops that resizes first.
    height, width = (card.inputs.resize,) * 2 if card.inputs.resize else sides
    field, size = torch.zeros(1, height, width, dtype=torch.uint8), min(sides)
    top, left = (height - size) // 2, (width - size) // 2
    field[:, top : top + size, left : left + size] = frame_strokes(strokes, framing, size)
    return (field if strokes_are_bright(card) else 255 - field).expand(channels, -1, -1).clone()


def _read(picture: Picture, framing: Framing, card: Card, channels: int | None) -> Tensor:
    strokes = find_strokes(picture)
    return picture.original(channels) if strokes is None else framed(strokes, framing, card, channels or 1)
