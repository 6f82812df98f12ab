"""The epoch under the pointer, with the values of all charts at it.

A selection of Vega-Lite can't reach another chart. So a component marks the epoch in all of them, from values of its
own.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from explorer.drawing.theme import theme
from explorer.i18n import _, language
from explorer.ui.runs import curves, line_names
from explorer.ui.runs.line_names import value_of

ASSETS = Path(__file__).parents[1] / "assets"
MAX_LISTED = 14  # lines whose values are listed
MAX_LETTERS = 40  # of the name of a line

_mount = st.components.v2.component(
    "explorer_epoch_pointer",
    html='<div class="explorer-epoch-slider"><label><span></span> <input type="range" min="0" value="0"></label></div>',
    css=(ASSETS / "epoch_pointer.css").read_text(encoding="utf-8"),
    js=(ASSETS / "epoch_pointer.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


class Chart(NamedTuple):
    """A chart on the page.

    Attributes:
        key: Key of the container around the chart.
        title: Title of the chart.
        percent: Whether the values are shares, which are shown in percent.
        lines: Lines of the chart.
    """

    key: str
    title: str
    percent: bool
    lines: Sequence[curves.Curve]


def render(charts: Sequence[Chart], epochs: float, *, dark: bool) -> None:
    """Connects charts that are on the page.

    Args:
        charts: The charts.
        epochs: Last epoch of their axes.
        dark: Whether the page has the dark theme.
    """
    start, end = curves.epoch_limits(epochs)
    labels = {"epoch": _("Epoch {epoch}"), "slider": _("Epoch whose values all charts show")}
    data = [
        {
            "key": chart.key,
            "title": chart.title,
            "percent": chart.percent,
            "from": start,
            "to": end,
            **_values(chart.lines, dark=dark),
        }
        for chart in charts
    ]
    colours = {name: getattr(theme(dark=dark), name) for name in ("ink", "ground", "line")}
    _mount(key="runs-epoch", data={"charts": data, "labels": labels, "colours": colours, "language": language()})


def _values(lines: Sequence[curves.Curve], *, dark: bool) -> dict[str, Any]:
    """Returns the epochs of a chart, and a value or None for each of them for each line."""
    listed = [line for line in lines if not line.within_epochs][:MAX_LISTED]
    values = [{point.epoch: value_of(point) for point in line.points} for line in listed]
    epochs = sorted({epoch for line in values for epoch in line})
    if len(listed) == 1 and listed[0].name == listed[0].run_name:
        names = [""]  # the title of the chart says it
    else:
        names = line_names.shorten([line.name for line in listed], MAX_LETTERS)
    return {
        "epochs": epochs,
        "lines": [
            {
                "name": name,
                "colour": curves.colour_of(line, dark=dark),
                "dashed": line.training or line.published,
                "values": [_rounded(found.get(epoch, math.nan)) for epoch in epochs],
            }
            for line, name, found in zip(listed, names, values, strict=True)
        ],
    }


def _rounded(value: float) -> float | None:
    return float(f"{value:.5g}") if math.isfinite(value) else None
