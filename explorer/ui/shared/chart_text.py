"""The text of charts: its size, as Streamlit's own is smaller than the smallest text of the pages, and legends."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import plotly.graph_objects as go
import plotly.io
from plotly.basedatatypes import BaseFigure

from explorer.drawing.theme import SMALL
from explorer.i18n import ngettext

_VEGA_GUIDE = {"labelFontSize": SMALL, "titleFontSize": SMALL, "aria": False}
# Part of the specification of a chart in Vega-Lite. The chart has an alternative text; its hundreds of marks have none.
VEGA_CONFIG: dict[str, Any] = {
    "mark": {"aria": False}, "axis": _VEGA_GUIDE, "legend": _VEGA_GUIDE, "text": {"fontSize": SMALL},
}  # fmt: skip

# Legends in rows at an edge of the whole chart. Beside the plot, they would cover it when the window changes its width.
LEGEND_ABOVE = {"orientation": "h", "yref": "container", "yanchor": "top", "y": 1, "x": 0}
LEGEND_BELOW = {"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0, "x": 0}


class PlainFigure(BaseFigure):  # type: ignore[misc]  # Plotly has no types
    """A Plotly figure of plain values that nothing checks.

    Plotly checks every property that it is given, and Streamlit has it check a mapping. For a chart that every edit
    draws anew, this takes a fifth of the time of the page. A test has Plotly check such figures.
    """

    def __init__(self, traces: Sequence[dict[str, Any]], layout: dict[str, Any]) -> None:
        """Make a figure.

        Args:
            traces: Traces as in the JSON form of figures, where a title is a mapping with ``text``.
            layout: Layout of the figure in that form. Texts get the size of :func:`readable`.
        """
        text = {"size": SMALL}
        axes: dict[str, Any] = {
            name: {
                **axis,
                "tickfont": text,
                "title": {**axis.get("title", {}), "font": text},
                "ticklabeloverflow": "allow",
            }
            for name, axis in layout.items()
            if name.startswith(("xaxis", "yaxis"))
        }
        legend = {**layout.get("legend", {}), "font": text}
        layout = {**layout, **axes, "legend": legend, "font": text, "template": _template()}
        self._plain = {"data": list(traces), "layout": layout}

    def to_dict(self) -> dict[str, Any]:
        """Return the figure as a mapping."""
        return self._plain


def image_side(size: int, colour: str) -> dict[str, Any]:
    """Return a line over a whole chart of receptive fields, at a side of the image in pixels."""
    return {
        "type": "line", "xref": "x domain", "x0": 0, "x1": 1, "yref": "y", "y0": size, "y1": size,
        "line": {"dash": "dash", "color": colour, "width": 1.5},
    }  # fmt: skip


def image_side_label(size: int) -> dict[str, Any]:
    """Return the annotation at the left end of that line."""
    return {
        "text": ngettext("image: {size} pixel", "image: {size} pixels", size).format(size=size),
        "xref": "x domain", "x": 0, "xanchor": "left", "yref": "y", "y": size, "yanchor": "bottom",
        "showarrow": False, "font": {"size": SMALL},
    }  # fmt: skip


@cache
def _template() -> Any:
    """Return Streamlit's template, which the browser fills with the colours of the page."""
    return plotly.io.templates[plotly.io.templates.default].to_plotly_json()


def readable(figure: go.Figure) -> go.Figure:
    """Set the size of all text in a Plotly figure, and return the figure.

    Args:
        figure: Figure whose traces and axes are complete.
    """
    text = {"size": SMALL}
    bar = {"tickfont": text, "title": {"font": text}}
    axes = {"xaxis", "yaxis"} | {name for name in figure.layout if name.startswith(("xaxis", "yaxis"))}
    # One update: each takes several milliseconds, however little it changes.
    figure.update_layout(
        font=text,
        legend={"font": text},
        coloraxis={"colorbar": bar},
        annotations=[{"font": text}] * len(figure.layout.annotations),
        # The presenter view enlarges the page, and Plotly would take labels for being outside of the chart.
        **{name: {"tickfont": text, "title": {"font": text}, "ticklabeloverflow": "allow"} for name in axes},
    )
    for trace in figure.data:
        match trace.type:
            case "bar":
                trace.constraintext = "none"  # or Plotly shrinks what doesn't fit
            case "heatmap":
                trace.update(colorbar=bar, textfont=text)
            case "parcoords":
                trace.update(labelfont=text, tickfont=text, rangefont=text, line={"colorbar": bar})
    return figure
