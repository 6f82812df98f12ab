"""Chart of the learning rate over a run, computed by PyTorch's own schedules."""

import warnings
from collections.abc import Sequence
from functools import lru_cache

import torch

from explorer.drawing.theme import theme
from explorer.i18n import _, ngettext
from explorer.recipes import Recipe
from explorer.training.optimizers import Schedule, make_optimizer
from explorer.ui.shared.chart_text import PlainFigure

HEIGHT = 170
MAX_STEPS = 1_200  # steps of the simulation: each takes some microseconds
MAX_STEPS_PER_EPOCH = 60


@lru_cache(maxsize=128)
def rates(recipe: Recipe) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Returns points in time, in epochs, and the learning rate at each.

    An epoch has fewer steps than in a run. The schedule ``plateau`` has no drops, because the losses are unknown.
    """
    steps = max(min(MAX_STEPS // recipe.epochs, MAX_STEPS_PER_EPOCH), 1)
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = make_optimizer(recipe, [parameter])
    schedule = Schedule(recipe, optimizer, steps)
    epochs, values = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns because the optimizer makes no steps
        for epoch in range(recipe.epochs):
            for step in range(steps):
                epochs.append(epoch + step / steps)
                values.append(schedule.rate)
                schedule.after_step()
            schedule.after_epoch(-float(epoch))  # a loss that falls
    return (*epochs, float(recipe.epochs)), (*values, values[-1])


def chart(recipe: Recipe, *, dark: bool) -> PlainFigure:
    """Draws the learning rate over the epochs."""
    epochs, values = rates(recipe)
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": _subsample(epochs),
        "y": _subsample(values),
        "name": "",
        "line": {"color": theme(dark=dark).accent, "width": 2},
        "hovertemplate": _("epoch %{x:.1f}: %{y:.3g}"),
    }
    layout = {
        "height": HEIGHT,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "xaxis": {"title": {"text": _("Epochs")}, "rangemode": "tozero", "nticks": 8},
        "yaxis": {"title": {"text": _("Rate")}, "range": [0, 1.08 * max(values)], "nticks": 5, "tickformat": ".2~g"},
        "showlegend": False,
    }
    return PlainFigure([line], layout)


def _subsample(values: Sequence[float]) -> list[float]:
    """Returns every n-th value, few enough for a browser."""
    every = max(len(values) // MAX_STEPS, 1)
    return [*values[:-1:every], values[-1]]


def description(recipe: Recipe) -> str:
    """Describes the chart for screen readers."""
    values = rates(recipe)[1]
    return ngettext(
        "Learning rate over {epochs:,} epoch: from {first:.3g}, at most {most:.3g}, to {last:.3g}",
        "Learning rate over {epochs:,} epochs: from {first:.3g}, at most {most:.3g}, to {last:.3g}",
        recipe.epochs,
    ).format(epochs=recipe.epochs, first=values[0], most=max(values), last=values[-1])
