"""Processes: which are meant, which of them live, and their end."""

import ctypes
import os
import signal
import sys
from collections.abc import Iterable

import psutil

JOB_ID = "EXPLORER_JOB_ID"  # in the environment of every process of a job
MODULES = ("explorer.jobs.supervisor", "explorer.training.worker")
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36  # prctl(2)
LAST_WAIT = 5.0  # seconds for killed processes to be gone


def identity(pid: int) -> tuple[int, float]:
    """A process as nothing else can be: its number may be given again, its start time not."""
    created = psutil.Process(pid).create_time()
    # Linux knows it from the boot on, and the time of the boot changes whenever the clock is set.
    return pid, round(created - psutil.boot_time(), 2) if psutil.LINUX else created


def living(processes: Iterable[tuple[int, float]]) -> list[int]:
    """Those that are still there and no zombies."""
    there = []
    for pid, created in processes:
        try:
            if identity(pid)[1] == created and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                there.append(pid)
        except psutil.NoSuchProcess:
            continue
    return there


def of_job(job: str) -> list[psutil.Process]:
    """Every living process of a job, whoever started it: supervisor, ranks, and what these have started.

    A process that only has the id on its command line, as a pager of the log, is none.
    """
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _belongs(process, job)]


def _belongs(process: psutil.Process, job: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        words = " ".join(process.cmdline())
        if job in words and any(module in words for module in MODULES):
            return True
        return process.environ().get(JOB_ID) == job
    except psutil.Error:  # it ended, or is somebody else's
        return False


def end(processes: "Iterable[psutil.Process]") -> bool:
    """Kill processes; whether all of them are gone."""
    killed = list(processes)
    for process in killed:
        try:
            process.kill()  # psutil makes sure that the number still means this process
        except psutil.NoSuchProcess:
            continue
    _gone, alive = psutil.wait_procs(killed, timeout=LAST_WAIT)
    return not alive


def end_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends; only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of all descendants whose own parent dies; only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1)
