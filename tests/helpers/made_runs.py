"""Runs that were never trained: records, curves and files as the runner would have left them."""

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
    told = Recipe.parse({"epochs": EPOCHS, **recipe})
    return make.jobs(spec or digits_cnn(), dataset, told, Resources(device="cpu"), name=name, varied=sweep, rows=rows)


def rows(epochs: int, goodness: float = 0.95, seed: int = 0) -> list[Row]:
    """Curves that rise to ``goodness``, a little different for each seed."""
    dice = random.Random(seed)  # noqa: S311
    found = []
    for epoch in range(1, epochs + 1):
        top1 = goodness * (1 - math.exp(-4 * epoch / epochs)) + dice.uniform(-0.01, 0.01)
        numbers = {
            "train/loss": 2.3 * (1.02 - top1), "train/top1": min(1.0, top1 + 0.02),
            "rate": 0.1 * (1 - epoch / (epochs + 1)),
            "validation/loss": 2.3 * (1.05 - top1), "validation/top1": top1, "validation/top3": min(1.0, top1 + 0.1),
            "time/seconds": 1.0, "time/images_per_second": 1000.0,
        }  # fmt: skip
        found += [Row(epoch, name, value) for name, value in numbers.items()]
    return found


def result(goodness: float = 0.9, images: int = 360) -> dict[str, Any]:
    """Scores on a test set with as many images of each class; what is wrong is taken for the next class."""
    each = images // len(CLASSES)
    right = [max(0, min(each, round(each * goodness) - place % 3)) for place in range(len(CLASSES))]
    confusion = [[0] * len(CLASSES) for _class in CLASSES]
    for place, count in enumerate(right):
        confusion[place][place] = count
        confusion[place][(place + 1) % len(CLASSES)] += each - count
    return {
        "images": each * len(CLASSES), "correct": sum(right), "top1": sum(right) / (each * len(CLASSES)),
        "topk": {"3": 0.99},
        "per_class": {name: count / each for name, count in zip(CLASSES, right, strict=True)}, "confusion": confusion,
    }  # fmt: skip


def leave(store: Store, job: Job, status: Status, *, epochs: int = 3, goodness: float = 0.95, **values: Any) -> str:
    """Bring a job that waits into a state, with the curves and files that it has there."""
    now = time.time()
    total = job.recipe.epochs
    if status is Status.FINISHED:
        epochs = total
        values = {"progress": 1.0, "result": result(goodness), "ended": now, **values}
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
        store.write_rows(job.id, rows(epochs, goodness, job.recipe.seed), anew=True)
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


def add(store: Store, name: str, status: Status, *, epochs: int = 3, goodness: float = 0.95, **recipe: Any) -> str:
    """One run in a state; its id."""
    [job] = jobs(name, **recipe)
    store.add([job])
    return leave(store, job, status, epochs=epochs, goodness=goodness)


def add_sweep(
    store: Store,
    name: str,
    sweep: Sequence[str],
    status: Status = Status.FINISHED,
    rows: Sequence[Mapping[str, str]] = (),
) -> list[str]:
    """A sweep whose runs are the better the later they come."""
    made = jobs(name, sweep=sweep, rows=rows)
    store.add(made)
    return [leave(store, job, status, goodness=0.5 + 0.45 * place / len(made)) for place, job in enumerate(made)]


def keep_weights(job: str) -> None:
    """Weights that nobody trained, as a run's best."""
    spec = digits_cnn()
    inputs = {"size": spec.image_size, "mean": [0.25], "std": [0.5]}
    card = Card(name="made", spec=spec.to_dict(), classes=CLASSES, preprocessing=inputs)
    save(service.directory(job).best, build(spec).state_dict(), card)


def keep_mistakes(job: str, count: int = 3) -> None:
    mistakes = [
        {"index": place, "truth": "3", "predicted": "8", "probability": 0.5 + place / 100, "image": PIXEL}
        for place in range(count)
    ]
    (service.directory(job).folder / "mistakes.json").write_text(json.dumps(mistakes))
