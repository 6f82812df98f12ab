"""Limits the rights of a process before it unpickles a file.

All functions change the calling process permanently. If a system does not support a limit, the process continues
without it. docs/weights.md says which limit holds on which system.

usage: python -m explorer.workers.sandbox MODULE ARGUMENTS        runs a module without a network

This is for modules in packages that import torch: a process can leave the network only before it has threads.
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
INHERITED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "SYSTEMROOT")  # needed to start Python

_NEW_NETWORK = 0x10000000 | 0x40000000  # CLONE_NEWUSER, which grants the right to CLONE_NEWNET
_NO_NEW_PRIVILEGES = 38

# linux/landlock.h. The numbers of the calls are the same on every architecture.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH = 1
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # number of file rights by version; 16 from version 5 on
_EXECUTE = 1 << 0
_READ_FILE = 1 << 2
_READ_FOLDER = 1 << 3
# A program that later reads the folder would follow a link out of it, or wait for a pipe forever.
_MAKE_SPECIAL = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12  # character device, socket, pipe, block device, link


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("folder", ctypes.c_int32))


def environment(folder: Path) -> dict[str, str]:
    """Returns environment variables without the server's secrets, for a process with one thread.

    The kernel refuses a private network to a process with several threads.

    Args:
        folder: Folder for temporary files.
    """
    return {name: os.environ[name] for name in INHERITED if name in os.environ} | {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "TMPDIR": str(folder),
    }


def leave_network() -> None:
    """Moves the process into a private network without connections. The process must have a single thread."""
    if LINUX:
        ctypes.CDLL(None).unshare(_NEW_NETWORK)


def limit(*, memory: int, written: int, seconds: int) -> None:
    """Limits the resources of this process, and forbids it to start others.

    Args:
        memory: Bytes of memory on top of the present use.
        written: Largest size of a file in bytes.
        seconds: Limit of CPU time.
    """
    if not LINUX:
        return
    import resource  # Windows does not have it

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
    """Restricts this process to files in these places, and forbids it other processes and sockets.

    Landlock restricts the files, from Linux 5.13 on. :mod:`explorer.workers.seccomp` refuses the other system calls.

    Args:
        readable: Files and folders that it may read.
        writable: Folder in which it may also write.
    """
    if not LINUX:
        return
    _restrict_files(readable, writable)
    seccomp.install()


def _restrict_files(readable: Iterable[Path], writable: Path) -> None:
    system = ctypes.CDLL(None)
    version = system.syscall(_CREATE, None, ctypes.c_size_t(0), _ASK_VERSION)
    if version < 1:
        return
    all_rights = (1 << _RIGHTS.get(version, 16)) - 1
    rules = _Ruleset(all_rights, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0)
    ruleset = system.syscall(_CREATE, ctypes.byref(rules), ctypes.c_size_t(ctypes.sizeof(rules)), 0)
    if ruleset < 0:
        return
    try:
        for place in readable:
            _allow(system, ruleset, place, _READ_FILE | (_READ_FOLDER if place.is_dir() else 0))
        _allow(system, ruleset, writable, all_rights & ~(_EXECUTE | _MAKE_SPECIAL))
        system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        system.syscall(_RESTRICT, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(system: ctypes.CDLL, ruleset: int, place: Path, rights: int) -> None:
    handle = os.open(place, os.O_PATH)
    try:
        rule = _PathRule(rights, handle)
        system.syscall(_ADD, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(handle)


if __name__ == "__main__":
    leave_network()
    del sys.argv[0]
    run_module(sys.argv[0], run_name="__main__", alter_sys=True)
