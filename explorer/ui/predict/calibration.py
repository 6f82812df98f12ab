"""The reliability diagram: the accuracy of a network at each level of confidence."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from explorer.drawing.kinds import series_colour
from explorer.drawing.theme import theme
from explorer.formatting import percent
from explorer.i18n import _, ngettext
from explorer.ui.shared.chart_text import readable
from explorer.ui.shared.results.confusion import NO_TOOLBAR

HEIGHT = 420
ROW = 30


def render(calibration: dict[str, Any], top1: float, *, key: str, dark: bool) -> None:
    """Render the diagram with the number of images of each bin, and both as a table.

    Args:
        calibration: Output of :meth:`explorer.training.calibration.Calibration.to_dict`.
        top1: Accuracy.
        key: Key of the chart.
        dark: Whether the page is dark.
    """
    confidence = calibration["confidence"]
    with st.container(horizontal=True, gap="large"):
        st.metric(
            _("Expected calibration error"), percent(calibration["ece"]), width="content",
            help=_("How far confidence and accuracy are apart on average: over the bins, weighted by their images."),
        )  # fmt: skip
        st.metric(_("Mean confidence"), percent(confidence), width="content")
    st.caption(
        _(
            "The confidence of an answer is the probability of the likeliest class. Where it can be trusted, bars end "
            "on the diagonal; below it the network is surer than it should be, above it less sure."
        )
    )
    st.plotly_chart(
        readable(_diagram(calibration, dark=dark)),
        config=NO_TOOLBAR,
        key=key,
        alt=_(
            "Reliability diagram: accuracy in each bin of confidence, and the images in it; mean confidence "
            "{confidence}, accuracy {accuracy}; the table below has the numbers"
        ).format(confidence=percent(confidence), accuracy=percent(top1)),
    )
    with st.expander(_("The bins as a table"), icon=":material/table:"):
        _table(calibration)


def _diagram(calibration: dict[str, Any], *, dark: bool) -> go.Figure:
    bins, colours = calibration["bins"], theme(dark=dark)
    filled = [one for one in bins if one["images"]]
    middles = [(one["above"] + one["to"]) / 2 for one in filled]
    images = [
        ngettext("{count:,} image", "{count:,} images", one["images"]).format(count=one["images"]) for one in filled
    ]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.72, 0.28], vertical_spacing=0.06)
    figure.add_bar(
        x=middles,
        y=[one["accuracy"] for one in filled],
        width=1 / len(bins),
        marker={"color": series_colour(0, dark=dark), "line": {"color": colours.ground, "width": 1}},
        customdata=[one["confidence"] for one in filled],
        hovertext=images,
        hovertemplate=_("confidence %{customdata:.1%}<br>accuracy %{y:.1%}<br>%{hovertext}<extra></extra>"),
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": colours.mark, "dash": "dash", "width": 2}, hoverinfo="skip",
        row=1, col=1,
    )  # fmt: skip
    figure.add_bar(
        x=middles,
        y=[one["images"] for one in filled],
        width=1 / len(bins),
        marker={"color": colours.line, "line": {"color": colours.ground, "width": 1}},
        hovertext=images,
        hovertemplate="%{hovertext}<extra></extra>",
        row=2,
        col=1,
    )
    share = {"range": [0, 1], "autorange": False, "tickformat": ".0%"}
    figure.update_xaxes(**share)
    figure.update_xaxes(title=_("Confidence"), row=2, col=1)
    figure.update_yaxes(title=_("Accuracy"), **share, row=1, col=1)
    figure.update_yaxes(title=_("Images"), nticks=3, row=2, col=1)
    figure.update_layout(
        height=HEIGHT, margin={"l": 8, "r": 24, "t": 8, "b": 8}, showlegend=False, dragmode=False,
        font={"color": colours.ink},
    )  # fmt: skip
    return figure


def _table(calibration: dict[str, Any]) -> None:
    filled = [one for one in calibration["bins"] if one["images"]]
    frame = pd.DataFrame(
        [
            (f"{one['above']:.1%} – {one['to']:.1%}", one["images"], one["confidence"], one["accuracy"],
             one["accuracy"] - one["confidence"])
            for one in filled
        ],
        columns=["bin", "images", "confidence", "accuracy", "gap"],
    )  # fmt: skip
    st.dataframe(
        frame,
        hide_index=True,
        row_height=ROW,
        height=ROW * (len(frame) + 1) + 2,
        column_config={
            "bin": st.column_config.TextColumn(_("Confidence from – to")),
            "images": st.column_config.NumberColumn(_("Images"), format="localized"),
            "confidence": st.column_config.NumberColumn(_("Mean confidence"), format="percent"),
            "accuracy": st.column_config.NumberColumn(_("Accuracy"), format="percent"),
            "gap": st.column_config.NumberColumn(_("Accuracy minus confidence"), format="percent"),
        },
        alt=_("Bins of confidence with images, mean confidence and accuracy"),
    )
