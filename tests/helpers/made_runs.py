"""Runs without training: writes the records, curves and files that the runner would write."""

import json
import math
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

from explorer.families import Spec, resolve
from explorer.families.building import build
from explorer.jobs import make, service
from explorer.jobs.job import Job, Resources
from explorer.jobs.run_directory import Row
from explorer.jobs.store import Status, Store
from explorer.recipes import Recipe
from explorer.weights.files import Card, save

CLASSES = tuple("0123456789")
EPOCHS = 6
PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ERROR = {"code": "not_finite", "message": "the loss is not finite in epoch 3: lower lr"}


def digits_cnn() -> Spec:
    return resolve("digits-cnn")


def jobs(
    name: str = "",
    *,
    sweep: Sequence[str] = (),
    rows: Sequence[Mapping[str, str]] = (),
    spec: Spec | None = None,
    dataset: str = "digits",
    **recipe: Any,
) -> list[Job]:
    parsed = Recipe.parse({"epochs": EPOCHS, **recipe})
    return make.make_jobs(
        spec or digits_cnn(), dataset, parsed, Resources(device="cpu"), name=name, varied=sweep, rows=rows
    )


def rows(epochs: int, accuracy: float = 0.95, seed: int = 0) -> list[Row]:
    """Curves that rise to ``accuracy``, a little different for each seed."""
    rng = random.Random(seed)  # noqa: S311
    found = []
    for epoch in range(1, epochs + 1):
        top1 = accuracy * (1 - math.exp(-4 * epoch / epochs)) + rng.uniform(-0.01, 0.01)
        numbers = {
            "train/loss": 2.3 * (1.02 - top1), "train/top1": min(1.0, top1 + 0.02),
            "rate": 0.1 * (1 - epoch / (epochs + 1)),
            "validation/loss": 2.3 * (1.05 - top1), "validation/top1": top1, "validation/top3": min(1.0, top1 + 0.1),
            "time/seconds": 1.0, "time/images_per_second": 1000.0,
        }  # fmt: skip
        found += [Row(epoch, name, value) for name, value in numbers.items()]
    return found


def result(accuracy: float = 0.9, images: int = 360) -> dict[str, Any]:
    """The result on a test set with equally many images of each class; errors are predicted as the next class."""
    each = images // len(CLASSES)
    right = [max(0, min(each, round(each * accuracy) - place % 3)) for place in range(len(CLASSES))]
    confusion = [[0] * len(CLASSES) for _class in CLASSES]
    for place, count in enumerate(right):
        confusion[place][place] = count
        confusion[place][(place + 1) % len(CLASSES)] += each - count
    return {
        "images": each * len(CLASSES), "correct": sum(right), "top1": sum(right) / (each * len(CLASSES)),
        "topk": {"3": 0.99},
        "per_class": {name: count / each for name, count in zip(CLASSES, right, strict=True)}, "confusion": confusion,
    }  # fmt: skip


def set_status(
    store: Store, job: Job, status: Status, *, epochs: int = 3, accuracy: float = 0.95, **values: Any
) -> str:
    """Give a queued job a status, with the curves and files of that status; returns its id."""
    now = time.time()
    total = job.recipe.epochs
    if status is Status.FINISHED:
        epochs = total
        values = {"progress": 1.0, "result": result(accuracy), "ended": now, **values}
    elif status in {Status.STOPPED, Status.INTERRUPTED, Status.FAILED}:
        values = {"progress": epochs / total, "ended": now, **values}
    if status is Status.FAILED:
        values = {"error": ERROR, **values}
    if status in {Status.RUNNING, Status.STOPPING}:
        live = {
            "epoch": epochs + 1, "epochs": total, "batch": 3, "batches": 10, "rate": 0.05, "loss": 0.5, "top1": 0.8,
            "images_per_second": 1234.0, "seconds_left": 75.0,
        }  # fmt: skip
        values = {"progress": (epochs + 0.3) / total, "live": live, "slots": ["cpu"], **values}
    if status is not Status.QUEUED:
        store.write_rows(job.id, rows(epochs, accuracy, job.recipe.seed), replace=True)
        values = {"started": now - 200, **values}
    store.change(job.id, Status, status=status, **values)
    directory = service.directory(job.id)
    directory.folder.mkdir(parents=True, exist_ok=True)
    if status is not Status.QUEUED:
        directory.log.write_text(f"a line\nthe log of {job.name}\n")
        directory.resume.write_bytes(b"r" * 3000)
        directory.best.write_bytes(b"b" * 1000)
        directory.best.with_suffix(".json").write_text("{}")
        directory.last.write_bytes(b"l" * 1000)
        directory.last.with_suffix(".json").write_text("{}")
    return job.id


def add(store: Store, name: str, status: Status, *, epochs: int = 3, accuracy: float = 0.95, **recipe: Any) -> str:
    """Add one run with a status; returns its id."""
    [job] = jobs(name, **recipe)
    store.add([job])
    return set_status(store, job, status, epochs=epochs, accuracy=accuracy)


def add_sweep(
    store: Store,
    name: str,
    sweep: Sequence[str],
    status: Status = Status.FINISHED,
    rows: Sequence[Mapping[str, str]] = (),
) -> list[str]:
    """Add a sweep whose later runs are better; returns the ids."""
    made = jobs(name, sweep=sweep, rows=rows)
    store.add(made)
    return [set_status(store, job, status, accuracy=0.5 + 0.45 * place / len(made)) for place, job in enumerate(made)]


def write_weights(job: str) -> None:
    """Write untrained weights as the best weights of a run."""
    spec = digits_cnn()
    inputs = {"size": spec.image_size, "mean": [0.25], "std": [0.5]}
    card = Card(name="made", spec=spec.to_dict(), classes=CLASSES, preprocessing=inputs)
    save(service.directory(job).best, build(spec).state_dict(), card)


def write_mistakes(job: str, count: int = 3) -> None:
    """Write mistakes on the test set for a run."""
    mistakes = [
        {"index": place, "truth": "3", "predicted": "8", "probability": 0.5 + place / 100, "image": PIXEL}
        for place in range(count)
    ]
    (service.directory(job).folder / "mistakes.json").write_text(json.dumps(mistakes))
