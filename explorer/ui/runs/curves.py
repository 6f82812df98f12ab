"""Charts of metrics over the epochs.

They use Vega-Lite instead of Plotly, because they are updated while people read them. For every new number, Streamlit
replaces a Plotly chart, which flickers and loses the zoom; a Vega chart only receives the number.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from explorer.drawing.kinds import SERIES, series_colour
from explorer.drawing.theme import NAME, theme
from explorer.i18n import _
from explorer.jobs.compare import Point, Spread
from explorer.ui.runs import line_names
from explorer.ui.runs.line_names import value_of
from explorer.ui.shared.chart_text import VEGA_CONFIG

HEIGHT = 270
PADDING = {
    "left": 0,
    "top": 4,
    "right": 12,
    "bottom": 20,
}  # pixels; half of the last number and dot reach over the axis
MAX_DOTS = 30  # most epochs of a curve whose points are marked
OUTLIER = 20.0  # times the upper quartile; larger numbers are cut off
SMALLEST = 1e-6  # times the upper quartile; a logarithmic axis leaves out smaller numbers
DASHES = ([1, 0], [8, 3], [2, 2], [8, 3, 2, 3])
PUBLISHED_DASH = [10, 5]
POWERS = "datum.value < 0.001 ? format(datum.value, '~e') : datum.label"  # small numbers of a logarithmic axis
MAX_LINES = len(SERIES) * len(DASHES)  # lines with different colours or dashes


@dataclass(frozen=True)
class Curve:
    """A line of a chart.

    Attributes:
        run: Position in the legend of the run, or of a group of seeds.
        name: Name of the line.
        training: Whether it belongs to the training images. Such a line is thinner and dashed.
        points: Points, one for each epoch or several within epochs.
        run_name: Name of the run, or of the group of seeds. Empty if the name of the line says it.
        within_epochs: Whether it has several points within epochs. Such a line is fainter, because it is noisy.
        published: Whether it was published by others. Such a line is grey with long dashes, and its points are marked.
    """

    run: int
    name: str
    training: bool
    points: Sequence[Point | Spread]
    run_name: str = ""
    within_epochs: bool = False
    published: bool = False


def dash(position: int) -> list[int]:
    """Returns the dash pattern for a position in the legend."""
    return DASHES[position // len(SERIES) % len(DASHES)]


@dataclass(frozen=True)
class AxisFit:
    """Lines with the axis of their numbers.

    Attributes:
        lines: Lines with the points that the axis can show.
        limits: Limits of the axis. None for limits from the numbers.
        note: Sentence about numbers that are cut off or left out. Empty if there are none.
    """

    lines: Sequence[Curve]
    limits: tuple[float, float] | None
    note: str


def fit_axis(lines: Sequence[Curve], *, log: bool, normal_limit: float) -> AxisFit:
    """Chooses an axis for lines, so that a few outliers don't flatten the others.

    Args:
        lines: Lines of the chart.
        log: Whether the axis is logarithmic. Such an axis can't show 0, and leaves out very small numbers.
        normal_limit: Number up to which a value is never an outlier.
    """
    values = sorted(number for line in lines for point in line.points if math.isfinite(number := value_of(point)))
    if not values:
        return AxisFit(lines, None, "")
    highest, quartile = values[-1], values[3 * len(values) // 4]
    if log:
        least = SMALLEST * quartile
        visible = [replace(line, points=[point for point in line.points if value_of(point) > least]) for line in lines]
        hidden = sum(len(line.points) for line in lines) - sum(len(line.points) for line in visible)
        note = _("Too small for the logarithmic axis, 0 or nearly 0: {count:,} of the numbers.").format(count=hidden)
        return AxisFit(visible, None, note if hidden else "")
    limit = max(normal_limit, OUTLIER * quartile)
    if highest <= limit:
        return AxisFit(lines, None, "")
    inside = [value for value in values if value <= limit]
    low, high = inside[0], inside[-1]
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    epochs = sorted({math.ceil(point.epoch) for line in lines for point in line.points if value_of(point) > limit})
    note = _(
        "Cut off above: numbers of up to {top:.3g}, the first in epoch {epoch:,}. The logarithmic axis shows them."
    ).format(top=highest, epoch=epochs[0])
    return AxisFit(lines, (low - margin, high + margin), note)


def frame(
    lines: Sequence[Curve], epochs: float, *, log: bool = False, limits: tuple[float, float] | None = None
) -> pd.DataFrame:
    """Returns the data of a chart, one row for each point of each line. Arguments as for :func:`vega_spec`."""
    ends = _ends(lines, epochs, log=log, limits=limits)
    rows = []
    for number, line in enumerate(lines):
        for point in line.points:
            name, at = ends.get((number, point.epoch), ("", None))
            deviation = point.deviation if isinstance(point, Spread) else math.nan
            value = value_of(point)
            rows.append((point.epoch, value, value - deviation, value + deviation, f"s{number}", name, at))
    return pd.DataFrame(rows, columns=["epoch", "value", "low", "high", "line", "name", "name_at"]).astype(
        {"epoch": float, "value": float, "low": float, "high": float, "name_at": float}
    )


def _ends(
    lines: Sequence[Curve], epochs: float, *, log: bool, limits: tuple[float, float] | None
) -> dict[tuple[int, float], tuple[str, float]]:
    """Returns the names at the ends of lines and their places, by the number of the line and the epoch of its end.

    If there are several runs, only the lines of validation have a name: those of training are next to them.
    """
    whole = {number: line for number, line in enumerate(lines) if not (line.within_epochs or line.published)}
    is_single = len({line.run for line in whole.values()}) == 1
    named = {number: line for number, line in whole.items() if is_single or not line.training} or whole
    last = {
        number: points[-1]
        for number, line in named.items()
        if (points := [point for point in line.points if math.isfinite(value_of(point))])
    }
    if len(last) > line_names.MAX_NAMES or len(last) < 2:
        return {}
    values = [number for line in lines for point in line.points if math.isfinite(number := value_of(point))]
    names = [lines[number].name for number in last]
    if not is_single:
        names = line_names.shorten([lines[number].run_name or lines[number].name for number in last])
    all_points = [line.points for line in lines]
    ends = [
        line_names.End(value_of(point), line_names.crossed(all_points, point.epoch, epochs, len(name)))
        for point, name in zip(last.values(), names, strict=True)
    ]
    places = line_names.places(ends, log=log, limits=limits or (min(values), max(values)))
    return {
        (number, point.epoch): (name, at) for (number, point), name, at in zip(last.items(), names, places, strict=True)
    }


def vega_spec(
    lines: Sequence[Curve],
    title: str,
    form: str,
    epochs: float,
    *,
    dark: bool,
    log: bool = False,
    limits: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """Returns the Vega-Lite specification of a chart with the data of :func:`frame`.

    Args:
        lines: Lines of the chart.
        title: Title of the chart.
        form: d3 format of the numbers.
        epochs: Last epoch of the axis.
        dark: Whether the page has the dark theme.
        log: Whether the axis of the numbers is logarithmic.
        limits: Limits of the axis of the numbers. None for limits from the numbers.
    """
    names = [f"s{number}" for number in range(len(lines))]
    training = [name for name, line in zip(names, lines, strict=True) if line.training]
    within = [name for name, line in zip(names, lines, strict=True) if line.within_epochs]
    hollow = [name for name in training if name not in within]
    published = [name for name, line in zip(names, lines, strict=True) if line.published]
    by_line: dict[str, Any] = {
        "color": {
            "field": "line", "type": "nominal", "legend": None,
            "scale": {"domain": names, "range": [colour_of(line, dark=dark) for line in lines]},
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
    x_axis = {
        "field": "epoch", "type": "quantitative", "title": _("Epoch"),
        "scale": {"domain": list(epoch_limits(epochs)), "nice": False},
        "axis": {"format": "d", "tickMinStep": 1, "grid": False, "labelFlush": True},
    }  # fmt: skip
    y_axis = {
        "field": "value", "type": "quantitative", "title": None,
        "scale": {
            "zero": False, **({"type": "log"} if log else {}),
            **({"domain": list(limits), "nice": False} if limits else {}),
        },
        "axis": {"format": form, "tickCount": 5, **({"labelExpr": POWERS} if log else {})},
    }  # fmt: skip
    layers: list[dict[str, Any]] = [
        {
            "transform": [{"filter": "isValid(datum.low) && datum.high > datum.low"}],
            "mark": {"type": "area", "opacity": 0.2},
            "encoding": {"y": {**y_axis, "field": "low"}, "y2": {"field": "high"}, "color": by_line["color"]},
        },
        {
            "mark": {"type": "line", "interpolate": "linear", "clip": limits is not None},
            "encoding": {"y": y_axis, **by_line},
        },
    ]
    layers.append(
        {
            # Vega counts the points itself: a specification that changed with their number would make the chart anew.
            "transform": [
                {"filter": {"not": {"field": "line", "oneOf": within}}},
                {"joinaggregate": [{"op": "count", "as": "points"}], "groupby": ["line"]},
                {"filter": {"or": [f"datum.points <= {MAX_DOTS}", {"field": "line", "oneOf": published}]}},
            ],
            "mark": {"type": "point", "size": 26, "opacity": 1, "clip": limits is not None},
            # Dots of training are hollow, because after one epoch there are only two dots and no line.
            "encoding": {
                "y": y_axis,
                "color": by_line["color"],
                "fillOpacity": {"condition": {"test": {"field": "line", "oneOf": hollow}, "value": 0}, "value": 1},
                "fill": by_line["color"],
            },
        }
    )
    layers += line_names.layers(y_axis, by_line["color"], epochs, dark=dark)
    return {
        "height": HEIGHT,
        "padding": PADDING,
        "title": {"text": title, "anchor": "start", "fontSize": NAME},
        "config": VEGA_CONFIG,
        "encoding": {"x": x_axis},
        "layer": layers,
    }


def epoch_limits(epochs: float) -> tuple[float, float]:
    """Returns first and last epoch of the axis of a chart.

    Args:
        epochs: Last epoch of the lines.
    """
    return (0.0 if epochs > 1 else 0.5), max(epochs, 1.5)


def colour_of(line: Curve, *, dark: bool) -> str:
    """Returns the colour of a line."""
    return theme(dark=dark).faint if line.published else series_colour(line.run, dark=dark)


def _dash_of(line: Curve) -> list[int]:
    if line.published:
        return PUBLISHED_DASH
    if line.within_epochs:
        return [1, 0]
    return [3, 3] if line.training else dash(line.run)
