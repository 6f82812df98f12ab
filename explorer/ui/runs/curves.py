"""Curves of runs over their epochs.

Vega-Lite and not Plotly, as these are drawn again while people look at them: Streamlit puts a new Plotly chart in
place of the old one whenever a number is added, which flickers and forgets the zoom, and gives Vega the new numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from explorer.drawing.kinds import Group, colours
from explorer.drawing.theme import theme
from explorer.i18n import _
from explorer.jobs.compare import Point, Spread

HEIGHT = 270
DOTS = 30  # epochs up to which each is marked
FAR = 20.0  # times the upper quartile: from where on a number is cut off
SMALLEST = 1e-6  # of the upper quartile, on a logarithmic axis
POINTED = 14  # lines whose numbers are listed under the pointer
CYCLE = (
    Group.CONVOLUTION, Group.SHORTCUT, Group.ACTIVATION, Group.LINEAR, Group.POOLING, Group.CONCATENATION,
    Group.NORMALISATION,
)  # fmt: skip
DASHES = ([1, 0], [8, 3], [2, 2], [8, 3, 2, 3])
PUBLISHED = [10, 5]
MOST = len(CYCLE) * len(DASHES)  # lines that can be told apart


@dataclass(frozen=True)
class Curve:
    """A line of a chart.

    Attributes:
        run: place of the run, or of the seeds together, in the legend.
        name: of it.
        training: whether it is of the training images: thinner and dashed.
        points: one for each epoch, or those within epochs.
        within: whether it has points within epochs: fainter, as it goes up and down with every few steps.
        published: whether others have printed it: grey, with long dashes and a mark for each point that is known.
    """

    run: int
    name: str
    training: bool
    points: Sequence[Point | Spread]
    within: bool = False
    published: bool = False


def colour(place: int, *, dark: bool) -> str:
    """The colour of a run, by its place in the legend."""
    return colours(dark=dark)[CYCLE[place % len(CYCLE)]]


def dash(place: int) -> list[int]:
    """The dashes of a run, by its place in the legend."""
    return DASHES[place // len(CYCLE) % len(DASHES)]


@dataclass(frozen=True)
class Shown:
    """What a chart shows of its lines.

    Attributes:
        lines: with what its axis can hold.
        limits: of the axis; none where all numbers fit.
        words: what is cut off, or left out; empty for nothing.
    """

    lines: Sequence[Curve]
    limits: tuple[float, float] | None
    words: str


def fitted(lines: Sequence[Curve], *, log: bool, usual: float) -> Shown:
    """Lines on an axis that a few numbers far above the others don't flatten.

    Args:
        lines: of the chart.
        log: whether the axis is logarithmic; it has no room for 0, nor for what is a millionth of the others.
        usual: up to which a number is never too large.
    """
    values = sorted(number for line in lines for point in line.points if math.isfinite(number := _value(point)))
    if not values:
        return Shown(lines, None, "")
    top, quartile = values[-1], values[3 * len(values) // 4]
    if log:
        least = SMALLEST * quartile
        kept = [replace(line, points=[point for point in line.points if _value(point) > least]) for line in lines]
        lost = sum(len(line.points) for line in lines) - sum(len(line.points) for line in kept)
        words = _("Too small for the logarithmic axis, 0 or next to it: {count:,} of the numbers.").format(count=lost)
        return Shown(kept, None, words if lost else "")
    limit = max(usual, FAR * quartile)
    if top <= limit:
        return Shown(lines, None, "")
    inside = [value for value in values if value <= limit]
    low, high = inside[0], inside[-1]
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    epochs = sorted({math.ceil(point.epoch) for line in lines for point in line.points if _value(point) > limit})
    words = _(
        "Cut off above: numbers of up to {top:.3g}, the first in epoch {epoch:,}. The logarithmic axis shows them."
    ).format(top=top, epoch=epochs[0])
    return Shown(lines, (low - margin, high + margin), words)


def _value(point: Point | Spread) -> float:
    return point.mean if isinstance(point, Spread) else point.value


def frame(lines: Sequence[Curve]) -> pd.DataFrame:
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
        {"epoch": float, "value": float, "low": float, "high": float}
    )


def spec(
    lines: Sequence[Curve],
    title: str,
    form: str,
    epochs: float,
    *,
    dark: bool,
    log: bool = False,
    limits: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """The Vega-Lite chart of :func:`frame`.

    Args:
        lines: that it shows.
        title: of the numbers.
        form: of the numbers, as d3 writes them.
        epochs: up to which the axis goes.
        dark: whether the page is.
        log: whether the numbers stand on a logarithmic axis.
        limits: of the axis; none where all numbers fit.
    """
    names = [f"s{number}" for number in range(len(lines))]
    training = [name for name, line in zip(names, lines, strict=True) if line.training]
    within = [name for name, line in zip(names, lines, strict=True) if line.within]
    hollow = [name for name in training if name not in within]
    published = [name for name, line in zip(names, lines, strict=True) if line.published]
    few = max((len(line.points) for line in lines if not (line.within or line.published)), default=0) <= DOTS
    by_line: dict[str, Any] = {
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
        "opacity": {"condition": {"test": {"field": "line", "oneOf": within}, "value": 0.45}, "value": 1},
    }  # fmt: skip
    along = {
        "field": "epoch", "type": "quantitative", "title": _("Epoch"),
        "scale": {"domain": [0 if epochs > 1 else 0.5, max(epochs, 1.5)], "nice": False},
        "axis": {"format": "d", "tickMinStep": 1, "grid": False, "labelFlush": True},
    }  # fmt: skip
    up = {
        "field": "value", "type": "quantitative", "title": None,
        "scale": {
            "zero": False, **({"type": "log"} if log else {}),
            **({"domain": list(limits), "nice": False} if limits else {}),
        },
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
                "transform": [
                    {"filter": {"not": {"field": "line", "oneOf": within}}},
                    *([] if few else [{"filter": {"field": "line", "oneOf": published}}]),
                ],
                "mark": {"type": "point", "size": 26, "opacity": 1, "clip": True},
                # Training is hollow: after one epoch there are two dots and no line.
                "encoding": {
                    "y": up,
                    "color": by_line["color"],
                    "fillOpacity": {"condition": {"test": {"field": "line", "oneOf": hollow}, "value": 0}, "value": 1},
                    "fill": by_line["color"],
                },
            }
        )
    layers.append(_pointer(lines, form, dark=dark))
    return {
        "height": HEIGHT,
        "title": {"text": title, "anchor": "start", "fontSize": 13},
        "encoding": {"x": along},
        "layer": layers,
    }


def _colour_of(line: Curve, *, dark: bool) -> str:
    return theme(dark=dark).faint if line.published else colour(line.run, dark=dark)


def _dash_of(line: Curve) -> list[int]:
    if line.published:
        return PUBLISHED
    if line.within:
        return [1, 0]
    return [3, 3] if line.training else dash(line.run)


def _pointer(lines: Sequence[Curve], form: str, *, dark: bool) -> dict[str, Any]:
    """A rule at each epoch, seen under the pointer, that lists the numbers of the lines there."""
    listed = [
        {"field": f"s{number}", "type": "quantitative", "title": line.name, "format": form}
        for number, line in enumerate(lines)
        if not line.within
    ][:POINTED]
    within = [f"s{number}" for number, line in enumerate(lines) if line.within]
    return {
        "transform": [
            {"filter": {"not": {"field": "line", "oneOf": within}}},
            {"pivot": "line", "value": "value", "groupby": ["epoch"]},
        ],
        "mark": {"type": "rule", "color": theme(dark=dark).faint, "strokeWidth": 1},
        "params": [
            {"name": "here", "select": {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout"}}
        ],
        "encoding": {
            "opacity": {"condition": {"param": "here", "empty": False, "value": 0.6}, "value": 0},
            "tooltip": [{"field": "epoch", "type": "quantitative", "title": _("Epoch")}, *listed],
        },
    }
