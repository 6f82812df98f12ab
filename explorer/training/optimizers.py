"""The optimizer and the learning-rate schedule of a recipe, composed from torch's own."""

import inspect
from collections.abc import Iterable
from typing import Any

import torch
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

ONECYCLE_WARMUP = 0.3  # share of the run: OneCycleLR's default
WARMUP_START = 0.01  # share of the rate in the first step


def _without_compiler(kind: type[Optimizer]) -> Any:
    """Returns a subclass of an optimizer without the wrappers that torch adds for torch.compile.

    The wrappers import torch._dynamo, which takes a second at the start of every training, although only the network is
    ever compiled. The wrapper of ``step`` also switches gradients off, which this class keeps.
    """
    names = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in names}
    return type(kind.__name__, (kind,), methods | {"step": torch.no_grad()(inspect.unwrap(kind.step))})


_SGD, _ADAM, _ADAMW = map(_without_compiler, (SGD, Adam, AdamW))


def make_optimizer(recipe: Recipe, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """Returns the recipe's optimizer for all parameters that are not frozen. Weight decay includes biases and norms.

    It uses one fused kernel per step, on the CPU too: this is faster there than torch's loop over the tensors, and
    gives the same bits with any number of threads.
    """
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    lr, decay, momentum = recipe.lr, recipe.weight_decay, recipe.momentum
    match recipe.optimizer:
        case "sgd" | "nesterov":
            nesterov = recipe.optimizer == "nesterov"
            result = _SGD(trained, lr, momentum, weight_decay=decay, nesterov=nesterov, fused=True)
        case "adam":
            result = _ADAM(trained, lr, (momentum, 0.999), weight_decay=decay, fused=True)
        case "adamw":
            result = _ADAMW(trained, lr, (momentum, 0.999), weight_decay=decay, fused=True)
    optimizer: Optimizer = result
    return optimizer


class Schedule:
    """The learning rate over a run.

    ``cosine`` and ``onecycle`` change with every step and end with the last step. ``step`` and ``plateau`` change after
    epochs. Warm-up rises linearly from 1% of the rate. It takes the first part of a ``cosine`` run, and it multiplies
    ``constant``, ``step`` and ``plateau``. ``onecycle`` (Smith and Topin 2018) does not change the momentum, so the
    recipe's momentum holds.
    """

    def __init__(self, recipe: Recipe, optimizer: Optimizer, steps_per_epoch: int) -> None:
        """Takes control of the optimizer's rate. Load the states of both afterwards."""
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
        """Updates the rate. Call it after every step of the optimizer."""
        if self.per_step:
            self.per_step.step()

    def after_epoch(self, training_loss: float) -> float | None:
        """Updates the rate. Call it after every epoch. Returns the new rate if it falls, else None.

        Args:
            training_loss: Training loss of the epoch, as mean or as sum: a plateau is relative to it.
        """
        before = self.rate
        if isinstance(self.per_epoch, ReduceLROnPlateau):
            self.per_epoch.step(training_loss)
        elif self.per_epoch:
            self.per_epoch.step()
        return self.rate if self.rate < before else None

    def state_dict(self) -> dict[str, Any]:
        """Returns the state as values that ``torch.load(weights_only=True)`` can read."""
        return {name: part.state_dict() for name, part in self._parts()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores the state of another schedule of the same recipe."""
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
        # One more step than the run has: torch's last step has a rate of nearly 0, and torch divides by zero if
        # it counts the warm-up as one step.
        rising = (warmup + 1) / (steps + 1) if warmup else 0.0
        return OneCycleLR(optimizer, recipe.lr, steps + 1, pct_start=rising, cycle_momentum=False)
    rise = LinearLR(optimizer, WARMUP_START, total_iters=warmup) if warmup else None
    if recipe.schedule != "cosine":
        return rise
    fall = CosineAnnealingLR(optimizer, steps - warmup)
    return SequentialLR(optimizer, [rise, fall], [warmup]) if rise else fall
