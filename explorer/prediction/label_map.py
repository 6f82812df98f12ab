"""The class of a picture among the classes of a network, by the same rules as a test on the picture's data set."""

from functools import lru_cache

from explorer.errors import InputError
from explorer.prediction.pictures import Picture
from explorer.training.weights_evaluation import match_classes
from explorer.weights.files import Card


def true_index(picture: Picture, card: Card) -> int | None:
    """Returns the index of the picture's class among the network's. None if unknown or missing in the network."""
    return None if picture.label is None else _positions(card.classes, picture.classes)[picture.label]


def is_matched_by_position(picture: Picture, card: Card) -> bool:
    """Returns whether the picture's class is matched by position with a class of another name.

    This happens if the data set has as many classes as the network, and all names differ.
    """
    index = true_index(picture, card)
    return index is not None and card.classes[index].casefold() != str(picture.truth).casefold()


@lru_cache(maxsize=64)
def _positions(own: tuple[str, ...], other: tuple[str, ...]) -> tuple[int | None, ...]:
    try:
        return tuple(match_classes(own, other)[0].tolist())
    except InputError:  # one unknown class prevents a test, but pictures of the other classes still match
        return tuple(_position(own, name) for name in other)


def _position(own: tuple[str, ...], name: str) -> int | None:
    try:
        return int(match_classes(own, (name,))[0])
    except InputError:
        return None
