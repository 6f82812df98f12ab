"""Tests weights on a test set in a separate process. Results are cached in the data folder.

usage: python -m explorer.prediction.testing FOLDER        with the request's JSON on standard input
"""

import hashlib
import json
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from explorer.data import preview
from explorer.data.catalogue import NAMES
from explorer.errors import InputError
from explorer.files import sha256, whole
from explorer.i18n import _
from explorer.jobs.job import Job
from explorer.settings import settings
from explorer.specs.reading import read_json
from explorer.training import mistakes
from explorer.training.measure import measure
from explorer.weights.registry import Entry, Kind
from explorer.workers import data_worker
from explorer.workers.progress import Progress, silent

FORMAT = "2"  # of the cached files
LONGEST = 50_000_000  # most characters of a cached file
KEPT = 200  # most cached tests; the oldest are removed first
COPIES = 3  # copies of the weights in memory: as stored, in float32, and one in reserve


@dataclass(frozen=True)
class Evaluated:
    """The result of a test.

    Attributes:
        classes: Classes of the network. Two may have the same name.
        result: Result as ``evaluate --json`` prints it.
        mistakes: Wrong answers with the highest confidence, with pictures, as from
            :func:`explorer.training.mistakes.told`.
    """

    classes: tuple[str, ...]
    result: dict[str, Any]
    mistakes: list[dict[str, Any]]


def kept(weights: Path, data: str) -> Evaluated | None:
    """Loads the cached result of an earlier test. None if there is none, or weights or data have changed since.

    Args:
        weights: Path of the weights file.
        data: Name or path of a data set.
    """
    try:
        path = _kept_at(weights, data)
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, InputError):
        return None


def run(weights: Path, data: str, progress: Progress = silent) -> Evaluated:
    """Tests weights on a test set in another process. Downloads the data if necessary.

    Args:
        weights: Path of the weights file.
        data: Name or path of a data set.
        progress: Callback for the progress. If it raises, the process ends.

    Raises:
        InputError: If weights and data don't fit each other, can't be read, or take too much time or memory.
        ExplorerError: If the process failed.
    """
    try:
        memory = COPIES * weights.stat().st_size
    except OSError as error:
        raise InputError(_("{file} can't be read: {reason}").format(file=weights, reason=error.strerror)) from None
    data_worker.ask(
        "explorer.prediction.testing", {"weights": str(weights), "data": data}, data, progress, more_memory=memory
    )
    tested = kept(weights, data)
    if tested is None:
        raise InputError(_("weights or images changed while they were tested; try again"))
    return tested


def make(weights: Path, data: str, progress: Progress = silent) -> None:
    """Does the work of :func:`run` in this process.

    Raises:
        InputError: If weights and data don't fit each other, can't be read or change meanwhile, or the result can't be
            cached.
    """
    path = _kept_at(weights, data)
    measured = measure(weights, data, "test", "auto", progress)
    told = mistakes.told(measured.mistakes, measured.split, measured.classes)
    try:
        unchanged = _kept_at(weights, data) == path
    except OSError:
        unchanged = False
    if not unchanged:  # it is unknown which version was measured
        raise InputError(_("weights or images changed while they were tested; try again"))
    _keep(path, Evaluated(measured.classes, measured.result, told))


def own_data(entry: Entry) -> str | None:
    """Returns the data that weights were trained on: a data set's name, or the path of a job's data.

    None if this machine does not have it.
    """
    if entry.kind is Kind.JOB:
        with suppress(InputError):
            data = Job.read(entry.path.parent).dataset
            return data if data in NAMES or Path(data).exists() else None
    name = entry.card.data.get("name") if entry.card else None
    return name if name in NAMES else None


def _kept_at(weights: Path, data: str) -> Path:
    """Returns the path of a cached test.

    Raises:
        InputError: If there is no such data.
        OSError: If the files of weights or data can't be read.
    """
    status = weights.stat()
    digest = _digest(weights, status.st_size, status.st_mtime_ns)
    key = json.dumps([FORMAT, digest, data, preview.state(data)])
    return (
        settings().data_dir / "evaluations" / f"{hashlib.sha256(key.encode(errors='surrogateescape')).hexdigest()}.json"
    )


@lru_cache(maxsize=256)
def _digest(path: Path, _size: int, _changed: int) -> str:
    return sha256(path)


@lru_cache(maxsize=8)  # the counts of a thousand classes take some megabytes
def _read(path: Path, _changed: int) -> Evaluated:
    told = read_json(path, "evaluation", LONGEST)
    try:
        return Evaluated(tuple(told["classes"]), dict(told["result"]), list(told["mistakes"]))
    except (KeyError, TypeError, ValueError):
        raise InputError(_("{file} is no kept test").format(file=path)) from None


def _keep(path: Path, tested: Evaluated) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as part:
            part.write_text(json.dumps(asdict(tested), ensure_ascii=False), encoding="utf-8")
        for old in sorted(path.parent.glob("*.json"), key=lambda file: file.stat().st_mtime_ns)[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            _("the data folder {folder} can't be written: {reason}").format(folder=path.parent, reason=error.strerror)
        ) from None


def main(folder: str) -> None:
    """Handles one request."""

    def work(asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
        make(Path(asked["weights"]), asked["data"], progress)
        return {}

    data_worker.answer(folder, work)


if __name__ == "__main__":
    main(*sys.argv[1:])
