"""Tiny runs, and their results."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor

from explorer.families import parse_spec
from explorer.jobs.job import Job, Resources
from explorer.jobs.run_directory import RunDirectory
from explorer.recipes import Recipe
from explorer.training import checkpoint, worker
from explorer.training.loop import Training
from explorer.weights import files

SIDE, CLASSES, IMAGES = 8, 3, 60
SPEC = {
    "family": "vgg",
    "cfg": [4, "M", 8, "M"],
    "batch_norm": True,
    "pool_to": None,
    "classifier": [16],
    "dropout": 0.5,
    "in_channels": 1,
    "image_size": SIDE,
    "num_classes": CLASSES,
}


def images(path: Path) -> str:
    """Write an ``.npz`` of grey images, in which each class has another bright row; returns its path."""
    random = np.random.default_rng(0)
    labels = np.arange(IMAGES) % CLASSES
    pixels = random.integers(0, 60, (IMAGES, SIDE, SIDE), dtype=np.uint8)
    pixels[np.arange(IMAGES), 2 + labels] += 120
    np.savez(path, images=pixels, labels=labels)
    return str(path)


def job(folder: Path, dataset: str, spec: dict[str, Any] | None = None, **recipe: Any) -> Path:
    """Write the ``job.json`` of a run; returns its folder. By default it trains 4 epochs of 3 steps."""
    fields = {"epochs": 4, "batch_size": 16, "augment": [], **recipe}
    made = Job.new(parse_spec(spec or SPEC), dataset, Recipe.parse(fields), Resources(device="cpu", threads=1))
    made.write(folder)
    return folder


def final_state(folder: Path) -> Path:
    """The file in which :func:`keep_final_states` preserves the state of a finished run."""
    return folder / "final.pt"


@contextmanager
def keep_final_states() -> Iterator[None]:
    """Preserve the state of finished runs, which runs remove, by another link to the file."""
    really_end = RunDirectory.end

    def end(self: RunDirectory, status: str, **what: Any) -> None:
        if status == "finished":
            final_state(self.folder).unlink(missing_ok=True)
            final_state(self.folder).hardlink_to(self.resume)
        really_end(self, status, **what)

    with patch.object(RunDirectory, "end", end):
        yield


def run(folder: Path) -> int:
    """Run the worker in this process, and restore signal handlers, threads and random state."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    threads = torch.get_num_threads()
    try:
        with torch.random.fork_rng(devices=()), keep_final_states():
            return worker.main(folder)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)


def end(folder: Path) -> dict[str, Any]:
    """The record of the run's end."""
    ended = RunDirectory(folder).read_end()
    assert ended is not None
    return ended


def run_results(folder: Path) -> dict[str, Any]:
    """Results of a finished run that must not depend on interruptions: all numbers except times."""
    directory = RunDirectory(folder)
    state = checkpoint.read(final_state(folder))
    assert state is not None
    del state["seconds"]
    state["rows"] = [row for row in state["rows"] if not row[1].startswith("time/")]
    best, card = files.read(directory.best)
    last, last_card = files.read(directory.last)
    return {
        "state": state,
        "best": best,
        "last": last,
        "cards": [_untimed(card.metrics), _untimed(last_card.metrics)],
        "rows": [row for row in directory.rows() if not row.name.startswith("time/")],
        "end": directory.read_end(),
    }


def difference(one: Any, other: Any, place: str = "") -> str | None:
    """The place where two nested values differ in type, shape or a single bit; None if they are equal."""
    if type(one) is not type(other):
        return f"{place}: {type(one)} and {type(other)}"
    if isinstance(one, Tensor):
        return None if one.dtype == other.dtype and torch.equal(one, other) else place
    if isinstance(one, dict):
        if one.keys() != other.keys():
            return f"{place}: {one.keys() ^ other.keys()}"
        pairs = [(key, one[key], other[key]) for key in one]
    elif isinstance(one, list | tuple):
        if len(one) != len(other):
            return f"{place}: {len(one)} and {len(other)}"
        pairs = [(index, *both) for index, both in enumerate(zip(one, other, strict=True))]
    else:
        return None if one == other else f"{place}: {one} and {other}"
    return next((found for key, a, b in pairs if (found := difference(a, b, f"{place}/{key}"))), None)


def _untimed(metrics: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metrics.items() if not name.startswith("time/")}


class SilentCallback:
    """A training callback that does nothing."""

    def after_step(self, training: Training) -> None:
        pass

    def validating(self, training: Training, done: int, total: int) -> None:
        pass

    def after_epoch(self, training: Training, *, improved: bool) -> None:
        pass
