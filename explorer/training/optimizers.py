"""Optimizers and learning-rate schedules of a recipe: torch's own, put together."""

from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

from explorer.recipes import Recipe

ONECYCLE_WARMUP = 0.3  # of the run, as OneCycleLR has it
WARMUP_START = 0.01  # of the rate, at the first step


def make_optimizer(recipe: Recipe, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """The recipe's optimizer over those parameters that are not frozen, biases and norms decayed like the rest.

    One fused kernel a step, on the CPU too: faster there than torch's loop over the tensors, and the same bits with
    any number of threads.
    """
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    lr, decay, momentum = recipe.lr, recipe.weight_decay, recipe.momentum
    match recipe.optimizer:
        case "sgd" | "nesterov":
            nesterov = recipe.optimizer == "nesterov"
            return SGD(trained, lr, momentum, weight_decay=decay, nesterov=nesterov, fused=True)
        case "adam":
            return Adam(trained, lr, (momentum, 0.999), weight_decay=decay, fused=True)
        case "adamw":
            return AdamW(trained, lr, (momentum, 0.999), weight_decay=decay, fused=True)


class Schedule:
    """The learning rate over a run.

    ``cosine`` and ``onecycle`` move with every step and reach their end as the last step is done; ``step`` and
    ``plateau`` move after epochs. Warm-up rises linearly from 1% of the rate; before ``cosine`` it takes its part
    of the run, ``constant``, ``step`` and ``plateau`` are multiplied by it. ``onecycle`` (Smith and Topin 2018)
    leaves the momentum alone, so that the recipe's is the one in use.
    """

    def __init__(self, recipe: Recipe, optimizer: Optimizer, steps_per_epoch: int) -> None:
        """Take over the optimizer's rate; load the states of both after this."""
        self.optimizer = optimizer
        steps = recipe.epochs * steps_per_epoch
        self.per_step = _per_step(recipe, optimizer, steps, steps_per_epoch)
        self.per_epoch: StepLR | ReduceLROnPlateau | None = None
        if recipe.schedule == "step":
            self.per_epoch = StepLR(optimizer, recipe.step_size, recipe.gamma)
        elif recipe.schedule == "plateau":
            self.per_epoch = ReduceLROnPlateau(
                optimizer, factor=recipe.gamma, patience=recipe.patience, threshold=recipe.threshold
            )

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def after_step(self) -> None:
        """To be called after every step of the optimizer."""
        if self.per_step:
            self.per_step.step()

    def after_epoch(self, training_loss: float) -> float | None:
        """To be called after every epoch; the rate that it falls to, where it does.

        Args:
            training_loss: of the epoch, mean or sum alike: a plateau is a fraction of it.
        """
        before = self.rate
        if isinstance(self.per_epoch, ReduceLROnPlateau):
            self.per_epoch.step(training_loss)
        elif self.per_epoch:
            self.per_epoch.step()
        return self.rate if self.rate < before else None

    def state_dict(self) -> dict[str, Any]:
        """Numbers, texts, lists and dicts, which ``torch.load(weights_only=True)`` reads back."""
        return {name: part.state_dict() for name, part in self._parts()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where another schedule of the same recipe was."""
        for name, part in self._parts():
            part.load_state_dict(state[name])

    def _parts(self) -> list[tuple[str, LRScheduler]]:
        parts = {"per_step": self.per_step, "per_epoch": self.per_epoch}
        return [(name, part) for name, part in parts.items() if part]


def _per_step(recipe: Recipe, optimizer: Optimizer, steps: int, steps_per_epoch: int) -> LRScheduler | None:
    default = ONECYCLE_WARMUP * recipe.epochs if recipe.schedule == "onecycle" else 0.0
    wanted = default if recipe.warmup_epochs is None else recipe.warmup_epochs
    warmup = min(int(wanted * steps_per_epoch), steps - 1)
    if recipe.schedule == "onecycle":
        # One step more than there are: torch ends on a step with a rate of nearly nothing, and a warm-up of one
        # step of its own counting divides by zero.
        rising = (warmup + 1) / (steps + 1) if warmup else 0.0
        return OneCycleLR(optimizer, recipe.lr, steps + 1, pct_start=rising, cycle_momentum=False)
    rise = LinearLR(optimizer, WARMUP_START, total_iters=warmup) if warmup else None
    if recipe.schedule != "cosine":
        return rise
    fall = CosineAnnealingLR(optimizer, steps - warmup)
    return SequentialLR(optimizer, [rise, fall], [warmup]) if rise else fall
