"""What a run needs: memory against what the machine has, and time, measured on a few real steps."""

import json
import os
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, cast

import psutil
import torch

from explorer import formatting
from explorer.analysis import Precision, analyse
from explorer.analysis.memory import TrainingMemory
from explorer.data.preview import Preview
from explorer.families import Spec
from explorer.i18n import _
from explorer.jobs.estimate import Throughput, seconds
from explorer.jobs.job import Job, Resources
from explorer.jobs.slots import gpus
from explorer.recipes import Recipe
from explorer.recipes.changes import MAX_SWEEP
from explorer.settings import settings
from explorer.training.devices import choose_device, make_plan
from explorer.training.dry_run import forward_macs
from explorer.ui.shared.task_queue import TaskQueue
from explorer.workers import subprocess_runner
from explorer.workers.progress import Progress
from explorer.workers.subprocess_runner import Limits

PROCESS = 400_000_000  # bytes of a process that has imported torch, before it builds anything
LONGEST = 120.0  # seconds of a measurement
TIGHT = 0.8  # of the memory
PRECISIONS = {torch.float32: Precision.FP32, torch.bfloat16: Precision.BF16, torch.float16: Precision.FP16}

# A page asks for every network of a sweep at each turn: fewer would be forgotten before they are asked for again.
macs = lru_cache(maxsize=2 * MAX_SWEEP)(forward_macs)


class Verdict(StrEnum):
    """Whether a run finds room."""

    FITS = "fits"
    TIGHT = "tight"
    TOO_LARGE = "too large"


@dataclass(frozen=True)
class Room:
    """Memory of a run, in bytes.

    Attributes:
        needed: in training, over all processes on the CPU, by one process on a GPU.
        free: of the machine, or the GPU, at this moment.
        there: in all.
        device: ``cpu``, ``cuda`` or ``mps``.
    """

    needed: int
    free: int
    there: int
    device: str

    @property
    def verdict(self) -> Verdict:
        """Against all that there is: what others use now may be free when the run begins."""
        if self.needed > self.there:
            return Verdict.TOO_LARGE
        return Verdict.TIGHT if self.needed > min(self.free, TIGHT * self.there) else Verdict.FITS


def room(spec: Spec, recipe: Recipe, resources: Resources, found: Preview) -> Room | None:
    """The memory that a run needs; none where the network can't train on such a batch.

    Raises:
        InputError: where the machine has no such device, or the device no such precision.
    """
    device = choose_device(resources.device)
    share = -(-recipe.batch_size // resources.processes)
    plan = make_plan(torch.nn.Identity(), device, recipe.precision, macs(spec) * recipe.batch_size)
    training = _memory(spec, share, _optimizer(recipe), PRECISIONS[plan.dtype], device.type)
    if training is None:
        return None
    average = training.weights if recipe.ema is not None else 0
    each = training.total + average + found.in_memory
    if device.type == "cuda":
        free, there = torch.cuda.mem_get_info()
        return Room(each, free, there, device.type)
    memory = psutil.virtual_memory()
    return Room(resources.processes * (each + PROCESS), memory.available, memory.total, device.type)


@lru_cache(maxsize=2 * MAX_SWEEP)
def _memory(spec: Spec, batch_size: int, optimizer: str, precision: Precision, device: str) -> TrainingMemory | None:
    """The part of an analysis that is small enough to keep for a whole sweep."""
    return analyse(spec, batch_size=batch_size, optimizer=optimizer, precision=precision, device=device).training


def memory_key(recipe: Recipe) -> tuple[object, ...]:
    """All of a recipe that its memory depends on."""
    return recipe.batch_size, _optimizer(recipe), recipe.precision, recipe.ema is None


def _optimizer(recipe: Recipe) -> str:
    """What analysis calls it: by the numbers that it keeps."""
    if recipe.optimizer.startswith("adam"):
        return "adam"
    return "momentum" if recipe.momentum else "sgd"


def _measure(key: str, progress: Progress) -> Throughput:
    def still_at_it(_step: str, _done: int, _total: int) -> None:
        progress(_("Measuring a few steps…"), 0, 0)

    found = subprocess_runner.call(
        "explorer.training.throughput",
        json.loads(key),
        Limits(LONGEST),
        still_at_it,
        environment=settings().for_process(),
    )
    return Throughput(**cast(dict[str, Any], found))


pace = TaskQueue(_measure, cancel_abandoned=True)


def asked(spec: Spec, recipe: Recipe, resources: Resources) -> str:
    """The key of a measurement: all that the pace depends on, so that other changes measure nothing anew."""
    alike = recipe.changed(
        epochs=1, schedule="constant", warmup_epochs=None, lr=Recipe().lr, weight_decay=0.0, seed=0, weights=None,
        validation_fraction=0.0, label_smoothing=0.0, mean=None, std=None,
    )  # fmt: skip
    return json.dumps({"spec": spec.to_dict(), "recipe": alike.to_dict(), "resources": resources.model_dump()})


def run_seconds(measured: Throughput, recipe: Recipe, found: Preview) -> float:
    """About how long one run takes."""
    fraction = recipe.validation_fraction
    return seconds(
        measured,
        epochs=recipe.epochs,
        train=sum(found.training_counts(fraction)),
        validation=sum(found.validation_counts(fraction)),
        test=sum(found.test),
    )


def all_seconds(measured: Throughput, jobs: list[Job], found: Preview) -> float:
    """About how long the jobs of a sweep take, as many at a time as the machine trains.

    A step is taken to last as long in each, an image of a larger batch as long as of this one.
    """
    return sum(run_seconds(measured, job.recipe, found) for job in jobs) / min(slots(measured.device), len(jobs))


def slots(device: str) -> int:
    """Jobs that the machine trains at the same time."""
    return len(gpus()) if device == "cuda" else settings().cpu_slots


def duration(amount: float) -> str:
    """Seconds in words; nothing is estimated to take none."""
    return formatting.duration(max(amount, 1))


def about(amount: float) -> str:
    """Seconds in one unit, short enough to stand in a narrow box: ``≈ 2 min``, ``≈ 1.5 h``."""
    seconds = max(round(amount), 1)
    if seconds < formatting.MINUTE:
        return _("≈ {count} s").format(count=seconds)
    if amount < 59.5 * formatting.MINUTE:
        return _("≈ {count} min").format(count=max(round(amount / formatting.MINUTE), 1))
    if amount < formatting.DAY:
        return _("≈ {count:.1f} h").format(count=amount / formatting.HOUR)
    return _("≈ {count:.1f} d").format(count=amount / formatting.DAY)


def cores() -> int:
    """Of this machine."""
    return os.cpu_count() or 1
