"""The files of one job: the worker writes them, everybody else reads them.

job.json            what is to be done, as submitted
progress.json       what is being done: processes, spec and recipe as adapted to the data, live numbers
metrics.jsonl       one row for each number of each epoch
end.json            how it ended
best.safetensors    weights of the best epoch, with their card; best.json is the card alone
last.safetensors    weights of the last epoch
resume.pt           all that an exact continuation needs
class_indices.json  position -> name of the class
log.txt             what the processes print
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from explorer.errors import InputError
from explorer.files import sweep, whole
from explorer.i18n import _
from explorer.jobs import job

RESERVE = 64 * 1024  # bytes kept free for the last words of a run on a full disk


class Row(NamedTuple):
    """One number of one epoch; epochs count from 1."""

    epoch: int
    name: str
    value: float


class RunDirectory:
    """Names of a job's files, and how each is written and read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.best = folder / "best.safetensors"
        self.last = folder / "last.safetensors"
        self.resume = folder / "resume.pt"
        self.log = folder / "log.txt"
        self._progress = folder / "progress.json"
        self._metrics = folder / "metrics.jsonl"
        self._end = folder / "end.json"
        self._reserve = folder / ".reserve"

    def begin(self) -> None:
        """Take the directory over, from a run that ended or was killed as well: it has no end any more."""
        self._end.unlink(missing_ok=True)
        sweep(self.folder)
        self._reserve.write_bytes(os.urandom(RESERVE))  # zeros would take no room on some file systems

    def open(self, rows: Iterable[Row], classes: Iterable[str]) -> None:
        """Begin or go on with the metrics of the epochs that are done."""
        with whole(self._metrics) as part:
            part.write_text("".join(map(_line, rows)), encoding="utf-8")
        indices = {str(position): name for position, name in enumerate(classes)}
        _write(self.folder / "class_indices.json", indices)

    def write_progress(self, progress: dict[str, Any]) -> None:
        """Replace the live numbers."""
        _write(self._progress, progress)

    def append(self, rows: Iterable[Row]) -> None:
        """Add the metrics of an epoch."""
        with self._metrics.open("a", encoding="utf-8") as file:
            file.writelines(map(_line, rows))

    def end(self, status: str, *, error: dict[str, str] | None = None, result: dict[str, Any] | None = None) -> None:
        """Write how the run ended: ``finished``, ``stopped`` or ``failed``."""
        words = {"status": status, "error": error, "result": result}
        try:
            _write(self._end, words)
        except OSError:
            self._reserve.unlink(missing_ok=True)
            _write(self._end, words)
        self._reserve.unlink(missing_ok=True)

    def ended(self) -> dict[str, Any] | None:
        """How the run ended; none while it has not."""
        return _read(self._end)

    def rows(self) -> list[Row]:
        """All metrics so far."""
        try:
            lines = self._metrics.read_text(encoding="utf-8").splitlines(keepends=True)
        except FileNotFoundError:
            return []
        # The last line may be half written.
        return [Row(**json.loads(line)) for line in lines if line.endswith("\n")]

    def live(self) -> dict[str, Any] | None:
        """How far the run is now; none before it has begun."""
        return (_read(self._progress) or {}).get("live")

    def describe(self) -> dict[str, Any]:
        """The job as the command line prints it.

        Raises:
            InputError: where the folder holds none.
        """
        submitted = _read(self.folder / job.FILE)
        if submitted is None:
            raise InputError(_("{folder} holds no job").format(folder=self.folder))
        progress = _read(self._progress) or {}
        end = self.ended()
        pids = [] if end else living(progress.get("processes", []))
        status = end["status"] if end else ("running" if pids else "interrupted") if progress else "queued"
        return {
            "id": submitted["id"],
            "name": submitted["name"],
            "status": status,
            "pids": pids,
            "progress": 1.0 if status == "finished" else progress.get("progress", 0.0),
            "spec": progress.get("spec", submitted["spec"]),
            "dataset": submitted["dataset"],
            "recipe": progress.get("recipe", submitted["recipe"]),
            "resources": submitted["resources"],
            "error": end["error"] if end else None,
            "weights": str(self.best) if self.best.exists() else None,
            "notes": progress.get("notes", []),
            "live": progress.get("live"),
            "metrics": [row._asdict() for row in self.rows()],
            "result": end["result"] if end else None,
        }


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


def _line(row: Row) -> str:
    return json.dumps(row._asdict(), ensure_ascii=False) + "\n"


def _write(path: Path, data: dict[str, Any]) -> None:
    with whole(path) as part:
        part.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # a power cut may leave it empty
        return None
    return found
