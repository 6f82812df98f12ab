"""The files of one job. Its processes write them, all others only read them.

job.json            the job as submitted
.lock               lock that the supervisor holds as long as the job has processes
ticket.txt          ticket of the current start
supervisor.json     process of the supervisor
submission.json     what Ray knows of the current start, if a cluster runs the job
progress.json       processes, spec and recipe as adapted to the data, live numbers
metrics.jsonl       one row for each metric of each epoch
end.json            how the run ended
best.safetensors    weights of the best epoch, with their card; best.json is the card alone
last.safetensors    weights of the last epoch
resume.pt           checkpoint for an exact continuation; a finished run has none
mistakes.json       test images that the best epoch gets wrong with the highest confidence
class_indices.json  position -> name of the class
log.txt             output of the processes
"""

import json
import logging
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from explorer.errors import InputError, shown
from explorer.files import atomic_write, remove_partial_files
from explorer.i18n import _
from explorer.jobs.processes import living_ids
from explorer.specs.reading import decode, legible

RESERVE = 64 * 1024  # bytes reserved so that a run can write its end on a full disk
MAX_CHARACTERS = 50_000_000  # characters of a file: the confusion matrix of thousands of classes

_log = logging.getLogger(__name__)


TICKET = "ticket.txt"
POINT = "step/"  # prefix of the names of points within an epoch
LAYER_GRADIENT = POINT + "gradient/"  # prefix of the gradient norm of a layer, at one step


class Row(NamedTuple):
    """One value of a metric.

    Epochs count from 1. The name of a point within an epoch begins with ``step/``. Its epoch is the fractional number
    of epochs done, and its value belongs to the steps since the point before.
    """

    epoch: float
    name: str
    value: float


class ReadPosition(NamedTuple):
    """The position up to which the metrics have been read: the file's inode, and the byte in it."""

    inode: int
    byte: int


