"""The training loop, from the first batch to the last epoch.

In an epoch the network sees every training image once, in a new order and newly augmented
(:mod:`~explorer.training.batches`). Then the validation images decide whether this epoch is the best so far. The test
set is not used here.
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import torch
import torch.distributed
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from explorer.jobs.remarks import DROP, describe_drop
from explorer.jobs.run_directory import LAYER_GRADIENT, POINT, Row
from explorer.recipes.recipe import Recipe
from explorer.training.batches import Batch, EvaluationBatches, TrainingBatches
from explorer.training.devices import Plan
from explorer.training.evaluation import Scores, evaluate, report_progress
from explorer.training.faults import ChanceWatch, not_finite
from explorer.training.freezing import training_mode
from explorer.training.layer_norms import parameter_norms, weighted_modules
from explorer.training.optimizers import Schedule

log = logging.getLogger(__name__)

POINTS = 100  # most points of a curve within an epoch
POINTS_OF_RUN = 1000  # most points within all epochs: more than a chart has pixels
GRADIENT = "grad_norm"
LAYER_POINTS = 64  # most steps of a run at which the gradient of each layer is recorded
LAYER_ROWS = 4000  # most numbers of all layers
SUMS = 5  # sums that every step adds to; each auxiliary head has two more


@dataclass(frozen=True)
class Best:
    """The best epoch so far, by accuracy on the validation images, then by loss."""

    epoch: int
    top1: float
    loss: float

    def beats(self, other: "Best | None") -> bool:
        """Returns whether this epoch is better."""
        return other is None or (self.top1, -self.loss) > (other.top1, -other.loss)


@dataclass
class Training:
    """The state of a training run.

    Attributes:
        network: Network that is saved.
        model: The same network, compiled or wrapped for data-parallel training.
        average: Moving average of the network's weights. If there is one, it is evaluated and saved as the best.
        frozen: Frozen modules.
        epoch: Epochs done.
        batch: Batches done in the current epoch.
        sums: Sums as returned by :func:`step`, (2, sums): of the current epoch, and since the last point.
        seconds: Training time of the current epoch in seconds.
        rows: Metrics so far.
        layers: Layers with weights by name, whose gradients are recorded.
        points: Points within epochs that are not rows yet: epochs done, rate, and sums. The sums stay on the device.
    """

    recipe: Recipe
    classes: int
    plan: Plan
    network: nn.Module
    model: nn.Module
    average: torch.optim.swa_utils.AveragedModel | None
    frozen: list[nn.Module]
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    scaler: torch.amp.GradScaler
    batches: TrainingBatches
    validation: EvaluationBatches | None
    chance: ChanceWatch
    sums: Tensor
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    rows: list[Row] = field(default_factory=list)
    best: Best | None = None
    points: list[tuple[float, float, Tensor]] = field(default_factory=list)
    layers: dict[str, nn.Module] = field(init=False)

    def __post_init__(self) -> None:
        self.layers = weighted_modules(self.network)

    @property
    def evaluated_network(self) -> nn.Module:
        """The network that is evaluated and saved."""
        network: nn.Module = self.network if self.average is None else self.average.module
        return network

    @property
    def progress(self) -> float:
        """Progress of the run, from 0 to 1."""
        done: float = (self.epoch + self.batch / self.batches.steps) / self.recipe.epochs
        return done


class TrainingCallback(Protocol):
    """Training callback: receives progress, writes checkpoints, and ends the training by an exception."""

    def after_step(self, training: Training) -> None:
        """Called after each batch."""

    def validating(self, training: Training, done: int, total: int) -> None:
        """Called during validation, with the images done and the images in all."""

    def after_epoch(self, training: Training, *, improved: bool) -> None:
        """Called after each epoch. ``improved`` is True if the epoch is the best so far."""


def train(training: Training, callback: TrainingCallback) -> None:
    """Trains from the current state to the last epoch.

    Raises:
        Fault: If the run can't continue.
    """
    while training.epoch < training.recipe.epochs:
        train_epoch(training, callback)
        improved = finish_epoch(training, callback)
        callback.after_epoch(training, improved=improved)


def train_epoch(training: Training, callback: TrainingCallback) -> None:
    """Trains on the remaining batches of the current epoch."""
    training_mode(training.network, training.frozen)
    begin = time.perf_counter() - training.seconds
    for batch in training.batches.epoch(training.epoch, start=training.batch):
        record_layers = is_layer_point(training)
        if record_layers:
            convert_points(training)  # so that rows have the order of the steps, with or without a checkpoint between
        training.sums += step(training, batch, record_layers=record_layers)
        training.batch += 1
        training.seconds = time.perf_counter() - begin
        if is_point(training.epoch, training.batch, training.batches.steps, training.recipe.epochs):
            epochs_done = (training.epoch * training.batches.steps + training.batch) / training.batches.steps
            training.points.append((epochs_done, training.schedule.rate, training.sums[1].clone()))
            training.sums[1].zero_()
        callback.after_step(training)


def step(training: Training, batch: Batch, *, record_layers: bool = False) -> Tensor:
    """Runs forward pass, backward pass and one step of the optimizer.

    Every process divides its loss by the images of the whole batch. So the gradients of all processes add up to those
    of one process with the whole batch.

    Args:
        training: Training run.
        batch: Batch of this process.
        record_layers: Whether to add the gradient norm of each layer to the rows.

    Returns:
        The batch's share of the sums, (sums,): loss, correct images, images, gradient norm before clipping, and 1 if
        that norm is finite; then loss and correct images of each auxiliary head.
    """
    recipe = training.recipe
    with training.plan.autocast():
        heads = head_outputs(training.model(batch.images))
        main, *auxiliary = (
            cross_entropy(head, batch.labels, reduction="sum", label_smoothing=recipe.label_smoothing) for head in heads
        )
    loss = (main + recipe.aux_weight * sum(auxiliary)) / batch.total
    if torch.distributed.is_initialized():
        loss = loss * torch.distributed.get_world_size()  # DistributedDataParallel takes the mean over processes
    training.optimizer.zero_grad()
    training.scaler.scale(loss).backward()
    norm = clip(training, record_layers=record_layers)
    training.scaler.step(training.optimizer)
    training.scaler.update()
    training.schedule.after_step()
    if training.average is not None:
        training.average.update_parameters(training.network)
    correct, *correct_heads = ((head.argmax(1) == batch.labels).sum() for head in heads)
    # The first steps of float16 overflow. They don't count.
    is_finite = norm.isfinite()
    head_sums = [part for pair in zip(auxiliary, correct_heads, strict=True) for part in pair]
    images = correct.new_tensor(len(batch.labels))
    return torch.stack((main, correct, images, torch.where(is_finite, norm, 0.0), is_finite, *head_sums)).detach()


def head_outputs(outputs: Tensor | tuple[Tensor | None, ...] | list[Tensor]) -> list[Tensor]:
    """Returns the logits of the main head, then those of the auxiliary heads in order from the input."""
    if isinstance(outputs, Tensor):
        return [outputs]
    found = list(outputs)
    if names := getattr(outputs, "_fields", None):  # torchvision has aux_logits2 before aux_logits1
        found[1:] = [head for _name, head in sorted(zip(names[1:], found[1:], strict=True), key=lambda one: one[0])]
    return [head for head in found if head is not None]


def clip(training: Training, *, record_layers: bool = False) -> Tensor:
    """Clips the gradient as the recipe says, and returns its L2 norm before clipping."""
    recipe, parameters = training.recipe, list(training.network.parameters())
    training.scaler.unscale_(training.optimizer)
    if record_layers:
        training.rows += layer_rows(training)
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    length = norm = nn.utils.get_total_norm(gradients)
    if recipe.clip_value is not None:
        nn.utils.clip_grad_value_(parameters, recipe.clip_value)
    if recipe.clip_norm is not None:
        if recipe.clip_value is not None:
            length = nn.utils.get_total_norm(gradients)
        nn.utils.clip_grads_with_norm_(parameters, recipe.clip_norm, length)
    return norm


def is_point(epoch: int, batch: int, steps: int, epochs: int) -> bool:
    """Returns whether a point of the curves within an epoch ends with this batch.

    Points are evenly spaced in every epoch. A long run has fewer per epoch, so that a chart can show them all. The
    first epoch also has points at the steps 1, 2, 4, 8 … before its first evenly spaced point, so that a curve begins
    with the run.

    Args:
        epoch: Current epoch, from 0.
        batch: Current batch of the epoch, from 1.
        steps: Steps of an epoch.
        epochs: Epochs of the run.
    """
    wanted = min(POINTS, POINTS_OF_RUN // epochs)
    if wanted > 1 and batch * wanted // steps > (batch - 1) * wanted // steps:
        return True
    return epoch == 0 and batch & (batch - 1) == 0 and batch * max(wanted, 1) < steps


def is_layer_point(training: Training) -> bool:
    """Returns whether the gradient of each layer is recorded at the current step: the first one and evenly spaced ones.

    A deep network has fewer of these steps, so that the numbers of a run stay few and their cost is not noticed.
    """
    total = training.recipe.epochs * training.batches.steps
    wanted = min(LAYER_POINTS, LAYER_ROWS // max(1, len(training.layers)))
    current = training.epoch * training.batches.steps + training.batch + 1  # the step that is under way, from 1
    return current == 1 or current * wanted // total > (current - 1) * wanted // total


def layer_rows(training: Training) -> list[Row]:
    """Returns the gradient norm of each layer with weights before clipping, as rows of the current step."""
    steps = training.batches.steps
    epochs_done = (training.epoch * steps + training.batch + 1) / steps
    norms = parameter_norms(training.network, training.layers)
    return [
        Row(epochs_done, LAYER_GRADIENT + name, norm)
        for name, norm in norms.items()
        if math.isfinite(norm)  # the first steps of float16 overflow
    ]


def convert_points(training: Training) -> None:
    """Converts the waiting points to rows. Every process has to call it."""
    if not training.points:
        return
    sums = torch.stack([values for _place, _rate, values in training.points])
    if torch.distributed.is_initialized():
        torch.distributed.all_reduce(sums)
    for (epochs_done, rate, _values), (loss, correct, images, norm, norms, *_heads) in zip(
        training.points, sums.tolist(), strict=True
    ):
        numbers = {"loss": loss / images, "top1": correct / images, "rate": rate}
        numbers |= {GRADIENT: norm / norms} if norms else {}
        training.rows += [
            Row(epochs_done, POINT + name, value) for name, value in numbers.items() if math.isfinite(value)
        ]
    training.points.clear()


def finish_epoch(training: Training, callback: TrainingCallback) -> bool:
    """Validates the epoch, adds its rows and starts the next epoch. Returns whether the epoch is the best so far.

    Raises:
        Fault: If the loss is not finite, or the network has not learnt anything for too many epochs.
    """
    numbers = training_numbers(training)
    loss, top1 = numbers["train/loss"], numbers["train/top1"]
    convert_points(training)
    epoch = training.epoch + 1
    numbers["rate"] = training.schedule.rate
    scores = validate(training, partial(callback.validating, training))
    if scores is not None:
        if not math.isfinite(scores.loss):
            raise not_finite(epoch, training.schedule.rate)
        numbers |= scores.to_metrics("validation")
    rate = training.schedule.after_epoch(loss)
    if rate is not None and epoch < training.recipe.epochs:
        log.info("%s", describe_drop(epoch, numbers["rate"], rate, training.recipe.to_dict()))
        numbers[DROP] = rate
    numbers |= {"time/seconds": training.seconds, "time/images_per_second": training.batches.images / training.seconds}
    training.rows += [Row(epoch, name, value) for name, value in numbers.items()]
    # Without validation images the last epoch is the best.
    candidate = Best(epoch, scores.top1, scores.loss) if scores else Best(epoch, float(epoch), 0.0)
    improved = candidate.beats(training.best)
    if improved:
        training.best = candidate
    training.epoch, training.batch, training.seconds = epoch, 0, 0.0
    training.sums.zero_()
    training.chance.after_epoch(top1, loss)
    return improved


def epoch_means(training: Training) -> tuple[float, float]:
    """Returns loss and accuracy on the training images of the current epoch, over all processes.

    Raises:
        Fault: If the loss is not finite.
    """
    numbers = training_numbers(training)
    return numbers["train/loss"], numbers["train/top1"]


def training_numbers(training: Training) -> dict[str, float]:
    """Returns the training metrics of the current epoch by name, over all processes.

    Raises:
        Fault: If the loss is not finite.
    """
    sums = training.sums[0].clone()
    if torch.distributed.is_initialized():
        torch.distributed.all_reduce(sums)
    if not sums.isfinite().all():
        raise not_finite(training.epoch + 1, training.schedule.rate)
    loss, correct, images, norm, norms, *heads = sums.tolist()
    numbers = {"train/loss": loss / images, "train/top1": correct / images}
    numbers |= {f"train/{GRADIENT}": norm / norms} if norms else {}
    for number, (of_head, right) in enumerate(zip(heads[::2], heads[1::2], strict=True), 1):
        numbers |= {f"train/aux{number}_loss": of_head / images, f"train/aux{number}_top1": right / images}
    return numbers


def validate(training: Training, progress: Callable[[int, int], None]) -> Scores | None:
    """Evaluates the network on the validation images. None if there are none.

    Args:
        training: Training run.
        progress: Callback for progress. It receives the images done and the images in all.
    """
    held_out = training.validation
    if held_out is None:
        return None
    batches = report_progress(held_out.batches(), held_out.images, progress)
    return evaluate(training.evaluated_network, batches, training.classes, training.plan.device)
