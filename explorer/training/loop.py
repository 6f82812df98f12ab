"""The training loop, from the first batch to the last epoch.

One epoch: every training image once, in a new order, newly augmented (:mod:`~explorer.training.batches`); then the
images held out of the training data say whether this epoch is the best so far. The test set is not touched here.
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

from explorer.jobs.remarks import DROP, drop
from explorer.jobs.run_directory import POINT, Row
from explorer.recipes.recipe import Recipe
from explorer.training.batches import Batch, Evaluation, TrainingBatches
from explorer.training.devices import Plan
from explorer.training.evaluation import Scores, counted, evaluate
from explorer.training.faults import ChanceWatch, not_finite
from explorer.training.freezing import training_mode
from explorer.training.optimizers import Schedule

log = logging.getLogger(__name__)

POINTS = 100  # of a curve within an epoch, at most
POINTS_OF_RUN = 1000  # within all epochs: more than a chart is wide
GRADIENT = "grad_norm"
SUMS = 5  # numbers that every step adds to; each auxiliary head has two more


@dataclass(frozen=True)
class Best:
    """The best epoch so far, by accuracy on the validation images, then by loss."""

    epoch: int
    top1: float
    loss: float

    def beats(self, other: "Best | None") -> bool:
        """Whether this epoch is better."""
        return other is None or (self.top1, -self.loss) > (other.top1, -other.loss)


@dataclass
class Training:
    """A network with everything that its training needs, and how far it has come.

    Attributes:
        network: the one that is saved.
        model: the same, compiled or spread over processes.
        average: moving average of the network's weights; it is the one that is judged and kept as the best.
        frozen: modules that stay as they are.
        epoch: epochs done.
        batch: batches done of the epoch that is under way.
        sums: as :func:`step` counts them, (2, as many): of that epoch, and since the last point within it.
        seconds: that it has taken.
        rows: metrics so far.
        points: those that are still to become rows: epochs done, rate, and sums. They wait on the device.
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
    validation: Evaluation | None
    chance: ChanceWatch
    sums: Tensor
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    rows: list[Row] = field(default_factory=list)
    best: Best | None = None
    points: list[tuple[float, float, Tensor]] = field(default_factory=list)

    @property
    def kept(self) -> nn.Module:
        """The network that is judged and kept."""
        kept: nn.Module = self.network if self.average is None else self.average.module
        return kept

    @property
    def progress(self) -> float:
        """From 0 to 1."""
        done: float = (self.epoch + self.batch / self.batches.steps) / self.recipe.epochs
        return done


class Watcher(Protocol):
    """Is told how the training goes, keeps checkpoints, and ends it by raising."""

    def after_step(self, training: Training) -> None:
        """A batch is done."""

    def judging(self, training: Training, done: int, total: int) -> None:
        """So many of the images that are held out are judged."""

    def after_epoch(self, training: Training, *, improved: bool) -> None:
        """An epoch is done; ``improved`` where it is the best so far."""


def train(training: Training, watcher: Watcher) -> None:
    """Train from where the training stands to its last epoch.

    Raises:
        Fault: where it can't go on.
    """
    while training.epoch < training.recipe.epochs:
        train_epoch(training, watcher)
        improved = close_epoch(training, watcher)
        watcher.after_epoch(training, improved=improved)


def train_epoch(training: Training, watcher: Watcher) -> None:
    """The batches of an epoch that are not done yet."""
    training_mode(training.network, training.frozen)
    begin = time.perf_counter() - training.seconds
    for batch in training.batches.epoch(training.epoch, start=training.batch):
        training.sums += step(training, batch)
        training.batch += 1
        training.seconds = time.perf_counter() - begin
        if is_point(training.epoch, training.batch, training.batches.steps, training.recipe.epochs):
            place = training.epoch * training.batches.steps + training.batch
            training.points.append((place / training.batches.steps, training.schedule.rate, training.sums[1].clone()))
            training.sums[1].zero_()
        watcher.after_step(training)


def step(training: Training, batch: Batch) -> Tensor:
    """Forward, backward, and a step of the optimizer.

    Every process divides by the images of all: their gradients add up to those of one process with the whole batch.

    Returns:
        What the batch adds to the sums: loss, correct and images; length of the gradient before it is clipped, and 1
        where that is a number; then loss and correct of each auxiliary head.
    """
    recipe = training.recipe
    with training.plan.autocast():
        heads = heads_of(training.model(batch.images))
        main, *auxiliary = (
            cross_entropy(head, batch.labels, reduction="sum", label_smoothing=recipe.label_smoothing) for head in heads
        )
    loss = (main + recipe.aux_weight * sum(auxiliary)) / batch.total
    if torch.distributed.is_initialized():
        loss = loss * torch.distributed.get_world_size()  # DistributedDataParallel takes the mean over processes
    training.optimizer.zero_grad()
    training.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    norm = clip(training)
    training.scaler.step(training.optimizer)
    training.scaler.update()
    training.schedule.after_step()
    if training.average is not None:
        training.average.update_parameters(training.network)
    correct, *others = ((head.argmax(1) == batch.labels).sum() for head in heads)
    # The first steps of float16 overflow, and are left out.
    counted = norm.isfinite()
    of_heads = [part for pair in zip(auxiliary, others, strict=True) for part in pair]
    images = correct.new_tensor(len(batch.labels))
    return torch.stack((main, correct, images, torch.where(counted, norm, 0.0), counted, *of_heads)).detach()


