"""Cost of a run: memory, compared with the machine's, and time, measured on a few training steps."""

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
from explorer.jobs.estimate import Throughput, estimate_seconds
from explorer.jobs.job import Job, Resources
from explorer.jobs.service import has_ready_process
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

PROCESS_MEMORY = 400_000_000  # bytes of a process after it has imported torch
MAX_SECONDS = 120.0  # for a measurement
TIGHT_SHARE = 0.8  # of the memory; a run that needs more is tight
TENTHS = 10.0  # seconds below which a duration has tenths
PRECISIONS = {torch.float32: Precision.FP32, torch.bfloat16: Precision.BF16, torch.float16: Precision.FP16}

# Each run of the page asks for every network of a sweep. A smaller cache would drop them before they are used again.
macs = lru_cache(maxsize=2 * MAX_SWEEP)(forward_macs)


class MemoryFit(StrEnum):
    """Whether a run fits into memory."""

    FITS = "fits"
    TIGHT = "tight"
    TOO_LARGE = "too large"


@dataclass(frozen=True)
class MemoryEstimate:
    """Memory that a run needs, and memory of the device, in bytes.

    Attributes:
        needed: Memory of the run: of all its processes on the CPU, or of one process on a GPU.
        free: Free memory of the machine or GPU now.
        total: Total memory of the machine or GPU.
        device: ``cpu``, ``cuda`` or ``mps``.
    """

    needed: int
    free: int
    total: int
    device: str

    @property
    def fit(self) -> MemoryFit:
        """Whether the run fits. It may exceed the free memory, because other programs may have ended when it starts."""
        if self.needed > self.total:
            return MemoryFit.TOO_LARGE
        return MemoryFit.TIGHT if self.needed > min(self.free, TIGHT_SHARE * self.total) else MemoryFit.FITS


def estimate_memory(spec: Spec, recipe: Recipe, resources: Resources, preview: Preview) -> MemoryEstimate | None:
    """Estimates the memory of a run. None if the network can't train on batches of this size.

    Raises:
        InputError: If the machine does not have the device, or the device does not support the precision.
    """
    device = choose_device(resources.device)
    share = -(-recipe.batch_size // resources.processes)
    plan = make_plan(torch.nn.Identity(), device, recipe.precision, macs(spec) * recipe.batch_size)
    training = _training_memory(spec, share, _optimizer_kind(recipe), PRECISIONS[plan.dtype], device.type)
    if training is None:
        return None
    average = training.weights if recipe.ema is not None else 0
    per_process = training.total + average + preview.in_memory
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info()
        return MemoryEstimate(per_process, free, total, device.type)
    memory = psutil.virtual_memory()
    needed = resources.processes * (per_process + PROCESS_MEMORY)
    return MemoryEstimate(needed, memory.available, memory.total, device.type)


@lru_cache(maxsize=2 * MAX_SWEEP)
def _training_memory(
    spec: Spec, batch_size: int, optimizer: str, precision: Precision, device: str
) -> TrainingMemory | None:
    """Returns the training memory of a network. Only this part of the analysis is small enough to cache for a sweep."""
    return analyse(spec, batch_size=batch_size, optimizer=optimizer, precision=precision, device=device).training


def memory_key(recipe: Recipe) -> tuple[object, ...]:
    """Returns the fields of a recipe that its memory depends on."""
    return recipe.batch_size, _optimizer_kind(recipe), recipe.precision, recipe.ema is None


def _optimizer_kind(recipe: Recipe) -> str:
    """Returns the optimizer by the name that the analysis uses: optimizers with equally large state share a name."""
    if recipe.optimizer.startswith("adam"):
        return "adam"
    return "momentum" if recipe.momentum else "sgd"


def _measure(key: str, progress: Progress) -> Throughput:
    def report(_step: str, _done: int, _total: int) -> None:
        progress(_("Measuring a few steps…"), 0, 0)

    result = subprocess_runner.call(
        "explorer.training.throughput",
        json.loads(key),
        Limits(MAX_SECONDS),
        report,
        environment=settings().for_process(),
    )
    return Throughput(**cast(dict[str, Any], result))


throughputs = TaskQueue(_measure, cancel_abandoned=True)


def throughput_key(spec: Spec, recipe: Recipe, resources: Resources) -> str:
    """Returns the key of a measurement. It contains only fields that affect the throughput."""
    relevant = recipe.changed(
        epochs=1, schedule="constant", warmup_epochs=None, lr=Recipe().lr, weight_decay=0.0, seed=0, weights=None,
        validation_fraction=0.0, label_smoothing=0.0, mean=None, std=None,
        random_labels=0.0, patch=0.0, patch_shows=Recipe().patch_shows,
    )  # fmt: skip
    return json.dumps({"spec": spec.to_dict(), "recipe": relevant.to_dict(), "resources": resources.model_dump()})


def is_ready(resources: Resources) -> bool:
    """Returns whether a process that has imported PyTorch waits for a job with these resources."""
    return resources.processes == 1 and has_ready_process()


def run_seconds(measured: Throughput, recipe: Recipe, preview: Preview, *, ready: bool) -> float:
    """Estimates the seconds of one run, for which a process is ready or not."""
    fraction = recipe.validation_fraction
    return estimate_seconds(
        measured,
        epochs=recipe.epochs,
        train=sum(preview.training_counts(fraction)),
        validation=sum(preview.validation_counts(fraction)),
        test=sum(preview.test),
        is_ready=ready,
    )


def sweep_seconds(measured: Throughput, jobs: list[Job], preview: Preview, *, ready: bool) -> float:
    """Estimates the seconds of all jobs of a sweep, which share the slots of the machine.

    Assumes that every job has the throughput of the measured one, in images per second.
    """
    total = sum(run_seconds(measured, job.recipe, preview, ready=ready) for job in jobs)
    return total / min(slots(measured.device), len(jobs))


def slots(device: str) -> int:
    """Returns the number of jobs that the machine trains at the same time."""
    return len(gpus()) if device == "cuda" else settings().cpu_slots


def duration(amount: float) -> str:
    """Returns a duration as text, with tenths below ten seconds, so that epochs add up to the time of the run."""
    if amount < TENTHS:
        return _("{seconds:.1f} s").format(seconds=max(amount, 0.1))
    return formatting.duration(amount)


def short_duration(amount: float) -> str:
    """Returns a duration in one unit, short enough for a narrow box: ``≈ 2 min``, ``≈ 1.5 h``."""
    seconds = max(round(amount), 1)
    if seconds < formatting.MINUTE:
        return _("≈ {count} s").format(count=seconds)
    if amount < 59.5 * formatting.MINUTE:
        return _("≈ {count} min").format(count=max(round(amount / formatting.MINUTE), 1))
    if amount < formatting.DAY:
        return _("≈ {count:.1f} h").format(count=amount / formatting.HOUR)
    return _("≈ {count:.1f} d").format(count=amount / formatting.DAY)


def cores() -> int:
    """Returns the number of CPU cores of this machine."""
    return os.cpu_count() or 1
