"""The strokes of a picture in its place: found, turned bright or dark, cropped and centred for a network."""

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

MEMORY = 64_000_000  # bytes of strokes that are kept, for all sessions
TINY = 16  # pixels up to which a network's images are scikit-learn's rather than MNIST's, where nothing else is known
KNOWN = {"digits": Framing.BOX, "mnist": Framing.MASS}  # of cards that were written before they said so


@dataclass(frozen=True)
class _Found:
    strokes: Strokes | None
    nbytes: int


_kept: Kept[_Found] = Kept(MEMORY, getsizeof=lambda found: found.nbytes)


def known_framing(card: Card) -> Framing | None:
    """How the strokes of a network's own images stand in them; none where they are no strokes, or nobody knows."""
    return card.inputs.framing or KNOWN.get(str(card.data.get("name")))


def framing(card: Card) -> Framing | None:
    """How strokes are framed for a network; none where it was not trained with strokes.

    A grey network whose card doesn't say it is taken for one of digits, by the size of its images.
    """
    if (known := known_framing(card)) is not None:
        return known
    if card.network_spec.in_channels != 1:
        return None
    return Framing.BOX if card.inputs.size <= TINY else Framing.MASS


def check(card: Card) -> None:
    """Accept a network that strokes can be framed for.

    Raises:
        InputError: where it was not trained with strokes.
    """
    if framing(card) is None:
        raise InputError(
            _("ink: {name} was trained with colour images, not with strokes; leave --ink out").format(name=card.name)
        )


def inked(picture: Picture, card: Card) -> Picture:
    """A picture of the strokes alone, as a network's own are framed; the same pixels where there are none.

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
    """The strokes of a picture; none where nothing stands out.

    Raises:
        InputError: where the picture can't be read.
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
    field = torch.zeros(1, side, side, dtype=torch.uint8)  # a network that cuts out the middle gets all of it there
    edge = (side - size) // 2
    field[:, edge : edge + size, edge : edge + size] = framed(strokes, how, size)
    return (field if bright else 255 - field).expand(channels or 1, -1, -1).clone()
