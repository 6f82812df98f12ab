"""What a process gives up before it unpickles a file.

Everything here belongs to the calling process and holds for good. Where a system lacks one of these, the process goes
on without it; docs/weights.md says which limit holds where.

usage: python -m explorer.workers.sandbox MODULE ARGUMENTS        runs a module without a network

For modules in packages that import torch: the network can be left only before there are threads.
"""

import ctypes
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from runpy import run_module

from explorer.workers import seccomp

LINUX = sys.platform == "linux"
INHERITED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "SYSTEMROOT")  # Python starts by these

_NEW_NETWORK = 0x10000000 | 0x40000000  # CLONE_NEWUSER, which gives the right to it, and CLONE_NEWNET
_NO_NEW_PRIVILEGES = 38

# linux/landlock.h; the numbers of the calls are the same on every architecture.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_ASK_VERSION = 1
_BENEATH = 1
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # by version: how many rights to files it knows; 16 from 5 on
_EXECUTE = 1 << 0
_READ_FILE = 1 << 2
_READ_FOLDER = 1 << 3
# Whoever takes its files over would follow a link out of the folder, or wait at a pipe for ever.
_MAKE_SPECIAL = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12  # character device, socket, pipe, block device, link


class _Rules(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("folder", ctypes.c_int32))


def environment(folder: Path) -> dict[str, str]:
    """Nothing of the server's secrets, and one thread: with more, the kernel refuses a network of one's own.

    Args:
        folder: for temporary files.
    """
    return {name: os.environ[name] for name in INHERITED if name in os.environ} | {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "TMPDIR": str(folder),
    }


def leave_network() -> None:
    """Move into a network of one's own that has no way out; only while the process has a single thread."""
    if LINUX:
        ctypes.CDLL(None).unshare(_NEW_NETWORK)


def limit(*, memory: int, written: int, seconds: int) -> None:
    """Limit this process, and let it start no other.

    Args:
        memory: bytes that it may take on top of what it has.
        written: bytes of the largest file.
        seconds: of CPU time.
    """
    if not LINUX:
        return
    import resource  # which Windows lacks

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    for kind, most in (
        (resource.RLIMIT_AS, pages * resource.getpagesize() + memory),
        (resource.RLIMIT_FSIZE, written),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _soft, hard = resource.getrlimit(kind)
        with suppress(ValueError, OSError):  # a stricter limit is there already
            resource.setrlimit(kind, (most, most) if hard == resource.RLIM_INFINITY else (min(most, hard),) * 2)


def confine(*, readable: Iterable[Path], writable: Path) -> None:
    """Let this process open only what lies in these places, and start, reach or change nothing beside them.

    Landlock bounds the files, from Linux 5.13 on; :mod:`explorer.workers.seccomp` refuses the calls for all else.
    """
    if not LINUX:
        return
    _bound_files(readable, writable)
    seccomp.install()


def _bound_files(readable: Iterable[Path], writable: Path) -> None:
    system = ctypes.CDLL(None)
    version = system.syscall(_CREATE, None, ctypes.c_size_t(0), _ASK_VERSION)
    if version < 1:
        return
    every = (1 << _RIGHTS.get(version, 16)) - 1
    rules = _Rules(every, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0)
    ruleset = system.syscall(_CREATE, ctypes.byref(rules), ctypes.c_size_t(ctypes.sizeof(rules)), 0)
    if ruleset < 0:
        return
    try:
        for place in readable:
            _allow(system, ruleset, place, _READ_FILE | (_READ_FOLDER if place.is_dir() else 0))
        _allow(system, ruleset, writable, every & ~(_EXECUTE | _MAKE_SPECIAL))
        system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        system.syscall(_RESTRICT, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(system: ctypes.CDLL, ruleset: int, place: Path, rights: int) -> None:
    handle = os.open(place, os.O_PATH)
    try:
        rule = _Beneath(rights, handle)
        system.syscall(_ADD, ruleset, _BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(handle)


if __name__ == "__main__":
    leave_network()
    del sys.argv[0]
    run_module(sys.argv[0], run_name="__main__", alter_sys=True)
