"""The learning rate over a run, as PyTorch's own schedule has it."""

import warnings
from collections.abc import Sequence
from functools import lru_cache

import plotly.graph_objects as go
import torch

from explorer.drawing.theme import theme
from explorer.i18n import _
from explorer.recipes import Recipe
from explorer.training.optimizers import Schedule, make_optimizer

HEIGHT = 170
MOST = 1_200  # steps that are really taken: each costs some microseconds
LEAST = 60


@lru_cache(maxsize=128)
def rates(recipe: Recipe) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Epochs, and the rate at each; of a plateau only what it begins with, for the losses are not known.

    Epochs are cut into fewer steps than a run has: the shape stays.
    """
    each = max(min(MOST // recipe.epochs, LEAST), 1)
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = make_optimizer(recipe, [parameter])
    schedule = Schedule(recipe, optimizer, each)
    epochs, values = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no step of the optimizer comes before those of the schedule
        for epoch in range(recipe.epochs):
            for step in range(each):
                epochs.append(epoch + step / each)
                values.append(schedule.rate)
                schedule.after_step()
            schedule.after_epoch(-float(epoch))  # a loss that falls
    return (*epochs, float(recipe.epochs)), (*values, values[-1])


def chart(recipe: Recipe, *, dark: bool) -> go.Figure:
    """The rate over the epochs."""
    epochs, values = rates(recipe)
    colours = theme(dark=dark)
    figure = go.Figure()
    figure.add_scatter(
        x=_thinned(epochs), y=_thinned(values), mode="lines", line={"color": colours.accent, "width": 2},
        name="",
        hovertemplate=_("epoch %{x:.1f}: %{y:.3g}"),
    )  # fmt: skip
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"title": _("Epochs"), "rangemode": "tozero", "nticks": 8},
        yaxis={"title": _("Rate"), "range": [0, 1.08 * max(values)], "nticks": 5, "tickformat": ".2~g"},
        showlegend=False,
    )
    return figure


def _thinned(values: Sequence[float]) -> list[float]:
    """Few enough for a browser."""
    every = max(len(values) // MOST, 1)
    return [*values[:-1:every], values[-1]]


def in_words(recipe: Recipe) -> str:
    """The chart for those who can't see it."""
    values = rates(recipe)[1]
    return _("Learning rate over {epochs:,} epochs: from {first:.3g}, at most {most:.3g}, to {last:.3g}").format(
        epochs=recipe.epochs, first=values[0], most=max(values), last=values[-1]
    )
