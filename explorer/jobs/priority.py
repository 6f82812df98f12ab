"""Training gives way to the pages: its processes have a lower priority than the app server of the same machine."""

import os
from contextlib import suppress
from pathlib import Path

AUTOGROUP = Path("/proc/self/autogroup")


def give_way(niceness: int) -> None:
    """Raises the niceness of this process, and of those that it starts from now on.

    Linux may share the processor among sessions first, and look at the niceness within a session only
    (``sched_autogroup_enabled``). So the session has its niceness too, if this process leads it.

    Args:
        niceness: Niceness to have at least, 0 to 19; see ``setpriority(2)``. 0 changes nothing.
    """
    if niceness <= os.getpriority(os.PRIO_PROCESS, 0):
        return
    os.setpriority(os.PRIO_PROCESS, 0, niceness)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # the kernel has no such groups
            AUTOGROUP.write_text(str(niceness))
