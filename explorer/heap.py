"""The heap of the C library, which decides how much memory a server keeps. Outside of Linux nothing is done."""

import ctypes
import sys
from contextlib import suppress


def release_memory() -> None:
    """Returns free memory to the system. glibc would keep the memory of large pictures."""
    if sys.platform == "linux":
        with suppress(AttributeError):  # other C libraries have no such function
            ctypes.CDLL(None).malloc_trim(0)
