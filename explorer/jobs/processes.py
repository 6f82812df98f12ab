"""Identity, search and end of processes."""

import ctypes
import os
import sys
from collections.abc import Iterable

import psutil

JOB_ID = "EXPLORER_JOB_ID"  # environment variable of every process of a job
MODULES: tuple[str, ...] = ("explorer.jobs.supervisor", "explorer.training.worker")
_SET_CHILD_SUBREAPER = 36  # prctl(2)
KILL_TIMEOUT = 5.0  # seconds until killed processes are gone


def identity(pid: int) -> tuple[int, float]:
    """Returns process id and start time, which together are unique: ids are reused."""
    created = psutil.Process(pid).create_time()
    # Linux counts the start time from the boot. Setting the clock changes the boot time, so it is subtracted.
    return pid, round(created - psutil.boot_time(), 2) if psutil.LINUX else created


def living_ids(processes: Iterable[tuple[int, float]]) -> list[int]:
    """Returns the ids of the processes that still exist and are not zombies."""
    found = []
    for pid, created in processes:
        try:
            if identity(pid)[1] == created and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
        except psutil.NoSuchProcess:
            continue
    return found


def processes_of_job(job: str, among: Iterable[psutil.Process] | None = None) -> list[psutil.Process]:
    """Returns every living process of a job: supervisor, ranks, and their children, whoever started them.

    A process that only has the job's id on its command line, such as a pager of the log, does not belong to the job.

    Args:
        job: Id of the job.
        among: Processes to choose from; all processes of the machine by default.
    """
    found = psutil.process_iter() if among is None else among
    return [process for process in found if process.pid != os.getpid() and _belongs(process, job)]


def _belongs(process: psutil.Process, job: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        command_line = " ".join(process.cmdline())
        if job in command_line and any(module in command_line for module in MODULES):
            return True
        return process.environ().get(JOB_ID) == job
    except psutil.Error:  # it ended, or belongs to another user
        return False


def kill(processes: "Iterable[psutil.Process]") -> bool:
    """Kills processes. Returns whether all of them are gone."""
    targets = list(processes)
    for process in targets:
        try:
            process.kill()  # psutil checks that the id still belongs to this process
        except psutil.NoSuchProcess:
            continue
    _gone, alive = psutil.wait_procs(targets, timeout=KILL_TIMEOUT)
    return not alive


def adopt_orphans() -> None:
    """Makes this process the parent of all descendants whose own parent dies. Works on Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1)
