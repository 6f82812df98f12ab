"""Memory of sessions whose browser has left."""

import time
import weakref
from inspect import signature
from types import SimpleNamespace
from typing import Any

from streamlit.runtime.memory_session_storage import MemorySessionStorage

from explorer.ui.left_sessions import INTERVAL, free


class Session(SimpleNamespace):
    """Stands for a session that nothing but the storage refers to."""


def stored(storage: MemorySessionStorage, name: str) -> "weakref.ref[Session]":
    session: Any = Session(id=name)
    info: Any = Session(session=session)
    storage.save(info)
    return weakref.ref(session)


def test_a_session_is_freed_although_no_other_leaves() -> None:
    storage = MemorySessionStorage(ttl_seconds=0)
    left = stored(storage, "left")
    time.sleep(0.01)
    assert left() is not None  # Streamlit alone keeps it: without this, ours is not needed any more
    free(storage)
    assert left() is None


def test_a_session_that_may_come_back_is_kept() -> None:
    storage = MemorySessionStorage()
    left = stored(storage, "left")
    free(storage)
    assert left() is not None
    assert storage.get("left") is not None


def test_they_are_freed_within_three_minutes() -> None:
    kept: int = signature(MemorySessionStorage).parameters["ttl_seconds"].default
    assert kept + INTERVAL < 180
