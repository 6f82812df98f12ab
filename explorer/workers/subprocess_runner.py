"""Work in a process of its own: it can be stopped, gives its memory back, and waits until it is its turn."""

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
from explorer.workers.protocol import KINDS, request_text

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


class NoAnswerError(WorkerError):
    """A process that ended well and gave no answer, or none that keeps to the protocol."""


class LimitError(InputError):
    """The work takes more time or memory than it may, or waits too long for others."""


@dataclass(frozen=True)
class Limits:
    """What a process may take.

    Attributes:
        seconds: The time until it is stopped.
        memory: Bytes that it and the processes that it started may take together. None is no limit.
        answer: Bytes that it may write as answers.
    """

    seconds: float
    memory: int | None = None
    answer: int = LONGEST_ANSWER


@contextmanager
def locked(lock: Lock, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold a lock, and meanwhile call ``on_wait`` several times a second; what that raises ends the wait.

    Raises:
        LimitError: Others keep the lock too long.
    """
    end = time.monotonic() + PATIENCE
    while not lock.acquire(timeout=min(POLL, PATIENCE)):
        if time.monotonic() > end:
            raise LimitError(_("others are still at work on this; try again in a minute"))
        on_wait()
    try:
        yield
    finally:
        lock.release()


Text = Annotated[str, Field(max_length=1_100)]  # an error's message is a little shorter
Count = Annotated[int, Field(ge=0, le=2**53)]


class _Message(BaseModel):
    """One line of an answer. Its writer may have been taken over by a file that it reads.

    Attributes:
        progress: The step, how much of it is done, and of how much.
        fault: The reason why there is no result, for a user to read.
        kind: The class of the error, a key of :data:`explorer.workers.protocol.KINDS`.
        result: What the work returned.
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
    """Have a module of ours work in a new process, which ends with this call.

    Args:
        module: The module, whose main function is :func:`explorer.workers.protocol.serve`.
        request: The request, ready for JSON.
        limits: What the process may take.
        progress: Called several times a second with what the process last said. What it raises ends the process.
        place: The beginning of messages about limits, such as the name of a file.
        environment: The environment of the process. None is that of this process.
        confined: A folder for temporary files, for a process that has no network and knows no secrets: it is started by
            :mod:`explorer.workers.sandbox`, and ``environment`` counts for nothing.

    Returns:
        The result. A process that reads files of strangers may have been taken over, so the caller checks its form.

    Raises:
        LimitError: The process took too much time or memory.
        InputError: The process found a fault in its input. The error is a :class:`ContentError` or a
            :class:`SpecError` where it was one there.
        WorkerError: The process failed.
        NoAnswerError: The process gave no answer, or none that keeps to the protocol.
        ExplorerError: The process can't be started.
    """
    arguments = [module]
    if confined is not None:
        arguments, environment = ["explorer.workers.sandbox", module], sandbox.environment(confined)
    said = _("starting"), 0, 0

    def watch(lines: list[str]) -> None:
        nonlocal said
        if lines and (last := _message(lines[-1]).progress) is not None:
            said = printable(last[0]), *last[1:]
        progress(*said)

    lines = run(arguments, request_text(request, language()), limits, watch, place=place, environment=environment)
    answer = _message(lines[-1] if lines else "")
    if answer.progress is not None:
        raise _no_answer()
    if answer.fault is not None:
        raise KINDS.get(answer.kind, InputError)(printable(answer.fault))
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
    """Run one of our modules, whatever it prints, in a new process that ends with this call.

    Args:
        arguments: The arguments of ``python -m``.
        text: The text on standard input.
        limits: What the process may take.
        watch: Called several times a second with the lines that the process printed since the last time. What it raises
            ends the process.
        place: As of :func:`call`.
        environment: As of :func:`call`.

    Returns:
        The lines that it printed.

    Raises:
        LimitError: As of :func:`call`.
        WorkerError: As of :func:`call`.
        ExplorerError: As of :func:`call`.
    """
    # Files and no pipes: a full or broken pipe would stop one of the two processes.
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as log:
        asked.write(text.encode())
        asked.seek(0)
        (answers := Path(folder, "answers")).touch()
        with answers.open("wb") as output, answers.open("rb") as heard:  # each has a position of its own
            try:
                worker = subprocess.Popen(  # noqa: S603  our own module, and no word of the user's
                    [sys.executable, "-m", *arguments],
                    cwd=ROOT,
                    env=environment,
                    stdin=asked,
                    stdout=output,
                    stderr=log,
                    start_new_session=True,
                )
            except OSError as error:
                raise ExplorerError(_("a process can't be started: {reason}").format(reason=error.strerror)) from None
            _running.add(worker)
            reader = _Lines(heard, limits.answer)
            try:
                _watched(worker, limits, place, lambda: watch(reader.new()))
            finally:  # also where a page is left while it waits
                _end(worker)
                _running.discard(worker)
            _check_status(worker.returncode, log)
            reader.new()
            return reader.lines


@dataclass
class _Lines:
    """The lines of a file to which another process still appends.

    Attributes:
        file: The file.
        most: Bytes that it may have.
        lines: All whole lines until now.
    """

    file: BinaryIO
    most: int
    lines: list[str] = field(default_factory=list)
    _rest: bytes = b""

    def new(self) -> list[str]:
        """The whole lines that were appended since the last call.

        Raises:
            WorkerError: The file has become too long.
        """
        self._rest += self.file.read(self.most + 1 - self.file.tell())
        if self.file.tell() > self.most:
            raise WorkerError(_("the process failed: {reason}").format(reason=_("its answer is too long")), 0)
        *lines, self._rest = self._rest.split(b"\n")
        found = [line.decode(errors="replace") for line in lines]
        self.lines += found
        return found


def _check_status(status: int, log: BinaryIO) -> None:
    """Raise an error where a process failed, with the last line of its log.

    Raises:
        WorkerError: The status is not 0.
    """
    if not status:
        return
    log.seek(max(0, log.seek(0, os.SEEK_END) - LAST_WORDS))
    last = log.read().decode(errors="replace").strip().rpartition("\n")[2]
    if last:
        raise WorkerError(_("the process failed: {reason}").format(reason=last[:300]), status)
    raise WorkerError(
        _("the process ended early, with status {status}; the machine may be short of memory").format(status=status),
        status,
    )


def _watched(worker: "subprocess.Popen[bytes]", limits: Limits, place: str, watch: Callable[[], None]) -> None:
    start = time.monotonic()
    while worker.poll() is None:
        if time.monotonic() - start > limits.seconds:
            fault = _("it took longer than {limit:.0f} seconds and was stopped").format(limit=limits.seconds)
            raise _beyond(place, fault)
        if limits.memory is not None and sum(map(_memory, _tree(worker))) > limits.memory:
            fault = _("it took more than {limit} of memory and was stopped").format(limit=bytes_short(limits.memory))
            raise _beyond(place, fault)
        watch()
        with suppress(subprocess.TimeoutExpired):
            worker.wait(POLL)


def _beyond(place: str, fault: str) -> LimitError:
    return LimitError(_("{place}: {fault}").format(place=place, fault=fault) if place else fault)


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
