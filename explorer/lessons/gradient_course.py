"""The gradients of plain and residual networks while they learn the bundled digits."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from explorer.jobs.run_directory import LAYER_GRADIENT
from explorer.lessons.gradients import NetworkOptions, network
from explorer.recipes import Recipe

DATASET = "digits"
EPOCHS, RATE, BATCH = 3, 0.1, 64
STEPS_SHOWN = 3  # the first step, the last one, and what lies between


class Course(NamedTuple):
    """How the gradients of a network's layers change while it trains.

    Attributes:
        norms: For each recorded step, counted from 1: the L2 norm of the gradient of each layer's weights before
            clipping, from the first layer to the last.
        right: Share of the training images that the network gets right in the last epoch.
    """

    norms: dict[int, list[float]]
    right: float

    @property
    def shown(self) -> dict[int, list[float]]:
        """The norms at a few of the recorded steps, the first and the last among them."""
        steps = list(self.norms)
        places = {round(place * (len(steps) - 1) / (STEPS_SHOWN - 1)) for place in range(STEPS_SHOWN)}
        return {steps[place]: self.norms[steps[place]] for place in sorted(places)}

    def ratio(self, place: int) -> float:
        """Returns the first layer's norm divided by that of the last one; at the first or last step by 0 or -1."""
        first, *_others, last = list(self.norms.values())[place]
        return first / last if last else 0.0


def trainings(options: NetworkOptions, clip: float) -> list[dict[str, Any]]:
    """Returns the trainings of the plain and the residual network, for :mod:`explorer.training.short`.

    Args:
        options: Options of both networks.
        clip: Largest L2 norm of the whole gradient.
    """
    recipe = Recipe.parse({
        "optimizer": "sgd", "lr": RATE, "epochs": EPOCHS, "batch_size": BATCH, "weight_decay": 1e-4, "augment": [],
        "label_smoothing": 0.0, "validation_fraction": 0.0, "precision": "fp32", "clip_norm": clip,
        "init": options.init, "seed": options.seed,
    })  # fmt: skip
    specs = [network(options, residual=residual).changed(in_channels=1) for residual in (False, True)]
    return [{"spec": spec.to_dict(), "recipe": recipe.to_dict()} for spec in specs]


def course(metrics: Mapping[str, list[list[float]]]) -> Course:
    """Returns the course of one of the trainings.

    Args:
        metrics: Epoch and value of each metric, as :mod:`explorer.training.short` gives them.
    """
    rows = [rows for name, rows in metrics.items() if name.startswith(LAYER_GRADIENT)]
    places = sorted({epoch for row in rows for epoch, _norm in row})
    steps_of_epoch = round(1 / places[0])  # the first row is that of the first step
    by_layer: list[dict[float, float]] = [{place: norm for place, norm in row} for row in rows]  # noqa: C416  lists
    return Course(
        {
            round(place * steps_of_epoch): [row[place] for row in by_layer]
            for place in places
            if all(place in row for row in by_layer)  # a norm that is not finite is not recorded
        },
        metrics["train/top1"][-1][1],
    )
