"""Limits on a process that reads a data set."""

import psutil

from explorer.workers.subprocess_runner import Limits

TIME_LIMIT = 3600.0  # seconds: a download may be slow
MEMORY_LIMIT = 6 * 2**30  # bytes: the largest arrays take most of it


def limits(more_memory: int = 0) -> Limits:
    """The limits on this machine, at most half of its memory.

    Args:
        more_memory: Bytes that the work needs in addition to the data.
    """
    return Limits(TIME_LIMIT, min(MEMORY_LIMIT + more_memory, psutil.virtual_memory().total // 2))
