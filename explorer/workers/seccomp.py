"""A filter of system calls for processes that read untrusted files: seccomp, in Linux since 3.17.

A refused call fails with EPERM, like a call without the necessary right. The filter covers what resource limits and
Landlock permit: a child that outlives its parent, limits and signals of other processes, sockets, and the modes and
times of files.

The numbers are from the kernel's tables, arch/x86/entry/syscalls/syscall_64.tbl and scripts/syscall.tbl.
"""

import ctypes
import platform
import sys
from typing import NamedTuple

_SET_SECCOMP, _GET_SECCOMP, _FILTER = 22, 21, 2  # linux/prctl.h
_NO_NEW_PRIVILEGES = 38
_EPERM = 1

# linux/bpf_common.h: load a word, compare and jump, return
_LOAD, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | _EPERM
# Offsets in struct seccomp_data, whose words are little-endian on both architectures.
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16


class Table(NamedTuple):
    """The system calls of an architecture.

    Attributes:
        audit: Number of the architecture in linux/audit.h.
        limits: Number of the call that reads or sets limits. The process may use it on itself.
        refused: Numbers of the refused calls.
        foreign: First number of the calls of another calling convention, which are all refused.
    """

    audit: int
    limits: int
    refused: dict[str, int]
    foreign: int


_BOTH = {
    "pidfd_send_signal": 424, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "pidfd_open": 434, "clone3": 435, "pidfd_getfd": 438, "process_madvise": 440, "fchmodat2": 452,
    "setxattrat": 463, "removexattrat": 466,
}  # fmt: skip

TABLES = {
    "x86_64": Table(
        0xC000003E, 302,
        _BOTH | {
            # other processes, and programs
            "clone": 56, "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "ptrace": 101, "kill": 62,
            "tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297, "process_vm_readv": 310,
            "process_vm_writev": 311, "kcmp": 312, "setpgid": 109, "setsid": 112, "setrlimit": 160,
            "setpriority": 141, "ioprio_set": 251, "sched_setparam": 142, "sched_setscheduler": 144,
            "sched_setaffinity": 203, "sched_setattr": 314, "migrate_pages": 256, "move_pages": 279,
            # sockets and memory that processes share
            "socket": 41, "connect": 42, "accept": 43, "sendto": 44, "sendmsg": 46, "bind": 49, "listen": 50,
            "socketpair": 53, "accept4": 288, "sendmmsg": 307, "shmget": 29, "shmat": 30, "shmctl": 31, "semget": 64,
            "semop": 65, "semctl": 66, "semtimedop": 220, "msgget": 68, "msgsnd": 69, "msgrcv": 70, "msgctl": 71,
            "mq_open": 240,
            # modes, owners, times and attributes of files; special files
            "chmod": 90, "fchmod": 91, "fchmodat": 268, "chown": 92, "fchown": 93, "lchown": 94, "fchownat": 260,
            "utime": 132, "utimes": 235, "futimesat": 261, "utimensat": 280, "setxattr": 188, "lsetxattr": 189,
            "fsetxattr": 190, "removexattr": 197, "lremovexattr": 198, "fremovexattr": 199, "mknod": 133,
            "mknodat": 259, "link": 86, "linkat": 265, "symlink": 88, "symlinkat": 266, "name_to_handle_at": 303,
            "open_by_handle_at": 304,
            # the system
            "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "unshare": 272, "setns": 308,
            "add_key": 248, "request_key": 249, "keyctl": 250, "bpf": 321, "perf_event_open": 298,
            "userfaultfd": 323, "quotactl": 179, "swapon": 167, "reboot": 169, "init_module": 175,
            "finit_module": 313, "delete_module": 176, "kexec_load": 246, "personality": 135, "settimeofday": 164,
            "clock_settime": 227, "sethostname": 170, "fanotify_init": 300,
        },
        0x40000000,  # x32
    ),
    "aarch64": Table(
        0xC00000B7, 261,
        _BOTH | {
            "clone": 220, "execve": 221, "execveat": 281, "ptrace": 117, "kill": 129, "tkill": 130, "tgkill": 131,
            "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240, "process_vm_readv": 270, "process_vm_writev": 271,
            "kcmp": 272, "setpgid": 154, "setsid": 157, "setrlimit": 164, "setpriority": 140, "ioprio_set": 30,
            "sched_setparam": 118, "sched_setscheduler": 119, "sched_setaffinity": 122, "sched_setattr": 274,
            "migrate_pages": 238, "move_pages": 239,
            "socket": 198, "socketpair": 199, "bind": 200, "listen": 201, "accept": 202, "connect": 203,
            "sendto": 206, "sendmsg": 211, "accept4": 242, "sendmmsg": 269, "shmget": 194, "shmctl": 195,
            "shmat": 196, "semget": 190, "semctl": 191, "semtimedop": 192, "semop": 193, "msgget": 186,
            "msgctl": 187, "msgrcv": 188, "msgsnd": 189, "mq_open": 180,
            "fchmod": 52, "fchmodat": 53, "fchownat": 54, "fchown": 55, "utimensat": 88, "setxattr": 5,
            "lsetxattr": 6, "fsetxattr": 7, "removexattr": 14, "lremovexattr": 15, "fremovexattr": 16,
            "mknodat": 33, "symlinkat": 36, "linkat": 37, "name_to_handle_at": 264, "open_by_handle_at": 265,
            "umount2": 39, "mount": 40, "pivot_root": 41, "chroot": 51, "unshare": 97, "setns": 268,
            "add_key": 217, "request_key": 218, "keyctl": 219, "bpf": 280, "perf_event_open": 241,
            "userfaultfd": 282, "quotactl": 60, "swapon": 224, "reboot": 142, "init_module": 105,
            "finit_module": 273, "delete_module": 106, "kexec_load": 104, "personality": 92, "settimeofday": 170,
            "clock_settime": 112, "sethostname": 161, "fanotify_init": 262,
        },
        0xFFFFFFFF,
    ),
}  # fmt: skip


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def available() -> bool:
    """Returns whether this machine supports the filter."""
    return _table() is not None and ctypes.CDLL(None).prctl(_GET_SECCOMP, 0, 0, 0, 0) >= 0


