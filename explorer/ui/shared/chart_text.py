"""The text of charts: its size, as Streamlit's own is smaller than the smallest text of the pages, and legends."""

from typing import Any

import plotly.graph_objects as go

from explorer.drawing.theme import SMALL

_VEGA_GUIDE = {"labelFontSize": SMALL, "titleFontSize": SMALL, "aria": False}
# Part of the specification of a chart in Vega-Lite. The chart has an alternative text; its hundreds of marks have none.
VEGA_CONFIG: dict[str, Any] = {
    "mark": {"aria": False}, "axis": _VEGA_GUIDE, "legend": _VEGA_GUIDE, "text": {"fontSize": SMALL},
}  # fmt: skip

# Legends in rows at an edge of the whole chart. Beside the plot, they would cover it when the window changes its width.
LEGEND_ABOVE = {"orientation": "h", "yref": "container", "yanchor": "top", "y": 1, "x": 0}
LEGEND_BELOW = {"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0, "x": 0}


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
