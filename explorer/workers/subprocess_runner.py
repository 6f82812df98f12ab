"""Runs work in a new process, which can be stopped and gives its memory back."""

import atexit
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Annotated, BinaryIO

import psutil
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from explorer.errors import ExplorerError, InputError, printable
from explorer.formatting import bytes_short
from explorer.i18n import _, language
from explorer.workers import sandbox
from explorer.workers.progress import Progress, silent
from explorer.workers.protocol import ERRORS, request_text

LOCK_TIMEOUT = 90.0  # seconds
POLL = 0.2  # seconds
MAX_ANSWER = 2**24  # bytes; an untrusted file may have taken over the worker that reads it
LOG_TAIL = 4096  # bytes of the log to read
ROOT = Path(__file__).parents[2]

_running: set["subprocess.Popen[bytes]"] = set()  # they have their own sessions, and would outlive this process


class WorkerError(ExplorerError):
    """A process failed.

    Attributes:
        status: Exit status, or the negative number of the signal that ended it.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class NoAnswerError(WorkerError):
    """A process ended with status 0, but without a valid answer."""


class LimitError(InputError):
    """The work takes too much time or memory, or has waited too long for others."""


@dataclass(frozen=True)
class Limits:
    """Limits of a process.

    Attributes:
        seconds: Time after which it is stopped.
        memory: Bytes of memory for the process and all that it starts, together. None for no limit.
        answer: Bytes of all its answers.
    """

    seconds: float
    memory: int | None = None
    answer: int = MAX_ANSWER


@contextmanager
def locked(lock: Lock, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Holds a lock in the block.

    Args:
        lock: Lock to wait for.
        on_wait: Callback, called several times a second during the wait. An exception that it raises ends the wait.

    Raises:
        LimitError: If others hold the lock too long.
    """
    end = time.monotonic() + LOCK_TIMEOUT
    while not lock.acquire(timeout=min(POLL, LOCK_TIMEOUT)):
        if time.monotonic() > end:
            raise LimitError(_("this is still in use by others; try again in a minute"))
        on_wait()
    try:
        yield
    finally:
        lock.release()


Text = Annotated[str, Field(max_length=1_100)]  # an error's message is a little shorter
Count = Annotated[int, Field(ge=0, le=2**53)]


