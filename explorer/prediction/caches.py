"""What was computed for pages is kept within bounds, and what belongs to a session goes when the session ends."""

import secrets
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

from cachetools import LRUCache

V = TypeVar("V")
ENDED = 100_000  # owners that are remembered, for work that goes on after its session


@dataclass(frozen=True)
class Owner:
    """A session, in the keys of what it alone may see; nobody outside the server can name it."""

    token: str = field(default_factory=lambda: secrets.token_hex(16))


class Kept(LRUCache[Hashable, V]):
    """A cache bounded by bytes, to be used with its lock held.

    Its keys are nested tuples; what has an owner somewhere in its key goes with the owner.
    """

    def __init__(self, maxsize: float, getsizeof: Callable[[V], float]) -> None:
        super().__init__(maxsize, getsizeof=getsizeof)
        self.lock = Lock()
        _every.append(self)

    def __setitem__(self, key: Hashable, value: V) -> None:
        """Keep a value, unless its owner is gone."""
        if not any(owner in _ended for owner in _owners(key)):
            super().__setitem__(key, value)


_every: list["Kept[Any]"] = []  # each a module's own, for the life of the process
_ended: LRUCache[Owner, bool] = LRUCache(ENDED)


def drop(owner: Owner) -> None:
    """Forget everything that a session has brought; nothing of it is kept any more."""
    _ended[owner] = True
    for cache in _every:
        with cache.lock:
            for key in [key for key in cache if owner in _owners(key)]:
                del cache[key]


def _owners(key: Hashable) -> list[Owner]:
    if isinstance(key, Owner):
        return [key]
    return [owner for part in key for owner in _owners(part)] if isinstance(key, tuple) else []
