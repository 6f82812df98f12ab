"""What the kernel offers to shut a process in with."""

import ctypes

from explorer.workers import sandbox


def landlock() -> int:
    """The version that this kernel has; 0 is none."""
    version: int = ctypes.CDLL(None).syscall(sandbox._CREATE, None, ctypes.c_size_t(0), sandbox._ASK_VERSION)
    return max(0, version)