class RunDirectory:
    """The file names of a job, and how each file is written and read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.best = folder / "best.safetensors"
        self.last = folder / "last.safetensors"
        self.resume = folder / "resume.pt"
        self.mistakes = folder / "mistakes.json"
        self.log = folder / "log.txt"
        self.lock = folder / ".lock"
        self._progress = folder / "progress.json"
        self.metrics = folder / "metrics.jsonl"
        self.submission = folder / "submission.json"
        self._ticket = folder / TICKET
        self._supervisor = folder / "supervisor.json"
        self._end = folder / "end.json"
        self._reserve = folder / ".reserve"

    def prepare_start(self, ticket: str) -> None:
        """Prepares a start: removes the files of earlier starts and writes the new ticket."""
        for path in (self._end, self._supervisor, self._progress):
            path.unlink(missing_ok=True)
        with atomic_write(self._ticket) as part:
            part.write_text(ticket, encoding="utf-8")

    def cancel_start(self) -> None:
        """Cancels a start. A supervisor that comes later finds no ticket and exits."""
        self._ticket.unlink(missing_ok=True)

    def ticket(self) -> str | None:
        """Returns the ticket of the current start. None if there is none."""
        try:
            return self._ticket.read_text(encoding="utf-8")
        except OSError:
            return None

    def cluster_start(self) -> tuple[str, str] | None:
        """Returns under which id a cluster knows the current start, and its ticket. None if no cluster runs it."""
        try:
            # Lists the folder first: a client of NFS may take a file for missing that was made on another machine.
            names = {path.name for path in self.folder.iterdir()}
            found = json.loads(self.submission.read_text(encoding="utf-8")) if self.submission.name in names else None
        except (OSError, ValueError):
            return None
        match found:
            case {"id": str(submission_id), "ticket": str(ticket)}:
                return (submission_id, ticket) if self.ticket() in {ticket, None} else None
        return None

    def write_supervisor(self, process: tuple[int, float]) -> None:
        """Writes the identity of the supervisor."""
        _write(self._supervisor, {"process": process})

    def supervisor(self) -> int | None:
        """Returns the process id of the supervisor. None if it does not live."""
        match _read(self._supervisor):
            case {"process": [int(pid), float(created)]}:
                return next(iter(living_ids([(pid, created)])), None)
        return None

    def has_begun(self) -> bool:
        """Returns whether the supervisor of the current start has begun."""
        return self._supervisor.exists()

    def redirect_output(self) -> None:
        """Redirects the output of this process, and of processes that it starts later, to the log."""
        with self.log.open("ab") as log:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
                os.dup2(log.fileno(), stream.fileno())

    def begin(self) -> None:
        """Prepares the directory for training, also after a run that ended or was killed: removes its end."""
        self._end.unlink(missing_ok=True)
        remove_partial_files(self.folder)
        self._reserve.write_bytes(os.urandom(RESERVE))  # some file systems store zeros without using space

    def open(self, rows: Iterable[Row], classes: Iterable[str]) -> None:
        """Writes the metrics of the epochs done, and the class names."""
        with atomic_write(self.metrics) as part:
            part.write_text("".join(map(_line, rows)), encoding="utf-8")
        indices = {str(index): name for index, name in enumerate(classes)}
        _write(self.folder / "class_indices.json", indices)

    def write_progress(self, progress: dict[str, Any]) -> None:
        """Replaces the live numbers."""
        _write(self._progress, progress)

    def append(self, rows: Iterable[Row]) -> None:
        """Adds metrics."""
        with self.metrics.open("a", encoding="utf-8") as file:
            file.writelines(map(_line, rows))

    def end(self, status: str, *, error: dict[str, str] | None = None, result: dict[str, Any] | None = None) -> None:
        """Writes how the run ended: ``finished``, ``stopped``, ``failed`` or ``interrupted``."""
        words = {"status": status, "error": error, "result": result}
        # Durable, because the checkpoint is deleted next and a power cut may follow.
        try:
            _write(self._end, words, durable=True)
        except OSError:
            self._reserve.unlink(missing_ok=True)
            _write(self._end, words, durable=True)
        self._reserve.unlink(missing_ok=True)
        if status == "finished":
            self.resume.unlink(missing_ok=True)

    def read_end(self) -> dict[str, Any] | None:
        """Returns how the run ended. None if it has not ended."""
        return _read(self._end)

    def rows(self) -> list[Row]:
        """Returns all metrics so far."""
        return self.rows_after(None)[0]

    def rows_after(self, position: ReadPosition | None) -> tuple[list[Row], ReadPosition | None]:
        """Returns the metrics after a position, and the new position. Returns all metrics if the file was replaced."""
        try:
            with self.metrics.open("rb") as file:
                inode = os.fstat(file.fileno()).st_ino
                begin = position.byte if position and position.inode == inode else 0
                file.seek(begin)
                read = file.read()
        except FileNotFoundError:
            return [], None
        read = read[: read.rfind(b"\n") + 1]  # the last line may be incomplete
        rows = [row for line in read.splitlines() if (row := _row(line))]
        return rows, ReadPosition(inode, begin + len(read))

    def progress(self) -> dict[str, Any]:
        """Returns the live numbers. Empty before the run has begun."""
        return _read(self._progress) or {}


def _line(row: Row) -> str:
    return json.dumps(row._asdict(), ensure_ascii=False) + "\n"


def _row(line: bytes) -> Row | None:
    """Parses one line of metrics. None if the line has another form."""
    try:
        match decode(line.decode(), "metrics"):
            case {"epoch": float() | int() as epoch, "name": str(name), "value": float() | int() as value, **more}:
                if not more:
                    return Row(epoch, name, value)
    except (InputError, UnicodeDecodeError):
        pass
    _log.warning(_("an invalid line of metrics is left out: %s"), shown(line))
    return None


def _write(path: Path, data: dict[str, Any], *, durable: bool = False) -> None:
    with atomic_write(path, durable=durable) as part:
        part.write_text(json.dumps(legible(data), ensure_ascii=False), encoding="utf-8")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = decode(path.read_text(encoding="utf-8"), path.name, MAX_CHARACTERS)
    except (FileNotFoundError, UnicodeDecodeError, InputError):  # a power cut may leave the file empty
        return None
    return found if isinstance(found, dict) else None
