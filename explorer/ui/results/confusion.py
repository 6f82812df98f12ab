"""The confusion matrix, and what was taken for what."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from plotly.colors import sample_colorscale

from explorer.drawing.theme import theme
from explorer.i18n import _
from explorer.ui.shared.text import plain

NUMBERED = 20  # classes up to which each count stands in its cell
DRAWN = 40  # classes of the matrix: of more, those that were confused most
PAIRS = 12  # confusions listed as text
SIDE = 26  # pixels of a class
NO_TOOLBAR = {"displayModeBar": False}
STEPS = 9  # of the scale of blues
FAINT = 0.12  # the place on it that stands out from a white page


class Taken(NamedTuple):
    """How many images of a class, by its position, were taken for another one."""

    truth: int
    predicted: int
    images: int
    share: float


def confused(confusion: Sequence[Sequence[int]]) -> list[Taken]:
    """What was taken for what, the most frequent first."""
    counts = np.array(confusion)
    of_class = counts.sum(1)
    np.fill_diagonal(counts, 0)
    found = [
        Taken(int(row), int(column), int(counts[row, column]), float(counts[row, column] / of_class[row]))
        for row, column in np.argwhere(counts)
    ]
    return sorted(found, key=lambda taken: -taken.images)


def render(classes: Sequence[str], confusion: Sequence[Sequence[int]], *, key: str, dark: bool) -> None:
    """The matrix, and the most frequent confusions as text.

    Args:
        classes: their names; two may have the same.
        confusion: how many images of a row's class were taken for the column's.
        key: of the chart.
        dark: whether the page is.
    """
    pairs = confused(confusion)
    shown = _shown(len(classes), pairs)
    if len(shown) < len(classes):
        st.caption(
            _("The {shown} classes of {count} that were confused most.").format(shown=len(shown), count=len(classes))
        )
    st.plotly_chart(
        _heat(classes, confusion, shown, dark=dark),
        config=NO_TOOLBAR,
        key=key,
        alt=_("Confusion matrix with a row for each true class; the most frequent confusions are listed below"),
    )
    st.caption(
        _(
            "The more a cell's colour differs from the page, the greater the share of its row's class; a cell without "
            "images has none."
        )
    )
    if not pairs:
        st.success(_("Every image was classified rightly."), icon=":material/check:")
        return
    lines = [
        _("{truth} taken for {predicted}: {count:,} ({share:.1%})").format(
            truth=f"**{plain(classes[pair.truth])}**",
            predicted=f"**{plain(classes[pair.predicted])}**",
            count=pair.images,
            share=pair.share,
        )
        for pair in pairs[:PAIRS]
    ]
    with st.expander(_("Most frequent confusions"), icon=":material/list:"):
        st.markdown("\n".join(f"- {line}" for line in lines))


def _shown(classes: int, pairs: Sequence[Taken]) -> list[int]:
    if classes <= DRAWN:
        return list(range(classes))
    worst = dict.fromkeys(place for pair in pairs for place in (pair.truth, pair.predicted))
    return sorted(list(worst)[:DRAWN]) or list(range(DRAWN))


def scale(*, dark: bool) -> list[str]:
    """Colours from a share of nearly zero, near the page's ground, to the whole class, farthest from it."""
    places = list(np.linspace(0 if dark else FAINT, 1, STEPS))
    colours: list[str] = sample_colorscale("Blues_r" if dark else "Blues", places)
    return colours


def _heat(classes: Sequence[str], confusion: Sequence[Sequence[int]], shown: Sequence[int], *, dark: bool) -> go.Figure:
    """Counts in the cells; the colour is the share of the row's class, so that a rare class is seen as well.

    A cell without images has no colour.
    """
    counts = [[confusion[row][column] for column in shown] for row in shown]
    shares = [
        [confusion[row][column] / sum(confusion[row]) if confusion[row][column] else None for column in shown]
        for row in shown
    ]
    names = [classes[place] for place in shown]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=names,
            y=names,
            customdata=counts,
            text=counts if len(shown) <= NUMBERED else None,
            texttemplate="%{text}" if len(shown) <= NUMBERED else None,
            colorscale=scale(dark=dark),
            zmin=0,
            zmax=1,
            xgap=1,
            ygap=1,
            colorbar={
                "title": {"text": _("Share of the class"), "side": "right"},
                "tickformat": ".0%",
                "thickness": 12,
            },
            hovertemplate=_("true: %{y}<br>predicted: %{x}<br>%{customdata} images, %{z:.1%}<extra></extra>"),
        )
    )
    figure.update_layout(
        height=max(300, SIDE * len(shown) + 110),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"title": _("Predicted"), "type": "category", "showgrid": False, "side": "bottom", "constrain": "domain"},
        yaxis={"title": _("True"), "type": "category", "showgrid": False, "autorange": "reversed"},
        font={"color": theme(dark=dark).ink},
        dragmode=False,
    )
    return figure