def install() -> bool:
    """Filters the calls of this process and its threads permanently, if the system supports it.

    Returns:
        Whether the filter is active.
    """
    if (table := _table()) is None:
        return False
    instructions = _program(table)
    program = _Program(len(instructions), (_Instruction * len(instructions))(*instructions))
    system = ctypes.CDLL(None)
    system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    return int(system.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0)) == 0


def _table() -> Table | None:
    return TABLES.get(platform.machine()) if sys.platform == "linux" else None


def _program(table: Table) -> list[_Instruction]:
    numbers = sorted(set(table.refused.values()))
    # A jump is the number of instructions to skip. The last instruction refuses, the one before it allows.
    tail = 2
    head = [
        _Instruction(_LOAD, 0, 0, _ARCHITECTURE),
        _Instruction(_JUMP_EQUAL, 0, 5 + len(numbers) + tail - 1, table.audit),
        _Instruction(_LOAD, 0, 0, _NUMBER),
        _Instruction(_JUMP_GREATER_EQUAL, 3 + len(numbers) + tail - 1, 0, table.foreign),
    ]
    refusing = [_Instruction(_JUMP_EQUAL, len(numbers) - place + 3, 0, number) for place, number in enumerate(numbers)]
    own_limits = [
        _Instruction(_JUMP_EQUAL, 0, 2, table.limits),
        _Instruction(_LOAD, 0, 0, _FIRST_ARGUMENT),
        _Instruction(_JUMP_EQUAL, 0, 1, 0),  # 0 means the process itself
    ]
    return [*head, *refusing, *own_limits, _Instruction(_RETURN, 0, 0, _ALLOW), _Instruction(_RETURN, 0, 0, _REFUSE)]
