"""The training loop, from the first batch to the last epoch.

One epoch: every training image once, in a new order, newly augmented (:mod:`~explorer.training.batches`); then the
images held out of the training data say whether this epoch is the best so far. The test set is not touched here.
"""

import math
import time
from dataclasses import dataclass, field
from typing import Protocol

import torch
import torch.distributed
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from explorer.jobs.run_directory import Row
from explorer.recipes.recipe import Recipe
from explorer.training.batches import Batch, Evaluation, TrainingBatches
from explorer.training.devices import Plan
from explorer.training.evaluation import Scores, evaluate
from explorer.training.faults import ChanceWatch, not_finite
from explorer.training.freezing import training_mode
from explorer.training.optimizers import Schedule


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
        sums: of that epoch: loss, correct, images.
        seconds: that it has taken.
        rows: metrics of the epochs done.
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

    def after_epoch(self, training: Training, *, improved: bool) -> None:
        """An epoch is done; ``improved`` where it is the best so far."""


def train(training: Training, watcher: Watcher) -> None:
    """Train from where the training stands to its last epoch.

    Raises:
        Fault: where it can't go on.
    """
    while training.epoch < training.recipe.epochs:
        train_epoch(training, watcher)
        improved = close_epoch(training)
        watcher.after_epoch(training, improved=improved)


def train_epoch(training: Training, watcher: Watcher) -> None:
    """The batches of an epoch that are not done yet."""
    training_mode(training.network, training.frozen)
    begin = time.perf_counter() - training.seconds
    for batch in training.batches.epoch(training.epoch, start=training.batch):
        training.sums += step(training, batch)
        training.batch += 1
        training.seconds = time.perf_counter() - begin
        watcher.after_step(training)


def step(training: Training, batch: Batch) -> Tensor:
    """Forward, backward, and a step of the optimizer; summed loss, correct and images of the batch.

    Every process divides by the images of all: their gradients add up to those of one process with the whole batch.
    """
    recipe = training.recipe
    with training.plan.autocast():
        outputs = training.model(batch.images)
        heads = [head for head in outputs if head is not None] if isinstance(outputs, tuple | list) else [outputs]
        main, *auxiliary = (
            cross_entropy(head, batch.labels, reduction="sum", label_smoothing=recipe.label_smoothing) for head in heads
        )
    loss = (main + recipe.aux_weight * sum(auxiliary)) / batch.total
    if torch.distributed.is_initialized():
        loss = loss * torch.distributed.get_world_size()  # DistributedDataParallel takes the mean over processes
    training.optimizer.zero_grad()
    training.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    if recipe.clip_norm is not None:
        training.scaler.unscale_(training.optimizer)
        nn.utils.clip_grad_norm_(training.network.parameters(), recipe.clip_norm)
    training.scaler.step(training.optimizer)
    training.scaler.update()
    training.schedule.after_step()
    if training.average is not None:
        training.average.update_parameters(training.network)
    correct = (heads[0].argmax(1) == batch.labels).sum()
    return torch.stack((main.detach(), correct, correct.new_tensor(len(batch.labels))))


def close_epoch(training: Training) -> bool:
    """Judge the epoch, write its rows, and turn to the next; whether it is the best so far.

    Raises:
        Fault: where the loss is not finite, or nothing has been learnt for long.
    """
    loss, top1 = epoch_means(training)
    epoch = training.epoch + 1
    numbers = {"train/loss": loss, "train/top1": top1, "rate": training.schedule.rate}
    scores = validate(training)
    if scores is not None:
        if not math.isfinite(scores.loss):
            raise not_finite(epoch, training.schedule.rate)
        numbers |= scores.named("validation")
    numbers |= {"time/seconds": training.seconds, "time/images_per_second": training.batches.images / training.seconds}
    training.rows += [Row(epoch, name, value) for name, value in numbers.items()]
    # Without validation images the last epoch counts.
    judged = Best(epoch, scores.top1, scores.loss) if scores else Best(epoch, float(epoch), 0.0)
    improved = judged.beats(training.best)
    if improved:
        training.best = judged
    training.schedule.after_epoch(loss)
    training.epoch, training.batch, training.seconds = epoch, 0, 0.0
    training.sums.zero_()
    training.chance.after_epoch(top1, loss)
    return improved


def epoch_means(training: Training) -> tuple[float, float]:
    """Loss and accuracy on the training images of the epoch under way, over all processes.

    Raises:
        Fault: where the loss is not finite.
    """
    sums = training.sums.clone()
    if torch.distributed.is_initialized():
        torch.distributed.all_reduce(sums)
    loss, correct, images = sums.tolist()
    if not sums.isfinite().all():
        raise not_finite(training.epoch + 1, training.schedule.rate)
    return loss / images, correct / images


def validate(training: Training) -> Scores | None:
    """Scores on the images held out for the choice of the epoch."""
    if training.validation is None:
        return None
    return evaluate(training.kept, training.validation.batches(), training.classes, training.plan.device)
