"""The size of text in charts. Streamlit's own is smaller than the smallest text of the pages."""

from typing import Any

import plotly.graph_objects as go

from explorer.drawing.theme import SMALL

_VEGA_GUIDE = {"labelFontSize": SMALL, "titleFontSize": SMALL, "aria": False}
# Part of the specification of a chart in Vega-Lite. The chart has an alternative text; its hundreds of marks have none.
VEGA_CONFIG: dict[str, Any] = {
    "mark": {"aria": False}, "axis": _VEGA_GUIDE, "legend": _VEGA_GUIDE, "text": {"fontSize": SMALL},
}  # fmt: skip


def readable(figure: go.Figure) -> go.Figure:
    """Set the size of all text in a Plotly figure, and return the figure.

    Args:
        figure: Figure whose traces and axes are complete.
    """
    text = {"size": SMALL}
    bar = {"tickfont": text, "title": {"font": text}}
    figure.update_layout(font=text, legend={"font": text}, coloraxis={"colorbar": bar})
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(tickfont=text, title={"font": text})
    figure.update_annotations(font=text)
    figure.update_traces(constraintext="none", selector={"type": "bar"})  # or Plotly shrinks what doesn't fit
    figure.update_traces(colorbar=bar, textfont=text, selector={"type": "heatmap"})
    figure.update_traces(labelfont=text, tickfont=text, rangefont=text, selector={"type": "parcoords"})
    figure.for_each_trace(lambda trace: trace.update(line={"colorbar": bar}), selector={"type": "parcoords"})
    return figure
