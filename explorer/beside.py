"""Work in a process of its own: it can be stopped, gives its memory back, and waits until it is its turn."""

import os
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
ROOT = Path(__file__).parents[1]


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
        watch: told seconds since the start and bytes of memory, several times a second; what it raises stops the
            process.
        environment: of the process; none is that of this one.

    Returns:
        What it printed.

    Raises:
        InputError: where it took too long.
        ExplorerError: where it failed.
    """
    # Files and no pipes: a full or broken pipe would stop one of the two processes.
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as log:
        asked.write(text.encode())
        asked.seek(0)
        worker = subprocess.Popen(  # noqa: S603  our own module, and no word of the user's
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=environment,
            stdin=asked,
            stdout=answer,
            stderr=log,
        )
        try:
            _watched(worker, longest, watch)
        finally:  # also where a page is left while it waits
            worker.kill()
            worker.wait()
        if worker.returncode:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LAST_WORDS))
            last = log.read().decode(errors="replace").strip().rpartition("\n")[2]
            if last:
                raise ExplorerError(_("the process failed: {reason}").format(reason=last[:300]))
            raise ExplorerError(
                _("the process ended early, with status {status}; the machine may be short of memory").format(
                    status=worker.returncode
                )
            )
        if answer.seek(0, os.SEEK_END) > LONGEST_ANSWER:
            raise ExplorerError(_("the process failed: {reason}").format(reason=_("its answer is too long")))
        answer.seek(0)
        return answer.read().decode(errors="replace")


def _watched(worker: "subprocess.Popen[bytes]", longest: float, watch: Callable[[float, int], None]) -> None:
    process, start = psutil.Process(worker.pid), time.monotonic()
    while worker.poll() is None:
        seconds = time.monotonic() - start
        if seconds > longest:
            raise InputError(_("it took longer than {limit:.0f} seconds and was stopped").format(limit=longest))
        try:
            used = process.memory_info().rss
        except psutil.NoSuchProcess:
            break
        watch(seconds, used)
        with suppress(subprocess.TimeoutExpired):
            worker.wait(POLL)