class _Message(BaseModel):
    """One line of an answer. It is not trusted, because a file may have taken over the process that reads it.

    Attributes:
        progress: Step, amount done and total amount.
        fault: Reason for the user why there is no result.
        kind: Class of the error, a key of :data:`explorer.workers.protocol.ERRORS`.
        result: Return value of the work.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    progress: tuple[Text, Count, Count] | None = None
    fault: Text | None = None
    kind: Text = InputError.__name__
    result: JsonValue = None


def call(
    module: str,
    request: object,
    limits: Limits,
    progress: Progress = silent,
    *,
    place: str = "",
    environment: Mapping[str, str] | None = None,
    confined: Path | None = None,
) -> JsonValue:
    """Sends a request to one of our modules in a new process, which ends with this call.

    Args:
        module: Name of a module that calls :func:`explorer.workers.protocol.serve`.
        request: JSON-ready request.
        limits: Limits of the process.
        progress: Callback, called several times a second with the latest progress. An exception that it raises ends
            the process.
        place: Beginning of messages about limits, such as the name of a file.
        environment: Environment variables of the process. None for those of this process.
        confined: Folder for temporary files of a process without network and secrets. It is started by
            :mod:`explorer.workers.sandbox`, and ``environment`` is ignored. None for an ordinary process.

    Returns:
        The result. If the process reads untrusted files, the caller must check the result.

    Raises:
        LimitError: If the process takes too much time or memory.
        InputError: If the process raises one. A :class:`ContentError` or :class:`SpecError` keeps its class.
        WorkerError: If the process fails.
        NoAnswerError: If the process gives no valid answer.
        ExplorerError: If the process can't be started.
    """
    arguments = [module]
    if confined is not None:
        arguments, environment = ["explorer.workers.sandbox", module], sandbox.environment(confined)
    latest = _("starting"), 0, 0

    def watch(lines: list[str]) -> None:
        nonlocal latest
        if lines and (reported := _message(lines[-1]).progress) is not None:
            latest = printable(reported[0]), *reported[1:]
        progress(*latest)

    lines = run(arguments, request_text(request, language()), limits, watch, place=place, environment=environment)
    answer = _message(lines[-1] if lines else "")
    if answer.progress is not None:
        raise _no_answer()
    if answer.fault is not None:
        raise ERRORS.get(answer.kind, InputError)(printable(answer.fault))
    return answer.result


def _message(line: str) -> _Message:
    try:
        return _Message.model_validate_json(line)
    except ValidationError:
        raise _no_answer() from None


def _no_answer() -> NoAnswerError:
    return NoAnswerError(_("the process failed: {reason}").format(reason=_("it gave no answer")), 0)


def run(
    arguments: Sequence[str],
    text: str,
    limits: Limits,
    watch: Callable[[list[str]], None],
    *,
    place: str = "",
    environment: Mapping[str, str] | None = None,
) -> list[str]:
    """Runs one of our modules in a new process that ends with this call.

    Args:
        arguments: Arguments of ``python -m``.
        text: Text on standard input.
        limits: Limits of the process.
        watch: Callback, called several times a second with the lines that the process has printed since the last call.
            An exception that it raises ends the process.
        place: As for :func:`call`.
        environment: As for :func:`call`.

    Returns:
        All lines that the process printed.

    Raises:
        LimitError, WorkerError, ExplorerError: As for :func:`call`.
    """
    # Uses files, because a full or broken pipe would stop one of the two processes.
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as request, tempfile.TemporaryFile() as log:
        request.write(text.encode())
        request.seek(0)
        (answers := Path(folder, "answers")).touch()
        with answers.open("wb") as output, answers.open("rb") as reading:  # each has its own position
            try:
                worker = subprocess.Popen(  # noqa: S603  our own module, and nothing from a user
                    [sys.executable, "-m", *arguments],
                    cwd=ROOT,
                    env=environment,
                    stdin=request,
                    stdout=output,
                    stderr=log,
                    start_new_session=True,
                )
            except OSError as error:
                raise ExplorerError(_("a process can't be started: {reason}").format(reason=error.strerror)) from None
            _running.add(worker)
            lines = _Lines(reading, limits.answer)
            try:
                _watch(worker, limits, place, lambda: watch(lines.read_new()))
            finally:  # also if the user leaves the page during the wait
                _end(worker)
                _running.discard(worker)
            _check_status(worker.returncode, log)
            lines.read_new()
            return lines.all


@dataclass
class _Lines:
    """The lines of a file to which another process still appends.

    Attributes:
        file: Open file.
        limit: Largest size of the file in bytes.
        all: All complete lines so far.
    """

    file: BinaryIO
    limit: int
    all: list[str] = field(default_factory=list)
    _rest: bytes = b""

    def read_new(self) -> list[str]:
        """Returns the complete lines since the last call.

        Raises:
            WorkerError: If the file is too long.
        """
        self._rest += self.file.read(self.limit + 1 - self.file.tell())
        if self.file.tell() > self.limit:
            raise WorkerError(_("the process failed: {reason}").format(reason=_("its answer is too long")), 0)
        *complete, self._rest = self._rest.split(b"\n")
        lines = [line.decode(errors="replace") for line in complete]
        self.all += lines
        return lines


def _check_status(status: int, log: BinaryIO) -> None:
    """Checks the exit status of a process.

    Raises:
        WorkerError: If it is not 0. Quotes the last line of the log.
    """
    if not status:
        return
    log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL))
    last = log.read().decode(errors="replace").strip().rpartition("\n")[2]
    if last:
        raise WorkerError(_("the process failed: {reason}").format(reason=last[:300]), status)
    raise WorkerError(
        _("the process ended early, with status {status}; the machine may be short of memory").format(status=status),
        status,
    )


def _watch(worker: "subprocess.Popen[bytes]", limits: Limits, place: str, watch: Callable[[], None]) -> None:
    start = time.monotonic()
    while worker.poll() is None:
        if time.monotonic() - start > limits.seconds:
            fault = _("it took longer than {limit:.0f} seconds and was stopped").format(limit=limits.seconds)
            raise _limit_error(place, fault)
        if limits.memory is not None and sum(map(_memory, _processes(worker))) > limits.memory:
            fault = _("it took more than {limit} of memory and was stopped").format(limit=bytes_short(limits.memory))
            raise _limit_error(place, fault)
        watch()
        with suppress(subprocess.TimeoutExpired):
            worker.wait(POLL)


def _limit_error(place: str, fault: str) -> LimitError:
    return LimitError(_("{place}: {fault}").format(place=place, fault=fault) if place else fault)


def _processes(worker: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """Returns a process and all that it has started, directly or indirectly."""
    try:
        process = psutil.Process(worker.pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _memory(process: psutil.Process) -> int:
    try:
        used: int = process.memory_info().rss
    except psutil.Error:  # it has ended, or another user's process has its number now
        return 0
    return used


def _end(worker: "subprocess.Popen[bytes]") -> None:
    """Kills a process and all that it has started. Those whose parents have ended are still in its process group."""
    for process in _processes(worker) if worker.returncode is None else []:  # an ended process's number may be reused
        with suppress(psutil.Error):
            process.kill()
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):  # the group is empty, or on macOS all of it is ending
            os.killpg(worker.pid, signal.SIGKILL)
    worker.kill()
    worker.wait()


@atexit.register
def end_all() -> None:
    """Ends all processes that this module has started."""
    for worker in list(_running):
        _end(worker)
