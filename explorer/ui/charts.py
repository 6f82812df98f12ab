"""Charts of an analysis. Colours come from the kinds of layers and from the page's theme."""

from typing import Any

import altair as alt
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from explorer.analysis import Analysis, Layer
from explorer.drawing.kinds import Group, colours, group_name, group_of
from explorer.drawing.theme import theme
from explorer.i18n import _
from explorer.ui import state
from explorer.ui.text import plain
from explorer.ui.view import View

PICKER = "along"
BAR = 30
AXES = 130  # axis and legend


def measures() -> dict[str, str]:
    """What the chart along the layers can show."""
    return {
        "field": _("Receptive field"),
        "params": _("Parameters"),
        "macs": _("MACs"),
        "activation_bytes": _("Activations"),
    }


def along(analysis: Analysis, measure: str, chosen: str, *, dark: bool) -> go.Figure:
    """One measure along the layers, in the order and the colours of the diagram; ``chosen`` is marked."""
    figure = go.Figure()
    layers = [(position, layer) for position, layer in enumerate(analysis.layers) if _amount(layer, measure)]
    if measure == "field":
        figure.add_scatter(
            x=[position for position, _layer in layers],
            y=[_amount(layer, measure) for _position, layer in layers],
            mode="lines",
            line={"color": colours(dark=dark)[Group.OTHER], "width": 1, "shape": "hv"},
            hoverinfo="skip",
            showlegend=False,
        )
    for group in Group:
        of_group = [(position, layer) for position, layer in layers if group_of(layer.kind) is group]
        if of_group:
            _add_group(figure, measure, group, of_group, colours(dark=dark)[group])
    _mark(figure, analysis, chosen, dark=dark)
    if measure == "field":
        figure.add_hline(
            y=analysis.spec.image_size,
            line={"dash": "dash", "color": colours(dark=dark)[Group.SHORTCUT], "width": 1.5},
            annotation={"text": _("image: {size} pixels").format(size=analysis.spec.image_size), "xanchor": "left"},
            annotation_position="top left",
        )
    titles = {
        "field": _("Receptive field (pixels)"),
        "params": _("Parameters"),
        "macs": _("MACs"),
        "activation_bytes": _("Activations (bytes)"),
    }
    figure.update_layout(
        height=330,
        margin={"l": 8, "r": 8, "t": 22, "b": 8},
        xaxis={
            "title": _("Layer, in the order of the table"),
            "range": [-1, max(len(analysis.layers), 2)],
            "tickformat": "d",
            "nticks": 8,
        },
        yaxis={"title": titles[measure], "rangemode": "tozero", "exponentformat": "SI"},
        legend={"orientation": "h", "yanchor": "top", "y": -0.22, "x": 0},
        bargap=0.15,
        barmode="overlay",
        clickmode="event+select",
        dragmode=False,
    )
    return figure


def _amount(layer: Layer, measure: str) -> int:
    if measure == "field":
        return layer.field.size if layer.field else 0
    return int(getattr(layer, measure))


def _add_group(figure: go.Figure, measure: str, group: Group, layers: list[tuple[int, Layer]], colour: str) -> None:
    common = {
        "x": [position for position, _layer in layers],
        "y": [_amount(layer, measure) for _position, layer in layers],
        "name": group_name(group),
        "customdata": [layer.name for _position, layer in layers],
        "text": [
            _hover(layer) if measure == "field" else f"{layer.name}<br>{_amount(layer, measure):,}"
            for _position, layer in layers
        ],
        "hovertemplate": "%{text}<extra></extra>",
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
    }
    if measure == "field":
        figure.add_scatter(mode="markers", marker={"color": colour, "size": 7}, **common)
    else:
        figure.add_bar(marker={"color": colour}, textposition="none", width=0.9, **common)


def _mark(figure: go.Figure, analysis: Analysis, chosen: str, *, dark: bool) -> None:
    names = [layer.name for layer in analysis.layers]
    if chosen in names:
        figure.add_vline(
            x=names.index(chosen),
            line={"color": theme(dark=dark).mark, "width": 1.5},
            annotation={"text": chosen, "font": {"size": 11}},
        )


