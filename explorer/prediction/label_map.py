"""The class of a picture among the classes of a network, by the same rules as a test on the picture's data set."""

from functools import lru_cache

from explorer.errors import InputError
from explorer.prediction.pictures import Picture
from explorer.training.measure import matched
from explorer.weights.files import Card


def truth(picture: Picture, card: Card) -> int | None:
    """Returns the position of its class among the network's classes. None if unknown or missing in the network."""
    return None if picture.label is None else _positions(card.classes, picture.classes)[picture.label]


def by_position(picture: Picture, card: Card) -> bool:
    """Returns whether its class is matched by position with one of another name.

    This happens if the data set has as many classes as the network, and all names differ.
    """
    found = truth(picture, card)
    return found is not None and card.classes[found].casefold() != str(picture.truth).casefold()


@lru_cache(maxsize=64)
def _positions(known: tuple[str, ...], given: tuple[str, ...]) -> tuple[int | None, ...]:
    try:
        return tuple(matched(known, given)[0].tolist())
    except InputError:  # one unknown class prevents a test, but pictures of the other classes still match
        return tuple(_position(known, name) for name in given)


def _position(known: tuple[str, ...], name: str) -> int | None:
    try:
        return int(matched(known, (name,))[0])
    except InputError:
        return None
