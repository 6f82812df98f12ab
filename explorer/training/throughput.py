"""How fast a job would train: a few of its steps on made-up images, without its data.

usage: python -m explorer.training.throughput        see explorer.workers.protocol

The request is ``{"spec": …, "recipe": …, "resources": …}``, the result a :class:`~explorer.jobs.estimate.Throughput`.

Where several processes are asked for, one of them is measured, with its share of batch and cores; what they tell each
other is not. Augmentation that the recipe leaves to the data is that of photographs.
"""

import time
from collections.abc import Callable
from dataclasses import asdict
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
from explorer.training.faults import explained
from explorer.training.freezing import training_mode
from explorer.training.loop import step
from explorer.training.setup import prepare
from explorer.workers.progress import Progress, silent
from explorer.workers.protocol import serve

LONG_ENOUGH = 2.0  # seconds of steps
MOST = 200  # steps
STEPS, BYTES = 16, 2**26  # of an epoch, at most: what an epoch costs once is shared by as many steps as in a small set
PRECISIONS = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}


def measure(spec: Spec, recipe: Recipe, resources: Resources) -> Throughput:
    """Train for about two seconds, and evaluate for a quarter of that; at least a step and a batch of either.

    Raises:
        InputError: where spec, recipe and machine don't fit each other.
    """
    torch.set_flush_denormal(True)
    share = -(-recipe.batch_size // resources.processes)
    # Epochs are short here: so many that no schedule comes to its end.
    shortened = recipe.changed(batch_size=share, epochs=MAX_EPOCHS)
    prepared = prepare(Job.new(spec, "", shortened, resources), made_up(spec, share))
    training, device = prepared.training, prepared.training.plan.device
    training_mode(training.network, training.frozen)
    batches = (batch for epoch in range(MAX_EPOCHS) for batch in training.batches.epoch(epoch))
    judged = prepared.test_batches()

    def train() -> None:
        step(training, next(batches)).tolist()  # waits for the device

    def judge() -> None:
        evaluate(training.kept, judged.batches(), training.classes, device)

    train()
    startup = time.time() - psutil.Process().create_time()
    per_step = _seconds(train, LONG_ENOUGH)
    judge()
    return Throughput(
        seconds_per_step=per_step,
        seconds_per_evaluated_image=_seconds(judge, LONG_ENOUGH / 4) / recipe.batch_size,
        batch_size=recipe.batch_size,
        startup=startup,
        device=device.type,
        precision=PRECISIONS[training.plan.dtype],
    )


def made_up(spec: Spec, batch: int) -> Dataset:
    """Noise of the size that the network takes: some batches to train with, one to test."""
    count = batch * max(1, min(STEPS, BYTES // (batch * spec.in_channels * spec.image_size**2)))
    shape = (count, spec.in_channels, spec.image_size, spec.image_size)
    noise = torch.randint(0, 256, shape, dtype=torch.uint8)
    split = Split(noise, torch.arange(count) % spec.num_classes)
    few = split.take(torch.arange(batch))
    classes = tuple(map(str, range(spec.num_classes)))
    return Dataset("", classes, spec.in_channels, mirrored=True, train=split, test=few, validation=few)


def _seconds(work: Callable[[], None], long_enough: float) -> float:
    """Of the quicker half the slowest but half: what others on the machine do now, they need not do during the run."""
    times: list[float] = []
    while sum(times) < long_enough and len(times) < MOST:
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return sorted(times)[len(times) // 4]


class _Asked(BaseModel):
    """The request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    spec: dict[str, Any]
    recipe: dict[str, Any]
    resources: dict[str, Any]


def _read(request: object) -> tuple[Spec, Recipe, Resources]:
    try:
        asked = _Asked.model_validate(request)
    except ValidationError as error:
        raise InputError(explain_all(error)) from None
    return parse_spec(asked.spec), Recipe.parse(asked.recipe), Resources.parse(asked.resources)


def answer(request: object, _progress: Progress = silent) -> dict[str, Any]:
    """The pace of what is asked for.

    Raises:
        InputError: Spec, recipe and machine don't fit each other, or the machine is short of memory.
    """
    batch_size = 0
    try:
        spec, recipe, resources = _read(request)
        batch_size = recipe.batch_size
        return asdict(measure(spec, recipe, resources))
    except Exception as error:
        fault = explained(error, batch_size)
        if fault.code == "internal":
            raise
        raise InputError(str(fault)) from None


if __name__ == "__main__":
    serve(answer)
