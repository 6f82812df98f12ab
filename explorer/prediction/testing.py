"""Tests weights on a test set in a separate process. Results are cached in the data folder.

usage: python -m explorer.prediction.testing        see explorer.workers.protocol
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from explorer.data import preview
from explorer.data.catalogue import NAMES
from explorer.data.disk_cache import DiskCache
from explorer.data.limits import limits
from explorer.errors import InputError
from explorer.files import sha256
from explorer.i18n import _
from explorer.jobs.job import Job
from explorer.settings import settings
from explorer.specs.reading import read_json
from explorer.training import mistakes
from explorer.training.weights_evaluation import evaluate_weights
from explorer.weights.registry import Origin, RegistryEntry
from explorer.workers import subprocess_runner
from explorer.workers.progress import Progress, silent
from explorer.workers.protocol import serve

CACHE = DiskCache("evaluations", format="2", suffix=".json")
MAX_CHARACTERS = 50_000_000  # of a cached file
MAX_CACHED_TESTS = 200  # the oldest are removed first
COPIES = 3  # copies of the weights in memory: as stored, in float32, and one in reserve


@dataclass(frozen=True)
class Evaluation:
    """The result of a test.

    Attributes:
        classes: Classes of the network. Two may have the same name.
        result: Result as ``evaluate --json`` prints it.
        mistakes: Wrong answers with the highest confidence, with pictures, as from
            :func:`explorer.training.mistakes.to_dicts`.
    """

    classes: tuple[str, ...]
    result: dict[str, Any]
    mistakes: list[dict[str, Any]]


def load_cached(weights: Path, data: str) -> Evaluation | None:
    """Loads the cached result of an earlier test. None if there is none, or weights or data have changed since.

    Args:
        weights: Path of the weights file.
        data: Name or path of a data set.
    """
    try:
        path = CACHE.path(_key(weights, data))
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, InputError):
        return None


def run(weights: Path, data: str, progress: Progress = silent) -> Evaluation:
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
    subprocess_runner.call(
        "explorer.prediction.testing",
        [str(weights), data],
        limits(memory),
        progress,
        place=data,
        environment=settings().for_process(),
    )
    tested = load_cached(weights, data)
    if tested is None:
        raise InputError(_("weights or images changed while they were tested; try again"))
    return tested


def evaluate(weights: Path, data: str, progress: Progress = silent) -> None:
    """Tests weights in this process, and caches the result.

    Raises:
        InputError: If weights and data don't fit each other, can't be read or change meanwhile, or the result can't be
            cached.
    """
    key = _key(weights, data)
    measured = evaluate_weights(weights, data, "test", "auto", progress)
    mistake_dicts = mistakes.to_dicts(measured.mistakes, measured.split, measured.classes)
    try:
        unchanged = _key(weights, data) == key
    except OSError:
        unchanged = False
    if not unchanged:  # it is unknown which version was measured
        raise InputError(_("weights or images changed while they were tested; try again"))
    text = json.dumps(asdict(Evaluation(measured.classes, measured.result, mistake_dicts)), ensure_ascii=False)
    CACHE.write(key, lambda part: part.write_text(text, encoding="utf-8"), most=MAX_CACHED_TESTS)


def own_data(entry: RegistryEntry) -> str | None:
    """Returns the data that weights were trained on: a data set's name, or the path of a job's data.

    None if this machine does not have it.
    """
    if entry.origin is Origin.JOB:
        with suppress(InputError):
            data = Job.read(entry.path.parent).dataset
            return data if data in NAMES or Path(data).exists() else None
    name = entry.card.data.get("name") if entry.card else None
    return name if name in NAMES else None


def _key(weights: Path, data: str) -> str:
    """Returns all that a test depends on, as one text.

    Raises:
        InputError: If there is no such data.
        OSError: If the files of weights or data can't be read.
    """
    status = weights.stat()
    digest = _digest(weights, status.st_size, status.st_mtime_ns)
    return json.dumps([digest, data, preview.state(data)])


@lru_cache(maxsize=256)
def _digest(path: Path, _size: int, _changed: int) -> str:
    return sha256(path)


@lru_cache(maxsize=8)  # the counts of a thousand classes take some megabytes
def _read(path: Path, _changed: int) -> Evaluation:
    document = read_json(path, "evaluation", MAX_CHARACTERS)
    try:
        return Evaluation(tuple(document["classes"]), dict(document["result"]), list(document["mistakes"]))
    except (KeyError, TypeError, ValueError):
        raise InputError(_("{file} is not a saved test result").format(file=path)) from None


if __name__ == "__main__":
    serve(lambda request, progress: evaluate(Path(request[0]), request[1], progress))
