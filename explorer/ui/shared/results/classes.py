"""Accuracy of each class."""

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from explorer.drawing.kinds import series_colour
from explorer.formatting import percent
from explorer.i18n import _
from explorer.ui.shared.chart_text import LEGEND_ABOVE, readable
from explorer.ui.shared.results.confusion import MAX_CLASSES, NO_TOOLBAR, SIDE
from explorer.ui.shared.text import plain

GROUPED_BAR = 14  # pixels of a bar in a group
NAMED_CLASSES = 3  # classes that are named below the chart

Shares = Sequence[float | None]


def render(classes: Sequence[str], accuracies: Sequence[tuple[str, Shares]], *, key: str, dark: bool) -> None:
    """Render bars for one or several networks.

    Args:
        classes: Names of the classes. Two may have the same name.
        accuracies: Name of each network, and its accuracy for each class, from 0 to 1. None for a class without images.
        key: Key of the chart.
        dark: Whether the page is dark.
    """
    first = accuracies[0][1]
    ranked = sorted((share, index) for index, share in enumerate(first) if share is not None)
    shown = list(range(len(classes)))
    if len(classes) > MAX_CLASSES:
        shown = sorted(index for _share, index in ranked[:MAX_CLASSES])
        st.caption(
            _("The {shown} classes of {count} with the lowest accuracy.").format(shown=len(shown), count=len(classes))
        )
    figure = go.Figure()
    for number, (name, shares) in enumerate(accuracies):
        figure.add_bar(
            y=shown,
            x=[shares[index] for index in shown],
            customdata=[classes[index] for index in shown],
            orientation="h",
            name=name,
            marker={"color": series_colour(number, dark=dark)},
            text=[percent(shares[index]) for index in shown] if len(accuracies) == 1 else None,
            hovertemplate="%{customdata}: %{x:.2%}",
        )
    row_height = SIDE if len(accuracies) == 1 else GROUPED_BAR * len(accuracies) + 8
    figure.update_layout(
        height=max(300, row_height * len(shown) + 80),
        margin={"l": 8, "r": 24, "t": 8, "b": 8},
        barmode="group",
        xaxis={"title": _("Top-1 accuracy"), "tickformat": ".0%", "range": [0, 1], "autorange": False},
        yaxis={
            "type": "category", "autorange": "reversed", "tickmode": "array", "tickvals": shown,
            "ticktext": [classes[index] for index in shown],
        },
        legend=LEGEND_ABOVE,
        showlegend=len(accuracies) > 1,
        dragmode=False,
    )  # fmt: skip
    st.plotly_chart(
        readable(figure),
        config=NO_TOOLBAR,
        key=key,
        alt=_("Accuracy of each class on the test set; the weakest are named below"),
    )
    weakest = ", ".join(f"{plain(classes[index])} ({percent(share)})" for share, index in ranked[:NAMED_CLASSES])
    st.caption(_("Weakest: {classes}").format(classes=weakest))
