"""The files of one job: its processes write them, everybody else reads them.

job.json            what is to be done, as submitted
.lock               held by the supervisor, and so for as long as the job has processes
ticket.txt          of the start that counts
supervisor.json     which process supervises
progress.json       what is being done: processes, spec and recipe as adapted to the data, live numbers
metrics.jsonl       one row for each number of each epoch
end.json            how it ended
best.safetensors    weights of the best epoch, with their card; best.json is the card alone
last.safetensors    weights of the last epoch
resume.pt           all that an exact continuation needs; a run that has finished keeps none
mistakes.json       test images that the best epoch gets wrong, and is surest of
class_indices.json  position -> name of the class
log.txt             what the processes print
"""

import json
import logging
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from explorer.errors import InputError, shown
from explorer.files import sweep, whole
from explorer.i18n import _
from explorer.jobs.processes import living
from explorer.specs.reading import decode, legible

RESERVE = 64 * 1024  # bytes kept free for the last words of a run on a full disk
LONGEST = 50_000_000  # characters of a file: the confusions of thousands of classes

_log = logging.getLogger(__name__)


POINT = "step/"  # how the names of numbers within an epoch begin


class Row(NamedTuple):
    """One number of one epoch; epochs count from 1.

    Of a point within an epoch, whose name begins with ``step/``, the epoch has a fraction: it is the number of epochs
    that were done then, and the number is that of the steps since the point before.
    """

    epoch: float
    name: str
    value: float


class Mark(NamedTuple):
    """How far somebody has read the metrics: of which file, and to which byte."""

    file: int
    byte: int


class RunDirectory:
    """Names of a job's files, and how each is written and read."""

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
        self._ticket = folder / "ticket.txt"
        self._supervisor = folder / "supervisor.json"
        self._end = folder / "end.json"
        self._reserve = folder / ".reserve"

    def offer(self, ticket: str) -> None:
        """Get ready for a start; nothing of an earlier one counts any more."""
        for path in (self._end, self._supervisor, self._progress):
            path.unlink(missing_ok=True)
        with whole(self._ticket) as part:
            part.write_text(ticket, encoding="utf-8")

    def withdraw(self) -> None:
        """Give up a start: a supervisor that still comes finds that it is not meant."""
        self._ticket.unlink(missing_ok=True)

    def ticket(self) -> str | None:
        """Of the start that counts."""
        try:
            return self._ticket.read_text(encoding="utf-8")
        except OSError:
            return None

    def write_supervisor(self, process: tuple[int, float]) -> None:
        """Say who supervises."""
        _write(self._supervisor, {"process": process})

    def supervisor(self) -> int | None:
        """The process that supervises, while it lives."""
        match _read(self._supervisor):
            case {"process": [int(pid), float(created)]}:
                return next(iter(living([(pid, created)])), None)
        return None

    def began(self) -> bool:
        """Whether the start that counts has come to a supervisor."""
        return self._supervisor.exists()

    def log_here(self) -> None:
        """From now on, what this process and those that it starts print goes to the log."""
        with self.log.open("ab") as log:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
                os.dup2(log.fileno(), stream.fileno())

    def begin(self) -> None:
        """Take the directory over, from a run that ended or was killed as well: it has no end any more."""
        self._end.unlink(missing_ok=True)
        sweep(self.folder)
        self._reserve.write_bytes(os.urandom(RESERVE))  # zeros would take no room on some file systems

    def open(self, rows: Iterable[Row], classes: Iterable[str]) -> None:
        """Begin or go on with the metrics of the epochs that are done."""
        with whole(self.metrics) as part:
            part.write_text("".join(map(_line, rows)), encoding="utf-8")
        indices = {str(position): name for position, name in enumerate(classes)}
        _write(self.folder / "class_indices.json", indices)

    def write_progress(self, progress: dict[str, Any]) -> None:
        """Replace the live numbers."""
        _write(self._progress, progress)

    def append(self, rows: Iterable[Row]) -> None:
        """Add metrics."""
        with self.metrics.open("a", encoding="utf-8") as file:
            file.writelines(map(_line, rows))

    def end(self, status: str, *, error: dict[str, str] | None = None, result: dict[str, Any] | None = None) -> None:
        """Write how the run ended: ``finished``, ``stopped`` or ``failed``."""
        words = {"status": status, "error": error, "result": result}
        # Durable: it outlives a power cut that comes when the state is gone.
        try:
            _write(self._end, words, durable=True)
        except OSError:
            self._reserve.unlink(missing_ok=True)
            _write(self._end, words, durable=True)
        self._reserve.unlink(missing_ok=True)
        if status == "finished":
            self.resume.unlink(missing_ok=True)

    def ended(self) -> dict[str, Any] | None:
        """How the run ended; none while it has not."""
        return _read(self._end)

    def rows(self) -> list[Row]:
        """All metrics so far."""
        return self.rows_after(None)[0]

    def rows_after(self, mark: Mark | None) -> tuple[list[Row], Mark | None]:
        """Metrics that came after a mark, and the mark after them; all of them where the file is another one now."""
        try:
            with self.metrics.open("rb") as file:
                inode = os.fstat(file.fileno()).st_ino
                begin = mark.byte if mark and mark.file == inode else 0
                file.seek(begin)
                read = file.read()
        except FileNotFoundError:
            return [], None
        read = read[: read.rfind(b"\n") + 1]  # the last line may be half written
        rows = [row for line in read.splitlines() if (row := _row(line))]
        return rows, Mark(inode, begin + len(read))

    def progress(self) -> dict[str, Any]:
        """What was written last about the run under way; empty before it has begun."""
        return _read(self._progress) or {}


def _line(row: Row) -> str:
    return json.dumps(row._asdict(), ensure_ascii=False) + "\n"


def _row(line: bytes) -> Row | None:
    """One number of one epoch; none where somebody else has written the line."""
    try:
        match decode(line.decode(), "metrics"):
            case {"epoch": float() | int() as epoch, "name": str(name), "value": float() | int() as value, **more}:
                if not more:
                    return Row(epoch, name, value)
    except (InputError, UnicodeDecodeError):
        pass
    _log.warning(_("a line of metrics that no run writes is left out: %s"), shown(line))
    return None


def _write(path: Path, data: dict[str, Any], *, durable: bool = False) -> None:
    with whole(path, durable=durable) as part:
        part.write_text(json.dumps(legible(data), ensure_ascii=False), encoding="utf-8")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = decode(path.read_text(encoding="utf-8"), path.name, LONGEST)
    except (FileNotFoundError, UnicodeDecodeError, InputError):  # a power cut may leave it empty
        return None
    return found if isinstance(found, dict) else None
