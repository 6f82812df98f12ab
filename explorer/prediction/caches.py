"""Caches with a limit in bytes. Values that belong to a session are removed when the session ends."""

import secrets
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

from cachetools import LRUCache

V = TypeVar("V")
MAX_ENDED_OWNERS = 100_000  # remembered, because the work of an ended session may still go on


@dataclass(frozen=True)
class Owner:
    """A session as part of a cache key. Nobody outside the server can guess it."""

    token: str = field(default_factory=lambda: secrets.token_hex(16))


class BoundedCache(LRUCache[Hashable, V]):
    """A cache with a limit in bytes. Hold its lock while using it.

    Its keys are nested tuples. A value with an owner anywhere in its key is removed with the owner.
    """

    def __init__(self, maxsize: float, getsizeof: Callable[[V], float]) -> None:
        super().__init__(maxsize, getsizeof=getsizeof)
        self.lock = Lock()
        _caches.append(self)

    def __setitem__(self, key: Hashable, value: V) -> None:
        """Caches a value, unless its owner's session has ended."""
        if not any(owner in _ended_owners for owner in _owners(key)):
            super().__setitem__(key, value)


_caches: list["BoundedCache[Any]"] = []  # each belongs to a module and lives as long as the process
_ended_owners: LRUCache[Owner, bool] = LRUCache(MAX_ENDED_OWNERS)


def drop(owner: Owner) -> None:
    """Removes all values of a session from all caches, and prevents new ones."""
    _ended_owners[owner] = True
    for cache in _caches:
        with cache.lock:
            for key in [key for key in cache if owner in _owners(key)]:
                del cache[key]


def _owners(key: Hashable) -> list[Owner]:
    if isinstance(key, Owner):
        return [key]
    return [owner for part in key for owner in _owners(part)] if isinstance(key, tuple) else []
