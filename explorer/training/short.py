"""Short trainings on a data set in memory, without a run directory: the experiments of lessons.

usage: python -m explorer.training.short        see explorer.workers.protocol

The request is ``{"dataset": NAME, "trainings": [{"spec": …, "recipe": …}, …]}``. The result is a list with an object
for each training: metrics by name, each a list of ``[epoch, value]``, the accuracy on the test images under
``test/top1``, and the training time in seconds under ``seconds``.
"""

import time
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from explorer.data import load
from explorer.errors import InputError
from explorer.families import parse_spec
from explorer.i18n import _
from explorer.jobs.job import Job, Resources
from explorer.recipes.recipe import Recipe
from explorer.specs.base import explain_all
from explorer.training.evaluation import evaluate
from explorer.training.faults import to_fault
from explorer.training.loop import Training, train
from explorer.training.setup import prepare
from explorer.workers.progress import Progress, silent
from explorer.workers.protocol import serve

MAX_TRAININGS = 12


class _Item(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    spec: dict[str, Any]
    recipe: dict[str, Any]


class _Request(BaseModel):
    """The request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    dataset: str
    trainings: list[_Item]


class StepProgress:
    """Reports the progress of one of several trainings, in thousandths."""

    def __init__(self, progress: Progress, number: int, count: int) -> None:
        self.progress, self._number, self._count = progress, number, count

    def after_step(self, training: Training) -> None:
        """Reports the progress."""
        step = _("Training network {number} of {count}").format(number=self._number + 1, count=self._count)
        done = int(1000 * (self._number + training.progress) / self._count)
        self.progress(step, done, 1000)

    def validating(self, training: Training, done: int, total: int) -> None:
        """Reports nothing: a validation takes little time."""

    def after_epoch(self, training: Training, *, improved: bool) -> None:
        """Keeps no checkpoint."""


def respond(request: object, progress: Progress = silent) -> list[dict[str, Any]]:
    """Trains the networks of a request, one after the other.

    Raises:
        InputError: If the request is invalid, or a network can't be trained.
    """
    try:
        parsed = _Request.model_validate(request)
    except ValidationError as error:
        raise InputError(explain_all(error)) from None
    count = len(parsed.trainings)
    if count > MAX_TRAININGS:
        raise InputError(_("trainings: {count} are more than {limit}").format(count=count, limit=MAX_TRAININGS))
    return [_train(parsed.dataset, item, StepProgress(progress, number, count))
            for number, item in enumerate(parsed.trainings)]  # fmt: skip


def _train(dataset: str, item: _Item, callback: StepProgress) -> dict[str, Any]:
    recipe = Recipe.parse(item.recipe)
    try:
        job = Job.new(parse_spec(item.spec), dataset, recipe, Resources(device="cpu"))
        prepared = prepare(job, load(dataset, callback.progress))
        training = prepared.training
        begin = time.perf_counter()
        train(training, callback)
        seconds = time.perf_counter() - begin
        tests = prepared.test_batches().batches()
        scores = evaluate(training.evaluated_network, tests, training.classes, training.plan.device)
    except Exception as error:
        fault = to_fault(error, recipe.batch_size)
        if fault.code == "internal":
            raise
        raise InputError(str(fault)) from None
    metrics: dict[str, Any] = {}
    for row in training.rows:
        metrics.setdefault(row.name, []).append([row.epoch, row.value])
    return {**metrics, "test/top1": [[recipe.epochs, scores.top1]], "seconds": seconds}


if __name__ == "__main__":
    torch.set_flush_denormal(True)
    serve(respond)
