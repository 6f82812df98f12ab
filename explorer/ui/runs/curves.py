"""Curves of runs over their epochs.

Vega-Lite and not Plotly, as these are drawn again while people look at them: Streamlit puts a new Plotly chart in
place of the old one whenever a number is added, which flickers and forgets the zoom, and gives Vega the new numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from explorer.drawing.kinds import Group, colours
from explorer.drawing.theme import theme
from explorer.i18n import _
from explorer.jobs.compare import Point, Spread

HEIGHT = 270
DOTS = 30  # epochs up to which each is marked
POINTED = 14  # lines whose numbers are listed under the pointer
CYCLE = (
    Group.CONVOLUTION, Group.SHORTCUT, Group.ACTIVATION, Group.LINEAR, Group.POOLING, Group.CONCATENATION,
    Group.NORMALISATION,
)  # fmt: skip
DASHES = ([1, 0], [8, 3], [2, 2], [8, 3, 2, 3])
PUBLISHED = [10, 5]
MOST = len(CYCLE) * len(DASHES)  # lines that can be told apart


@dataclass(frozen=True)
class Line:
    """A line of a chart.

    Attributes:
        run: place of the run, or of the seeds together, in the legend.
        name: of it.
        training: whether it is of the training images: thinner and dashed.
        points: one for each epoch.
        published: whether others have printed it: grey, with long dashes and a mark for each point that is known.
    """

    run: int
    name: str
    training: bool
    points: Sequence[Point | Spread]
    published: bool = False


def colour(place: int, *, dark: bool) -> str:
    """The colour of a run, by its place in the legend."""
    return colours(dark=dark)[CYCLE[place % len(CYCLE)]]


def dash(place: int) -> list[int]:
    """The dashes of a run, by its place in the legend."""
    return DASHES[place // len(CYCLE) % len(DASHES)]


def frame(lines: Sequence[Line]) -> pd.DataFrame:
    """The numbers of lines, one row for each epoch of each line."""
    rows = [
        (
            point.epoch,
            point.mean if isinstance(point, Spread) else point.value,
            *(
                (point.mean - point.deviation, point.mean + point.deviation)
                if isinstance(point, Spread)
                else (None, None)
            ),
            f"s{number}",
        )
        for number, line in enumerate(lines)
        for point in line.points
    ]
    return pd.DataFrame(rows, columns=["epoch", "value", "low", "high", "line"]).astype(
        {"epoch": int, "value": float, "low": float, "high": float}
    )


def spec(
    lines: Sequence[Line], title: str, form: str, epochs: float, *, dark: bool, log: bool = False
) -> dict[str, Any]:
    """The Vega-Lite chart of :func:`frame`.

    Args:
        lines: that it shows.
        title: of the numbers.
        form: of the numbers, as d3 writes them.
        epochs: up to which the axis goes.
        dark: whether the page is.
        log: whether the numbers stand on a logarithmic axis.
    """
    names = [f"s{number}" for number in range(len(lines))]
    training = [name for name, line in zip(names, lines, strict=True) if line.training]
    published = [name for name, line in zip(names, lines, strict=True) if line.published]
    few = max((len(line.points) for line in lines if not line.published), default=0) <= DOTS
    by_line = {
        "color": {
            "field": "line", "type": "nominal", "legend": None,
            "scale": {"domain": names, "range": [_colour_of(line, dark=dark) for line in lines]},
        },
        "strokeDash": {
            "field": "line", "type": "nominal", "legend": None,
            "scale": {"domain": names, "range": [_dash_of(line) for line in lines]},
        },
        "strokeWidth": {
            "condition": {"test": {"field": "line", "oneOf": training}, "value": 1.2}, "value": 2.2,
        },
    }  # fmt: skip
    along = {
        "field": "epoch", "type": "quantitative", "title": _("Epoch"),
        "scale": {"domain": [0 if epochs > 1 else 0.5, max(epochs, 1.5)], "nice": False},
        "axis": {"format": "d", "tickMinStep": 1, "grid": False, "labelFlush": True},
    }  # fmt: skip
    up = {
        "field": "value", "type": "quantitative", "title": None,
        "scale": {"zero": False, **({"type": "log"} if log else {})},
        "axis": {"format": form, "tickCount": 5},
    }  # fmt: skip
    layers: list[dict[str, Any]] = [
        {
            "transform": [{"filter": "isValid(datum.low) && datum.high > datum.low"}],
            "mark": {"type": "area", "opacity": 0.2},
            "encoding": {"y": {**up, "field": "low"}, "y2": {"field": "high"}, "color": by_line["color"]},
        },
        {"mark": {"type": "line", "interpolate": "linear", "clip": True}, "encoding": {"y": up, **by_line}},
    ]
    if few or published:
        layers.append(
            {
                **({} if few else {"transform": [{"filter": {"field": "line", "oneOf": published}}]}),
                "mark": {"type": "point", "filled": True, "size": 22, "opacity": 1, "clip": True},
                "encoding": {"y": up, "color": by_line["color"]},
            }
        )
    layers.append(_pointer(lines, form, dark=dark))
    return {
        "height": HEIGHT,
        "title": {"text": title, "anchor": "start", "fontSize": 13},
        "encoding": {"x": along},
        "layer": layers,
    }


def _colour_of(line: Line, *, dark: bool) -> str:
    return theme(dark=dark).faint if line.published else colour(line.run, dark=dark)


def _dash_of(line: Line) -> list[int]:
    if line.published:
        return PUBLISHED
    return [3, 3] if line.training else dash(line.run)


def _pointer(lines: Sequence[Line], form: str, *, dark: bool) -> dict[str, Any]:
    """A rule at each epoch, seen under the pointer, that lists the numbers of the lines there."""
    listed = [
        {"field": f"s{number}", "type": "quantitative", "title": line.name, "format": form}
        for number, line in enumerate(lines[:POINTED])
    ]
    return {
        "transform": [{"pivot": "line", "value": "value", "groupby": ["epoch"]}],
        "mark": {"type": "rule", "color": theme(dark=dark).faint, "strokeWidth": 1},
        "params": [
            {"name": "here", "select": {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout"}}
        ],
        "encoding": {
            "opacity": {"condition": {"param": "here", "empty": False, "value": 0.6}, "value": 0},
            "tooltip": [{"field": "epoch", "type": "quantitative", "title": _("Epoch")}, *listed],
        },
    }
