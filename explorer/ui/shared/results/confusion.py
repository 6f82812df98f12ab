"""The confusion matrix, and the most frequent confusions."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from plotly.colors import sample_colorscale

from explorer.drawing.theme import theme
from explorer.i18n import _, ngettext
from explorer.ui.shared.chart_text import readable
from explorer.ui.shared.text import plain

MAX_NUMBERED = 20  # classes; a larger matrix has no counts in its cells
MAX_CLASSES = 40  # classes of the matrix; of more classes, the ones with the most confusions are shown
MAX_PAIRS = 12  # listed as text
SIDE = 26  # pixels of a class
NO_TOOLBAR = {"displayModeBar": False}
COLOUR_STEPS = 9  # of the scale of blue colours
FAINT = 0.12  # position on the scale that is visible on a white page


class Confusion(NamedTuple):
    """The number of images of a class that were classified as another class, both by index."""

    truth: int
    predicted: int
    images: int
    share: float


def confusions(confusion: Sequence[Sequence[int]]) -> list[Confusion]:
    """Return the confusions, most frequent first."""
    counts = np.array(confusion)
    of_class = counts.sum(1)
    np.fill_diagonal(counts, 0)
    found = [
        Confusion(int(row), int(column), int(counts[row, column]), float(counts[row, column] / of_class[row]))
        for row, column in np.argwhere(counts)
    ]
    return sorted(found, key=lambda pair: -pair.images)


def render(classes: Sequence[str], confusion: Sequence[Sequence[int]], *, key: str, dark: bool) -> None:
    """Render the matrix, and the most frequent confusions as text.

    Args:
        classes: Names of the classes. Two may have the same name.
        confusion: Number of images of the row's class that were classified as the column's class.
        key: Key of the chart.
        dark: Whether the page is dark.
    """
    pairs = confusions(confusion)
    shown = _shown(len(classes), pairs)
    if len(shown) < len(classes):
        st.caption(
            _("The {shown} classes of {count} that were confused most.").format(shown=len(shown), count=len(classes))
        )
    st.plotly_chart(
        readable(_heat(classes, confusion, shown, dark=dark)),
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
        st.success(_("Every image was classified correctly."), icon=":material/check:")
        return
    lines = [
        _("{truth} taken for {predicted}: {count:,} ({share:.1%})").format(
            truth=f"**{plain(classes[pair.truth])}**",
            predicted=f"**{plain(classes[pair.predicted])}**",
            count=pair.images,
            share=pair.share,
        )
        for pair in pairs[:MAX_PAIRS]
    ]
    with st.expander(_("Most frequent confusions"), icon=":material/list:"):
        st.markdown("\n".join(f"- {line}" for line in lines))


def _shown(classes: int, pairs: Sequence[Confusion]) -> list[int]:
    if classes <= MAX_CLASSES:
        return list(range(classes))
    most_confused = dict.fromkeys(index for pair in pairs for index in (pair.truth, pair.predicted))
    return sorted(list(most_confused)[:MAX_CLASSES]) or list(range(MAX_CLASSES))


def scale(*, dark: bool) -> list[str]:
    """Return colours from a share of nearly zero, close to the page's background, to a share of one."""
    places = list(np.linspace(0 if dark else FAINT, 1, COLOUR_STEPS))
    colours: list[str] = sample_colorscale("Blues_r" if dark else "Blues", places)
    return colours


def _heat(classes: Sequence[str], confusion: Sequence[Sequence[int]], shown: Sequence[int], *, dark: bool) -> go.Figure:
    """Return the matrix with counts in the cells. The colour is the share of the row's class. Empty cells have none."""
    counts = [[confusion[row][column] for column in shown] for row in shown]
    shares = [
        [confusion[row][column] / sum(confusion[row]) if confusion[row][column] else None for column in shown]
        for row in shown
    ]
    names = [classes[index] for index in shown]
    images = [
        [ngettext("{count:,} image", "{count:,} images", count).format(count=count) for count in row] for row in counts
    ]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=names,
            y=names,
            customdata=counts,
            hovertext=images,
            text=counts if len(shown) <= MAX_NUMBERED else None,
            texttemplate="%{text}" if len(shown) <= MAX_NUMBERED else None,
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
            hovertemplate=_("true: %{y}<br>predicted: %{x}<br>%{hovertext}, %{z:.1%}<extra></extra>"),
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
