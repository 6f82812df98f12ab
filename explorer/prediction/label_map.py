"""The class that a picture has, among those of a network: by the rules of a test on the picture's data set."""

from functools import lru_cache

from explorer.errors import InputError
from explorer.prediction.pictures import Picture
from explorer.training.measure import matched
from explorer.weights.files import Card


def truth(picture: Picture, card: Card) -> int | None:
    """Position of its class among those of the network; none where it has no such class, or nobody knows it."""
    return None if picture.label is None else _positions(card.classes, picture.classes)[picture.label]


def by_position(picture: Picture, card: Card) -> bool:
    """Whether its class is taken for one of another name: those of its data set are as many, and all differ."""
    found = truth(picture, card)
    return found is not None and card.classes[found].casefold() != str(picture.truth).casefold()


@lru_cache(maxsize=64)
def _positions(known: tuple[str, ...], given: tuple[str, ...]) -> tuple[int | None, ...]:
    try:
        return tuple(matched(known, given)[0].tolist())
    except InputError:  # a test is refused for one class; pictures of the others have theirs all the same
        return tuple(_position(known, name) for name in given)


def _position(known: tuple[str, ...], name: str) -> int | None:
    try:
        return int(matched(known, (name,))[0])
    except InputError:
        return None
