"""The heap of the C library, which decides how much memory a server keeps. Outside of Linux nothing is done."""

import ctypes
import sys
from contextlib import suppress

M_ARENA_MAX = -8  # option of glibc's mallopt(3)
ARENAS = 2


def limit_arenas() -> None:
    """Has all threads share two heaps. Call it before there are many threads.

    By default glibc makes up to eight heaps for each core. Each run of a page has a thread of its own, so the free
    memory of the server was scattered over all of them, and the process grew although what it held did not.
    """
    _call("mallopt", M_ARENA_MAX, ARENAS)


def release_memory() -> None:
    """Returns free memory to the system. glibc would keep the memory of large pictures."""
    _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> None:
    if sys.platform == "linux":
        with suppress(AttributeError):  # other C libraries have no such function
            getattr(ctypes.CDLL(None), name)(*arguments)
