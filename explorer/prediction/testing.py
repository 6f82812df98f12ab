"""Weights measured on a test set, in a process of its own; what came of it is kept in the data folder.

usage: python -m explorer.prediction.testing FOLDER        the request's JSON on standard input
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

FORMAT = "2"  # of what is kept
LONGEST = 50_000_000  # characters of one that is kept
KEPT = 200  # tests; those that were made longest ago go first
COPIES = 3  # of the weights: as stored, in float32, one to spare


@dataclass(frozen=True)
class Evaluated:
    """What weights get right on a test set.

    Attributes:
        classes: of the network; two may have the same name.
        result: as ``evaluate --json`` prints it.
        mistakes: the surest wrong answers with their pictures, as :func:`explorer.training.mistakes.told` has them.
    """

    classes: tuple[str, ...]
    result: dict[str, Any]
    mistakes: list[dict[str, Any]]


def kept(weights: Path, data: str) -> Evaluated | None:
    """What an earlier test has kept, at once; none where there was none, or weights or data have changed since.

    Args:
        weights: path of the file.
        data: a data set's name, or a path.
    """
    try:
        path = _kept_at(weights, data)
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, InputError):
        return None


def run(weights: Path, data: str, progress: Progress = silent) -> Evaluated:
    """Run weights over the test set of data that may have to be downloaded first.

    Args:
        weights: path of the file.
        data: a data set's name, or a path.
        progress: told how far it is; what it raises ends the process.

    Raises:
        InputError: where weights and data don't fit each other, can't be read, or take too much time or memory.
        ExplorerError: where the process failed.
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
    """Do in this process what :func:`run` has another one do.

    Raises:
        InputError: where weights and data don't fit each other, can't be read or change meanwhile, or the test can't
            be kept.
    """
    path = _kept_at(weights, data)
    measured = measure(weights, data, "test", "auto", progress)
    told = mistakes.told(measured.mistakes, measured.split, measured.classes)
    try:
        unchanged = _kept_at(weights, data) == path
    except OSError:
        unchanged = False
    if not unchanged:  # of what was measured and what is there now nobody can tell
        raise InputError(_("weights or images changed while they were tested; try again"))
    _keep(path, Evaluated(measured.classes, measured.result, told))


def own_data(entry: Entry) -> str | None:
    """What weights were trained on, where it is known to this machine: a data set's name, or a job's path."""
    if entry.kind is Kind.JOB:
        with suppress(InputError):
            data = Job.read(entry.path.parent).dataset
            return data if data in NAMES or Path(data).exists() else None
    name = entry.card.data.get("name") if entry.card else None
    return name if name in NAMES else None


def _kept_at(weights: Path, data: str) -> Path:
    """Where a test is kept.

    Raises:
        InputError: where there is no such data.
        OSError: where the files of weights or data can't be read.
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


@lru_cache(maxsize=8)  # of a thousand classes the counts take some megabytes
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
    """Answer one request."""

    def work(asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
        make(Path(asked["weights"]), asked["data"], progress)
        return {}

    data_worker.answer(folder, work)


if __name__ == "__main__":
    main(*sys.argv[1:])
