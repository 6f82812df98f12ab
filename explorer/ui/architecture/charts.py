"""Charts of an analysis. Their colours come from the kinds of layers and from the page's theme."""

from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from explorer.analysis import Analysis, Layer, measures
from explorer.analysis.measures import DIAGRAM_MEASURES, Measure, Number
from explorer.drawing.kinds import Group, colours, group_name, group_of
from explorer.drawing.theme import theme
from explorer.i18n import _, ngettext
from explorer.ui.architecture import choosing, state
from explorer.ui.shared import layer_choice
from explorer.ui.shared.chart_text import LEGEND_BELOW, VEGA_CONFIG, PlainFigure, image_side, image_side_label
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


def along_layers(analysis: Analysis, measure: Measure, *, dark: bool) -> PlainFigure:
    """Return a chart of one measure along the layers, in the order and colours of the diagram.

    Args:
        analysis: The network.
        measure: The measure.
        dark: Whether the page is dark.
    """
    shades, definition = colours(dark=dark), measure.definition
    bars = bars_of(analysis, measure)
    is_field = measure is Measure.RECEPTIVE_FIELD
    traces = [_path(bars, shades[Group.OTHER])] if is_field else []
    for group in Group:
        of_group = [bar for bar in bars if group_of(bar.layer.kind) is group]
        if of_group:
            traces.append(_group(measure, group, of_group, shades[group]))
    sizes = sorted(set(analysis.image)) if is_field else []
    layout = {
        "height": 330,
        "margin": {"l": 8, "r": 8, "t": 22, "b": 8},
        "xaxis": {
            "title": {"text": _("Layer, in the order of the table")},
            "range": [-1, max(len(analysis.layers), 2)],
            "tickformat": "d",
            "nticks": 8,
        },
        "yaxis": {
            "title": {"text": definition.axis(definition.names().name)},
            "rangemode": "tozero",
            "exponentformat": "SI",
        },
        "legend": LEGEND_BELOW,
        "bargap": 0.15,
        "barmode": "overlay",
        "dragmode": False,
        "shapes": [image_side(size, shades[Group.SHORTCUT]) for size in sizes],
        "annotations": [image_side_label(size) for size in sizes],
    }
    return PlainFigure(traces, layout)