def _hover(layer: Layer) -> str:
    field = layer.field
    return (
        _("{name}<br>{size} pixels, stride {stride}, padding {padding}").format(
            name=layer.name, size=field.size, stride=field.stride, padding=field.padding
        )
        if field
        else layer.name
    )


def by_stage(analysis: Analysis, measure: str) -> pd.DataFrame:
    """A measure by stage and kind of layer, stages in their order: sums, or the field that the stage ends with."""
    frame = pd.DataFrame(
        {
            "stage": [layer.stage for layer in analysis.layers],
            "group": [group_name(group_of(layer.kind)) for layer in analysis.layers],
            "amount": [_amount(layer, measure) for layer in analysis.layers],
        }
    )
    if measure == "field":
        return frame[frame["amount"] > 0].drop_duplicates("stage", keep="last")
    return frame.groupby(["stage", "group"], sort=False, as_index=False).sum()


def per_stage(sums: pd.DataFrame, title: str, *, stacked: bool, dark: bool) -> Any:
    """An Altair chart: one bar per stage (maps of one size, then the head), ``stacked`` by kind of layer."""
    stages = list(dict.fromkeys(sums["stage"]))
    shown = sums[sums["amount"] > 0].assign(exact=lambda frame: frame["amount"].map("{:,}".format))
    shades = colours(dark=dark)
    accent = theme(dark=dark).accent
    names = [group_name(group) for group in Group]
    present = [name for name in names if name in set(shown["group"])]
    return (
        alt.Chart(shown, height=BAR * len(stages) + AXES)
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            y=alt.Y(
                "stage:N",
                sort=stages,
                title=None,
                scale=alt.Scale(domain=stages),
                axis=alt.Axis(labelLimit=90, labelOverlap=False),
            ),
            x=alt.X("amount:Q", title=title, axis=alt.Axis(format="~s", tickCount=4)),
            color=alt.Color(
                "group:N",
                scale=alt.Scale(domain=present, range=[shades[list(Group)[names.index(name)]] for name in present]),
                legend=alt.Legend(orient="bottom", title=None, columns=2),
            )
            if stacked
            else alt.value(accent),
            tooltip=[
                alt.Tooltip("stage:N", title=_("Stage")),
                alt.Tooltip("group:N", title=_("Kind")),
                alt.Tooltip("exact:N", title=title),
            ],
        )
    )


def draw(analysis: Analysis, view: View, *, dark: bool) -> None:
    """A measure along the layers and by stage; a layer picked here is shown in the diagram and the table too."""
    names = measures()
    st.segmented_control(
        _("Chart"), list(names), format_func=names.__getitem__, required=True, label_visibility="collapsed",
        key=state.VIEW + "chart",
    )  # fmt: skip
    measure = state.look(st.session_state["editing"]).chart
    along_side, stage_side = st.columns([7, 4], gap="medium")
    with along_side:
        st.header(_("{measure} along the network").format(measure=names[measure]), anchor=False)
        if sum(_amount(layer, measure) > 0 for layer in analysis.layers) < 2:
            st.info(plain(analysis.field_note) or _("Without a convolution or pool every unit sees the whole image."))
            return
        st.plotly_chart(
            along(analysis, measure, view.layer, dark=dark),
            key=PICKER,
            on_select=_picked,
            selection_mode="points",
            config={"displayModeBar": False},
            alt=_("{measure} of each layer; the table below has the numbers").format(measure=names[measure]),
        )
    with stage_side:
        st.header(_("By stage"), anchor=False)
        st.altair_chart(
            per_stage(by_stage(analysis, measure), names[measure], stacked=measure != "field", dark=dark),
            alt=_("{measure} by stage and kind of layer").format(measure=names[measure]),
        )


def _picked() -> None:
    points = st.session_state[PICKER].selection.points
    if points:  # drawing the figure anew empties the selection: that picks nothing
        state.choose_layer(str(points[0]["customdata"]))
