"""Work in a process of its own: it can be stopped, gives its memory back, and waits until it is its turn."""

import atexit
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

import psutil

from explorer.errors import ExplorerError, InputError
from explorer.i18n import _

PATIENCE = 90.0  # seconds to wait for others
POLL = 0.2  # seconds
LONGEST_ANSWER = 2**24  # bytes; a worker that reads files from elsewhere may have been taken over
LAST_WORDS = 4096  # bytes of its log that are read
ROOT = Path(__file__).parents[2]


_running: set["subprocess.Popen[bytes]"] = set()  # they have a session of their own, and would outlive this process


class WorkerError(ExplorerError):
    """A process that failed.

    Attributes:
        status: its exit status, or less than 0 the signal that ended it.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def _unwatched(_seconds: float, _used: int) -> None:
    """Where nobody looks on."""


@contextmanager
def turn(lock: Lock, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold a lock, and meanwhile call ``on_wait`` several times a second; what that raises ends the wait.

    Raises:
        InputError: where others keep the lock too long.
    """
    end = time.monotonic() + PATIENCE
    while not lock.acquire(timeout=min(POLL, PATIENCE)):
        if time.monotonic() > end:
            raise InputError(_("others are still at work on this; try again in a minute"))
        on_wait()
    try:
        yield
    finally:
        lock.release()


def run(
    module: str,
    *arguments: str,
    text: str,
    longest: float,
    watch: Callable[[float, int], None] = _unwatched,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run one of our modules in a new process, which ends with this call.

    Args:
        module: that is run as ``python -m`` does.
        arguments: of its command line.
        text: that it reads from standard input.
        longest: seconds until it is stopped.
        watch: told seconds since the start and bytes of memory, its own and that of processes it started, several
            times a second; what it raises stops all of them.
        environment: of the process; none is that of this one.

    Returns:
        What it printed.

    Raises:
        InputError: where it took too long.
        WorkerError: where it failed, or answered without end.
        ExplorerError: where it can't be started.
    """
    # Files and no pipes: a full or broken pipe would stop one of the two processes.
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as log:
        asked.write(text.encode())
        asked.seek(0)
        try:
            worker = subprocess.Popen(  # noqa: S603  our own module, and no word of the user's
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env=environment,
                stdin=asked,
                stdout=answer,
                stderr=log,
                start_new_session=True,
            )
        except OSError as error:
            raise ExplorerError(_("a process can't be started: {reason}").format(reason=error.strerror)) from None
        _running.add(worker)
        try:
            _watched(worker, longest, watch)
        finally:  # also where a page is left while it waits
            _end(worker)
            _running.discard(worker)
        if worker.returncode:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LAST_WORDS))
            last = log.read().decode(errors="replace").strip().rpartition("\n")[2]
            if last:
                raise WorkerError(_("the process failed: {reason}").format(reason=last[:300]), worker.returncode)
            raise WorkerError(
                _("the process ended early, with status {status}; the machine may be short of memory").format(
                    status=worker.returncode
                ),
                worker.returncode,
            )
        if answer.seek(0, os.SEEK_END) > LONGEST_ANSWER:
            raise WorkerError(_("the process failed: {reason}").format(reason=_("its answer is too long")), 0)
        answer.seek(0)
        return answer.read().decode(errors="replace")


def _watched(worker: "subprocess.Popen[bytes]", longest: float, watch: Callable[[float, int], None]) -> None:
    start = time.monotonic()
    while worker.poll() is None:
        seconds = time.monotonic() - start
        if seconds > longest:
            raise InputError(_("it took longer than {limit:.0f} seconds and was stopped").format(limit=longest))
        watch(seconds, sum(map(_memory, _tree(worker))))
        with suppress(subprocess.TimeoutExpired):
            worker.wait(POLL)


def _tree(worker: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """A process and all that it has started, directly or not."""
    try:
        process = psutil.Process(worker.pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _memory(process: psutil.Process) -> int:
    try:
        used: int = process.memory_info().rss
    except psutil.Error:  # it ended, or it is another user's by now
        return 0
    return used


def _end(worker: "subprocess.Popen[bytes]") -> None:
    """Kill a process and all that it has started; those whose parents are gone are in its group still."""
    for process in _tree(worker) if worker.returncode is None else []:  # its number may be another's by now
        with suppress(psutil.Error):
            process.kill()
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):  # there is none, or on macOS none but what is ending
            os.killpg(worker.pid, signal.SIGKILL)
    worker.kill()
    worker.wait()


@atexit.register
def _end_all() -> None:
    for worker in list(_running):
        _end(worker)
