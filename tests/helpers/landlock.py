"""Landlock, the kernel's sandbox."""

import ctypes

from explorer.workers import sandbox


def landlock_version() -> int:
    """The version of Landlock in this kernel; 0 if there is none."""
    version: int = ctypes.CDLL(None).syscall(sandbox._CREATE, None, ctypes.c_size_t(0), sandbox._ASK_VERSION)
    return max(0, version)
