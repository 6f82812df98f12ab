"""Charts of an analysis. Their colours come from the kinds of layers and from the page's theme."""

from pathlib import Path
from typing import Any, NamedTuple

import altair as alt
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from explorer.analysis import Analysis, Layer, measures
from explorer.analysis.measures import DIAGRAM_MEASURES, Measure, Number
from explorer.drawing.kinds import Group, colours, group_name, group_of
from explorer.drawing.theme import theme
from explorer.i18n import _, ngettext
from explorer.ui.architecture import state
from explorer.ui.shared import layer_choice
from explorer.ui.shared.chart_text import LEGEND_BELOW, VEGA_CONFIG, readable
from explorer.ui.shared.text import plain

ALONG = "along"  # key of the chart along the layers
ASSETS = Path(__file__).parents[1] / "assets"
BAR_HEIGHT = 30  # pixels
AXES_HEIGHT = 130  # pixels of axis and legend

_marks = st.components.v2.component(
    "explorer_chart_marks",
    css=(ASSETS / "chart_marks.css").read_text(encoding="utf-8"),
    js=layer_choice.SCRIPT + (ASSETS / "chart_marks.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


class Bar(NamedTuple):
    """A layer in the chart along the network."""

    position: int
    layer: Layer
    amount: Number


def bars_of(analysis: Analysis, measure: Measure) -> list[Bar]:
    """Return a bar for each layer whose amount is not zero."""
    amounts = ((position, layer, measure.definition.amount([layer])) for position, layer in enumerate(analysis.layers))
    return [Bar(position, layer, amount) for position, layer, amount in amounts if amount]


def along_layers(analysis: Analysis, measure: Measure, *, dark: bool) -> go.Figure:
    """Return a chart of one measure along the layers, in the order and colours of the diagram.

    Args:
        analysis: The network.
        measure: The measure.
        dark: Whether the page is dark.
    """
    figure, definition = go.Figure(), measure.definition
    bars = bars_of(analysis, measure)
    if measure is Measure.RECEPTIVE_FIELD:
        figure.add_scatter(
            x=[bar.position for bar in bars],
            y=[bar.amount for bar in bars],
            mode="lines",
            line={"color": colours(dark=dark)[Group.OTHER], "width": 1, "shape": "hv"},
            hoverinfo="skip",
            showlegend=False,
        )
    for group in Group:
        of_group = [bar for bar in bars if group_of(bar.layer.kind) is group]
        if of_group:
            _add_group(figure, measure, group, of_group, colours(dark=dark)[group])
    if measure is Measure.RECEPTIVE_FIELD:
        for size in sorted(set(analysis.image)):
            figure.add_hline(
                y=size,
                line={"dash": "dash", "color": colours(dark=dark)[Group.SHORTCUT], "width": 1.5},
                annotation={
                    "text": ngettext("image: {size} pixel", "image: {size} pixels", size).format(size=size),
                    "xanchor": "left",
                },
                annotation_position="top left",
            )
    figure.update_layout(
        height=330,
        margin={"l": 8, "r": 8, "t": 22, "b": 8},
        xaxis={
            "title": _("Layer, in the order of the table"),
            "range": [-1, max(len(analysis.layers), 2)],
            "tickformat": "d",
            "nticks": 8,
        },
        yaxis={"title": definition.axis(definition.names().name), "rangemode": "tozero", "exponentformat": "SI"},
        legend=LEGEND_BELOW,
        bargap=0.15,
        barmode="overlay",
        dragmode=False,
    )
    return figure


def _add_group(figure: go.Figure, measure: Measure, group: Group, bars: list[Bar], colour: str) -> None:
    digits = measure.definition.unit.exact
    common = {
        "x": [bar.position for bar in bars],
        "y": [bar.amount for bar in bars],
        "name": group_name(group),
        "customdata": [bar.layer.name for bar in bars],
        "text": [
            _hover(bar.layer) if measure is Measure.RECEPTIVE_FIELD else f"{bar.layer.name}<br>{digits(bar.amount)}"
            for bar in bars
        ],
        "hovertemplate": "%{text}<extra></extra>",
    }
    if measure is Measure.RECEPTIVE_FIELD:
        figure.add_scatter(mode="markers", marker={"color": colour, "size": 7}, **common)
    else:
        figure.add_bar(marker={"color": colour}, textposition="none", width=0.9, **common)


def _hover(layer: Layer) -> str:
    field = layer.field
    return (
        ngettext(
            "{name}<br>{size} pixel, stride {stride}, padding {padding}",
            "{name}<br>{size} pixels, stride {stride}, padding {padding}",
            field.size,
        ).format(name=layer.name, size=field.size, stride=field.stride, padding=field.padding)
        if field
        else layer.name
    )


def by_stage(analysis: Analysis, measure: Measure) -> pd.DataFrame:
    """Return the amount of each stage. If amounts can be added, the rows are split by kind of layer."""
    rows = []
    for stage, layers in measures.by_stage(analysis.layers).items():
        kinds = [group_name(group_of(layer.kind)) if is_additive(measure) else "" for layer in layers]
        for kind in dict.fromkeys(kinds):
            of_kind = [layer for layer, name in zip(layers, kinds, strict=True) if name == kind]
            rows.append((stage, kind, measure.definition.amount(of_kind) or 0))
    return pd.DataFrame(rows, columns=["stage", "group", "amount"])


def is_additive(measure: Measure) -> bool:
    """Whether the amount of a stage is the sum of the amounts of its layers."""
    return isinstance(measure.definition.layers, measures.Sum)


def per_stage(analysis: Analysis, measure: Measure, *, dark: bool) -> Any:
    """Return an Altair chart with a bar for each stage. If amounts can be added, kinds of layers are stacked."""
    sums, title, stacked = by_stage(analysis, measure), measure.definition.names().name, is_additive(measure)
    stages = list(dict.fromkeys(sums["stage"]))
    shown = sums[sums["amount"] > 0].assign(exact=lambda frame: frame["amount"].map(measure.definition.unit.exact))
    shades = colours(dark=dark)
    accent = theme(dark=dark).accent
    names = [group_name(group) for group in Group]
    present = [name for name in names if name in set(shown["group"])]
    return (
        alt.Chart(shown, height=BAR_HEIGHT * len(stages) + AXES_HEIGHT)
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            y=alt.Y(
                "stage:N",
                sort=stages,
                title=None,
                scale=alt.Scale(domain=stages),
                axis=alt.Axis(labelLimit=90, labelOverlap=False),
            ),
            x=alt.X("amount:Q", title=title, axis=alt.Axis(format=measure.definition.unit.tick_format, tickCount=4)),
            color=alt.Color(
                "group:N",
                scale=alt.Scale(domain=present, range=[shades[list(Group)[names.index(name)]] for name in present]),
                legend=alt.Legend(orient="bottom", title=None, columns=2),
            )
            if stacked
            else alt.value(accent),
            tooltip=[
                alt.Tooltip("stage:N", title=_("Stage")),
                *([alt.Tooltip("group:N", title=_("Kind"))] if stacked else []),
                alt.Tooltip("exact:N", title=title),
            ],
        )
    )


def render(analysis: Analysis, *, dark: bool) -> None:
    """Render a measure along the layers and by stage. A click on a layer chooses it for the whole page."""
    names = {link: measure.definition.names().name for link, measure in DIAGRAM_MEASURES.items()}
    st.segmented_control(
        _("Chart"), sorted(names, key="field".__ne__), format_func=names.__getitem__, required=True,
        label_visibility="collapsed", key=state.VIEW + "chart",
    )  # fmt: skip
    measure = DIAGRAM_MEASURES[state.ArchitectureState.of_session().read_widgets().chart]
    name = measure.definition.names().name
    along_side, stage_side = st.columns([7, 4], gap="medium")
    with along_side:
        st.header(_("{measure} along the network").format(measure=name), anchor=False)
        if len(bars_of(analysis, measure)) < 2:
            st.info(plain(analysis.field_note) or _("Without a convolution or pool every unit sees the whole image."))
            return
        st.plotly_chart(
            readable(along_layers(analysis, measure, dark=dark)),
            key=ALONG,
            config={"displayModeBar": False},
            alt=_("{measure} of each layer; the table below has the numbers").format(measure=name),
        )
        _marks(
            key="chart-marks",
            data={"place": f".st-key-{ALONG}", "layers": len(analysis.layers), "colour": theme(dark=dark).mark},
            on_choose_change=layer_choice.report("chart-marks", state.choose_layer),
        )
    with stage_side:
        st.header(_("By stage"), anchor=False)
        st.altair_chart(
            per_stage(analysis, measure, dark=dark).configure(**VEGA_CONFIG),
            alt=_("{measure} by stage and kind of layer").format(measure=name),
        )
