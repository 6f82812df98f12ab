"""Charts that show all compared networks together."""

from collections.abc import Sequence
from typing import Any

from explorer.analysis.comparison import Comparison, by_depth
from explorer.analysis.comparison_words import measure_name
from explorer.analysis.landmarks import Landmark
from explorer.analysis.measures import Measure, Number
from explorer.drawing.theme import theme
from explorer.formatting import short
from explorer.i18n import _
from explorer.ui.compare.marks import marks
from explorer.ui.shared.chart_text import LEGEND_ABOVE, LEGEND_BELOW, PlainFigure, image_side, image_side_label

HEIGHT = 360
BAR_HEIGHT = 15  # pixels
HEADROOM = 1.08  # length of the axis, relative to the highest line
LABEL_ROOM = 1.25  # length of the axis, relative to the longest bar: leaves space for its label
MARGIN = {"l": 8, "r": 8, "t": 24, "b": 8}
MAX_SYMBOLS = 14
LETTER_POSITIONS = ("middle left", "middle right", "top center", "bottom center")  # different ones avoid overlap


def along_depth(comparison: Comparison, titles: Sequence[str], measure: Measure, *, dark: bool) -> PlainFigure:
    """Return a chart of a measure at each depth: the receptive field there, or the sum so far."""
    traces, definition = [], measure.definition
    sides = sorted({side for network in comparison.networks for side in network.image})
    lines = sides if measure is Measure.RECEPTIVE_FIELD else []
    highest: Number = max(lines, default=0)
    for network, title, mark in zip(comparison.networks, titles, marks(dark=dark), strict=False):
        points = [point for point in by_depth(network) if point.numbers[measure] is not None]
        highest = max([highest, *(point.numbers[measure] or 0 for point in points)])
        traces.append(
            {
                "type": "scatter",
                "x": [point.depth for point in points],
                "y": [point.numbers[measure] for point in points],
                "mode": "lines+markers",
                "name": title,
                "line": {"color": mark.colour, "dash": mark.dash, "width": 2},
                "marker": {"color": mark.colour, "symbol": mark.symbol, "size": 8, "maxdisplayed": MAX_SYMBOLS},
                "text": [f"{point.layer}: {definition.exact(point.numbers[measure])}" for point in points],
                "hovertemplate": "%{text}",
            }
        )
    layout = {
        "height": HEIGHT,
        "margin": MARGIN,
        "xaxis": {
            "title": {"text": _("Weighted layers so far")},
            "rangemode": "tozero",
            "tickformat": "d",
            "nticks": 8,
        },
        # Plotly's own range ignores symbols that are left out.
        "yaxis": {
            "title": {"text": definition.axis(measure_name(measure))},
            "range": [0, HEADROOM * highest],
            "tickformat": definition.unit.tick_format,
        },
        "legend": LEGEND_BELOW,
        "hovermode": "closest",
        "shapes": [image_side(size, theme(dark=dark).faint) for size in lines],
        "annotations": [image_side_label(size) for size in lines],
    }
    return PlainFigure(traces, layout)


def by_stage(comparison: Comparison, titles: Sequence[str], measure: Measure, *, dark: bool) -> PlainFigure:
    """Return a chart with a bar for each stage and network, the first network on top."""
    traces, definition = [], measure.definition
    names = [stage.name for stage in comparison.stages]
    longest = max((part[measure] or 0 for stage in comparison.stages for part in stage.numbers if part), default=0)
    for position, (title, mark) in enumerate(zip(titles, marks(dark=dark), strict=False)):
        values = [numbers[measure] if (numbers := stage.numbers[position]) else None for stage in comparison.stages]
        traces.append(
            {
                "type": "bar",
                "y": names,
                "x": values,
                "orientation": "h",
                "name": title,
                "marker": {
                    "color": mark.colour,
                    "pattern": {"shape": mark.pattern, "fillmode": "overlay", "size": 7, "solidity": 0.2},
                },
                "text": [definition.text(value) if value else "" for value in values],
                "textposition": "outside",
                "constraintext": "none",  # or Plotly shrinks what doesn't fit
                "cliponaxis": False,
                "hovertext": [definition.exact(value) for value in values],
                "hovertemplate": "%{y}: %{hovertext}",
            }
        )
    layout = {
        "barmode": "group",
        "height": BAR_HEIGHT * len(names) * (len(titles) + 1) + 110,
        "margin": MARGIN,
        "yaxis": {"autorange": "reversed", "type": "category"},
        "xaxis": {
            "title": {"text": definition.axis(measure_name(measure))},
            "tickformat": definition.unit.tick_format,
            "nticks": 6,
            "range": [0, LABEL_ROOM * longest],
        },
        "legend": LEGEND_ABOVE,
    }
    return PlainFigure(traces, layout)


def costs(
    comparison: Comparison, titles: Sequence[str], letters: Sequence[str], published: Sequence[Landmark], *, dark: bool
) -> PlainFigure:
    """Return a logarithmic chart of parameters and MACs with the compared and the published networks."""
    colours = theme(dark=dark)
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "x": [point.params for point in published],
            "y": [point.macs for point in published],
            "mode": "markers",
            "name": _("Published networks"),
            "marker": {"color": colours.faint, "size": 6, "opacity": 0.55, "symbol": "circle-open"},
            "text": [_hover(point.name, point.params, point.macs) for point in published],
            "hovertemplate": "%{text}<extra></extra>",
        }
    ]
    compared = zip(comparison.totals, titles, letters, marks(dark=dark), LETTER_POSITIONS, strict=False)
    for total, title, letter, mark, place in compared:
        params, macs = total[Measure.PARAMS] or 0, total[Measure.MACS] or 0
        traces.append(
            {
                "type": "scatter",
                "x": [params],
                "y": [macs],
                "mode": "markers+text",
                "name": title,
                "marker": {
                    "color": mark.colour,
                    "symbol": mark.symbol,
                    "size": 13,
                    "line": {"color": colours.ground, "width": 1.5},
                },
                "text": [f"<b>{letter}</b>"],
                "textposition": place,
                "textfont": {"size": 14, "color": colours.ink},
                "hovertext": [_hover(title, params, macs)],
                "hovertemplate": "%{hovertext}<extra></extra>",
            }
        )
    layout = {
        "height": HEIGHT,
        "margin": MARGIN,
        "xaxis": _log_axis(Measure.PARAMS),
        "yaxis": _log_axis(Measure.MACS),
        "legend": LEGEND_BELOW,
        "hovermode": "closest",
    }
    return PlainFigure(traces, layout)


def _log_axis(measure: Measure) -> dict[str, Any]:
    definition = measure.definition
    title = {"text": definition.axis(measure_name(measure))}
    return {"title": title, "type": "log", "tickformat": definition.unit.tick_format, "dtick": 1}


def _hover(name: str, params: Number, macs: Number) -> str:
    return _("{name}<br>{params} parameters, {macs} MACs").format(name=name, params=short(params), macs=short(macs))