def _path(bars: list[Bar], colour: str) -> dict[str, Any]:
    """Return the steps between the fields of the layers."""
    return {
        "type": "scatter",
        "x": [bar.position for bar in bars],
        "y": [bar.amount for bar in bars],
        "mode": "lines",
        "line": {"color": colour, "width": 1, "shape": "hv"},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _group(measure: Measure, group: Group, bars: list[Bar], colour: str) -> dict[str, Any]:
    digits, is_field = measure.definition.unit.exact, measure is Measure.RECEPTIVE_FIELD
    form = (
        {"type": "scatter", "mode": "markers", "marker": {"color": colour, "size": 7}}
        if is_field
        # Plotly would shrink text that doesn't fit.
        else {"type": "bar", "marker": {"color": colour}, "textposition": "none", "width": 0.9, "constraintext": "none"}
    )
    return {
        **form,
        "x": [bar.position for bar in bars],
        "y": [bar.amount for bar in bars],
        "name": group_name(group),
        "customdata": [bar.layer.name for bar in bars],
        "text": [_hover(bar.layer) if is_field else f"{bar.layer.name}<br>{digits(bar.amount)}" for bar in bars],
        "hovertemplate": "%{text}<extra></extra>",
    }


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


def by_stage(analysis: Analysis, measure: Measure) -> list[dict[str, Any]]:
    """Return rows with stage, group and amount. If amounts can be added, there is one for each kind of layer."""
    rows = []
    for stage, layers in measures.by_stage(analysis.layers).items():
        kinds = [group_name(group_of(layer.kind)) if is_additive(measure) else "" for layer in layers]
        for kind in dict.fromkeys(kinds):
            of_kind = [layer for layer, name in zip(layers, kinds, strict=True) if name == kind]
            rows.append({"stage": stage, "group": kind, "amount": measure.definition.amount(of_kind) or 0})
    return rows


def is_additive(measure: Measure) -> bool:
    """Whether the amount of a stage is the sum of the amounts of its layers."""
    return isinstance(measure.definition.layers, measures.Sum)


def per_stage(analysis: Analysis, measure: Measure, *, dark: bool) -> dict[str, Any]:
    """Return the Vega-Lite specification of a chart with a bar for each stage.

    If amounts can be added, kinds of layers are stacked.
    """
    rows, title, stacked = by_stage(analysis, measure), measure.label, is_additive(measure)
    stages = list(dict.fromkeys(row["stage"] for row in rows))
    shown = [row | {"exact": measure.definition.unit.exact(row["amount"])} for row in rows if row["amount"] > 0]
    shades, groups = colours(dark=dark), {group_name(group): group for group in Group}
    present = [name for name in groups if any(row["group"] == name for row in shown)]
    colour = {
        "field": "group", "type": "nominal",
        "scale": {"domain": present, "range": [shades[groups[name]] for name in present]},
        "legend": {"orient": "bottom", "title": None, "columns": 2},
    }  # fmt: skip
    texts = [("stage", _("Stage")), *([("group", _("Kind"))] if stacked else []), ("exact", title)]
    return {
        "height": BAR_HEIGHT * len(stages) + AXES_HEIGHT,
        "config": VEGA_CONFIG,
        "data": {"values": shown},
        "mark": {"type": "bar", "cornerRadiusEnd": 2},
        "encoding": {
            "y": {
                "field": "stage", "type": "nominal", "sort": stages, "title": None, "scale": {"domain": stages},
                "axis": {"labelLimit": 90, "labelOverlap": False},
            },
            "x": {
                "field": "amount", "type": "quantitative", "title": title,
                "axis": {"format": measure.definition.unit.tick_format, "tickCount": 4},
            },
            "color": colour if stacked else {"value": theme(dark=dark).accent},
            "tooltip": [{"field": field, "type": "nominal", "title": words} for field, words in texts],
        },
    }  # fmt: skip


def render(analysis: Analysis, *, dark: bool) -> None:
    """Render a measure along the layers and by stage. A click on a layer chooses it for the whole page."""
    names = {link: measure.label for link, measure in DIAGRAM_MEASURES.items()}
    st.segmented_control(
        _("Chart"), sorted(names, key="field".__ne__), format_func=names.__getitem__, required=True,
        label_visibility="collapsed", key=state.VIEW + "chart",
    )  # fmt: skip
    view = state.ArchitectureState.of_session().read_widgets()
    measure = DIAGRAM_MEASURES[view.chart]
    name = measure.label
    along_side, stage_side = st.columns([7, 4], gap="medium")
    with along_side:
        st.header(_("{measure} along the network").format(measure=name), anchor=False)
        if len(bars_of(analysis, measure)) < 2:
            st.info(plain(analysis.field_note) or _("Without a convolution or pool every unit sees the whole image."))
            return
        st.plotly_chart(
            along_layers(analysis, measure, dark=dark),
            key=ALONG,
            config={"displayModeBar": False},
            alt=_("{measure} of each layer; the table below has the numbers").format(measure=name),
        )

        def marks() -> None:
            _marks(
                key="chart-marks",
                data={"place": f".st-key-{ALONG}", "layers": len(analysis.layers), "colour": theme(dark=dark).mark},
                on_choose_change=layer_choice.report("chart-marks", state.choose_layer),
            )

        choosing.render(marks, analysis, view)
    with stage_side:
        st.header(_("By stage"), anchor=False)
        st.vega_lite_chart(
            per_stage(analysis, measure, dark=dark),
            alt=_("{measure} by stage and kind of layer").format(measure=name),
        )
