"""Accuracy of each class."""

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from explorer.i18n import _
from explorer.ui.results.confusion import DRAWN, NO_TOOLBAR, SIDE
from explorer.ui.runs.curves import colour
from explorer.ui.runs.words import percent
from explorer.ui.shared.text import plain

SEVERAL = 14  # pixels of a bar beside others
WEAKEST = 3  # that are named

Shares = Sequence[float | None]


def render(classes: Sequence[str], measured: Sequence[tuple[str, Shares]], *, key: str, dark: bool) -> None:
    """Bars for one network or several.

    Args:
        classes: their names; two may have the same.
        measured: the networks' names, and the accuracy of each class from 0 to 1; none where it has no images.
        key: of the chart.
        dark: whether the page is.
    """
    first = measured[0][1]
    known = sorted((share, place) for place, share in enumerate(first) if share is not None)
    shown = sorted(place for _share, place in known[:DRAWN]) if len(classes) > DRAWN else list(range(len(classes)))
    if len(shown) < len(classes):
        st.caption(
            _("The {shown} classes of {count} with the lowest accuracy.").format(shown=len(shown), count=len(classes))
        )
    figure = go.Figure()
    for number, (name, shares) in enumerate(measured):
        figure.add_bar(
            y=shown,
            x=[shares[place] for place in shown],
            customdata=[classes[place] for place in shown],
            orientation="h",
            name=name,
            marker={"color": colour(number, dark=dark)},
            text=[percent(shares[place]) for place in shown] if len(measured) == 1 else None,
            hovertemplate="%{customdata}: %{x:.2%}",
        )
    thick = SIDE if len(measured) == 1 else SEVERAL * len(measured) + 8
    figure.update_layout(
        height=max(300, thick * len(shown) + 80),
        margin={"l": 8, "r": 24, "t": 8, "b": 8},
        barmode="group",
        xaxis={"title": _("Top-1 accuracy"), "tickformat": ".0%", "range": [0, 1], "autorange": False},
        yaxis={
            "type": "category", "autorange": "reversed", "tickmode": "array", "tickvals": shown,
            "ticktext": [classes[place] for place in shown],
        },
        legend={"orientation": "h", "yanchor": "bottom", "y": 1, "x": 0},
        showlegend=len(measured) > 1,
        dragmode=False,
    )  # fmt: skip
    st.plotly_chart(
        figure,
        config=NO_TOOLBAR,
        key=key,
        alt=_("Accuracy of each class on the test set; the weakest are named below"),
    )
    named = ", ".join(f"{plain(classes[place])} ({percent(share)})" for share, place in known[:WEAKEST])
    st.caption(_("Weakest: {classes}").format(classes=named))
