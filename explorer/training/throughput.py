"""Measures the throughput of a job: a few of its steps on synthetic images, without its data.

usage: python -m explorer.training.throughput        see explorer.workers.protocol

The request is ``{"spec": …, "recipe": …, "resources": …}``, the result a :class:`~explorer.jobs.estimate.Throughput`.

For a job with several processes, it measures one of them, with its share of the batch and cores, but without their
communication. If the recipe has no augmentation of its own, it uses the augmentation for photographs.
"""

import time
from collections.abc import Callable
from dataclasses import asdict
from math import prod
from typing import Any

import psutil
import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from explorer.data.dataset import Dataset, Split
from explorer.errors import InputError
from explorer.families import Spec, parse_spec
from explorer.jobs.estimate import Throughput
from explorer.jobs.job import Job, Resources
from explorer.recipes.recipe import MAX_EPOCHS, Recipe
from explorer.specs.base import explain_all
from explorer.training.evaluation import evaluate
from explorer.training.faults import to_fault
from explorer.training.freezing import training_mode
from explorer.training.loop import step
from explorer.training.setup import prepare
from explorer.workers.progress import Progress, silent
from explorer.workers.protocol import serve

MIN_SECONDS = 2.0  # seconds of training steps
MAX_STEPS = 200
STEPS, BYTES = 16, 2**26  # most steps and image bytes of an epoch: as many as a small data set has
PRECISIONS = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}


def measure_throughput(spec: Spec, recipe: Recipe, resources: Resources) -> Throughput:
    """Trains for about two seconds and evaluates for half a second, each at least once.

    Raises:
        InputError: If spec, recipe and machine don't fit each other.
    """
    begin = time.time()
    torch.set_flush_denormal(True)
    share = -(-recipe.batch_size // resources.processes)
    # The epochs are short here, so there are enough of them that no schedule reaches its end.
    shortened = recipe.changed(batch_size=share, epochs=MAX_EPOCHS)
    prepared = prepare(Job.new(spec, "", shortened, resources), synthetic_dataset(spec, share))
    training, device = prepared.training, prepared.training.plan.device
    training_mode(training.network, training.frozen)
    batches = (batch for epoch in range(MAX_EPOCHS) for batch in training.batches.epoch(epoch))
    test_batches = prepared.test_batches()

    def train() -> None:
        step(training, next(batches)).tolist()  # waits for the device

    def evaluate_once() -> None:
        evaluate(training.evaluated_network, test_batches.batches(), training.classes, device)

    train()
    trained_once = time.time()
    per_step = _seconds(train, MIN_SECONDS)
    evaluate_once()
    return Throughput(
        seconds_per_step=per_step,
        seconds_per_evaluated_image=_seconds(evaluate_once, MIN_SECONDS / 4) / recipe.batch_size,
        batch_size=recipe.batch_size,
        startup=trained_once - psutil.Process().create_time(),
        ready_startup=trained_once - begin,
        device=device.type,
        precision=PRECISIONS[training.plan.dtype],
    )


def synthetic_dataset(spec: Spec, batch: int) -> Dataset:
    """Returns random images of the network's input size: some batches for training, and one for the test."""
    count = batch * max(1, min(STEPS, BYTES // (batch * prod(spec.input_shape))))
    shape = (count, *spec.input_shape)
    noise = torch.randint(0, 256, shape, dtype=torch.uint8)
    split = Split(noise, torch.arange(count) % spec.num_classes)
    test = split.take(torch.arange(batch))
    classes = tuple(map(str, range(spec.num_classes)))
    return Dataset("", classes, spec.in_channels, mirrored=True, train=split, test=test, validation=test)


def _seconds(action: Callable[[], None], min_seconds: float) -> float:
    """Returns the lower quartile of the seconds of an action. So it ignores short loads by other programs."""
    times: list[float] = []
    while sum(times) < min_seconds and len(times) < MAX_STEPS:
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return sorted(times)[len(times) // 4]


class _Request(BaseModel):
    """The request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    spec: dict[str, Any]
    recipe: dict[str, Any]
    resources: dict[str, Any]


def _read(request: object) -> tuple[Spec, Recipe, Resources]:
    try:
        parsed = _Request.model_validate(request)
    except ValidationError as error:
        raise InputError(explain_all(error)) from None
    return parse_spec(parsed.spec), Recipe.parse(parsed.recipe), Resources.parse(parsed.resources)


def respond(request: object, _progress: Progress = silent) -> dict[str, Any]:
    """Returns the throughput for a request.

    Raises:
        InputError: If spec, recipe and machine don't fit each other, or the machine is short of memory.
    """
    batch_size = 0
    try:
        spec, recipe, resources = _read(request)
        batch_size = recipe.batch_size
        return asdict(measure_throughput(spec, recipe, resources))
    except Exception as error:
        fault = to_fault(error, batch_size)
        if fault.code == "internal":
            raise
        raise InputError(str(fault)) from None


if __name__ == "__main__":
    serve(respond)
