"""The size of text in charts. Streamlit's own is smaller than the smallest text of the pages."""

from typing import Any

import plotly.graph_objects as go

from explorer.drawing.theme import SMALL

_VEGA_TEXT = {"labelFontSize": SMALL, "titleFontSize": SMALL}
# Part of the specification of a chart in Vega-Lite.
VEGA_CONFIG: dict[str, Any] = {"axis": _VEGA_TEXT, "legend": _VEGA_TEXT, "text": {"fontSize": SMALL}}


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