def heads_of(outputs: Tensor | tuple[Tensor | None, ...] | list[Tensor]) -> list[Tensor]:
    """The logits of a network's main head, then those of its auxiliary ones, from the input on."""
    if isinstance(outputs, Tensor):
        return [outputs]
    found = list(outputs)
    if names := getattr(outputs, "_fields", None):  # torchvision has aux_logits2 before aux_logits1
        found[1:] = [head for _name, head in sorted(zip(names[1:], found[1:], strict=True), key=lambda one: one[0])]
    return [head for head in found if head is not None]


def clip(training: Training) -> Tensor:
    """Shorten the gradient as the recipe says; its length before that, as L2 norm."""
    recipe, parameters = training.recipe, list(training.network.parameters())
    training.scaler.unscale_(training.optimizer)
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
    """Whether a point of the curves within an epoch ends with a batch.

    So many are evenly spread over every epoch that a long run has no more of them than a chart can show. In the first
    epoch steps 1, 2, 4, 8 … come on top, until the first of those: a curve begins with the run.

    Args:
        epoch: that is under way, from 0.
        batch: of it, from 1.
        steps: of an epoch.
        epochs: of the run.
    """
    wanted = min(POINTS, POINTS_OF_RUN // epochs)
    if wanted > 1 and batch * wanted // steps > (batch - 1) * wanted // steps:
        return True
    return epoch == 0 and batch & (batch - 1) == 0 and batch * max(wanted, 1) < steps


def settle_points(training: Training) -> None:
    """Make rows of the points that wait; every process has to call it."""
    if not training.points:
        return
    sums = torch.stack([values for _place, _rate, values in training.points])
    if torch.distributed.is_initialized():
        torch.distributed.all_reduce(sums)
    for (place, rate, _values), (loss, correct, images, norm, norms, *_heads) in zip(
        training.points, sums.tolist(), strict=True
    ):
        numbers = {"loss": loss / images, "top1": correct / images, "rate": rate}
        numbers |= {GRADIENT: norm / norms} if norms else {}
        training.rows += [Row(place, POINT + name, value) for name, value in numbers.items() if math.isfinite(value)]
    training.points.clear()


def close_epoch(training: Training, watcher: Watcher) -> bool:
    """Judge the epoch, write its rows, and turn to the next; whether it is the best so far.

    Raises:
        Fault: where the loss is not finite, or nothing has been learnt for long.
    """
    numbers = training_numbers(training)
    loss, top1 = numbers["train/loss"], numbers["train/top1"]
    settle_points(training)
    epoch = training.epoch + 1
    numbers["rate"] = training.schedule.rate
    scores = validate(training, partial(watcher.judging, training))
    if scores is not None:
        if not math.isfinite(scores.loss):
            raise not_finite(epoch, training.schedule.rate)
        numbers |= scores.named("validation")
    rate = training.schedule.after_epoch(loss)
    if rate is not None and epoch < training.recipe.epochs:
        log.info("%s", drop(epoch, numbers["rate"], rate, training.recipe.to_dict()))
        numbers[DROP] = rate
    numbers |= {"time/seconds": training.seconds, "time/images_per_second": training.batches.images / training.seconds}
    training.rows += [Row(epoch, name, value) for name, value in numbers.items()]
    # Without validation images the last epoch counts.
    judged = Best(epoch, scores.top1, scores.loss) if scores else Best(epoch, float(epoch), 0.0)
    improved = judged.beats(training.best)
    if improved:
        training.best = judged
    training.epoch, training.batch, training.seconds = epoch, 0, 0.0
    training.sums.zero_()
    training.chance.after_epoch(top1, loss)
    return improved


def epoch_means(training: Training) -> tuple[float, float]:
    """Loss and accuracy on the training images of the epoch under way, over all processes.

    Raises:
        Fault: where the loss is not finite.
    """
    numbers = training_numbers(training)
    return numbers["train/loss"], numbers["train/top1"]


def training_numbers(training: Training) -> dict[str, float]:
    """What the epoch under way has come to on the training images, over all processes, by the names of metrics.

    Raises:
        Fault: where the loss is not finite.
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


def validate(training: Training, judging: Callable[[int, int], None]) -> Scores | None:
    """Scores on the images held out for the choice of the epoch.

    Args:
        training: of the network.
        judging: told how many images of how many are judged.
    """
    held_out = training.validation
    if held_out is None:
        return None
    batches = counted(held_out.batches(), held_out.images, judging)
    return evaluate(training.kept, batches, training.classes, training.plan.device)
