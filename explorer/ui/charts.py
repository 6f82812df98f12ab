"""Charts of an analysis. Colours come from the kinds of layers and from the page's theme."""

from typing import Any

import altair as alt
import pandas as pd
import plotly.graph_objects as go

from explorer.analysis import Analysis, Layer
from explorer.drawing.kinds import DARK, LIGHT, Group, group_name, group_of
from explorer.drawing.numbers import short
from explorer.i18n import _

BAR = 30
AXES = 130  # axis and legend


def palette(*, dark: bool) -> dict[Group, str]:
    """Colours of the kinds of layers on a light or dark page."""
    return DARK if dark else LIGHT


def field_growth(analysis: Analysis, *, dark: bool) -> go.Figure:
    """Receptive field size along the layers, against the size of the image."""
    image, colours = analysis.spec.image_size, palette(dark=dark)
    layers = [(position, layer) for position, layer in enumerate(analysis.layers) if layer.field]
    figure = go.Figure()
    figure.add_scatter(
        x=[position for position, _layer in layers],
        y=[layer.field.size for _position, layer in layers if layer.field],
        mode="lines",
        line={"color": colours[Group.OTHER], "width": 1, "shape": "hv"},
        hoverinfo="skip",
        showlegend=False,
    )
    for group in Group:
        chosen = [(position, layer) for position, layer in layers if group_of(layer.kind) is group]
        if not chosen:
            continue
        figure.add_scatter(
            x=[position for position, _layer in chosen],
            y=[layer.field.size for _position, layer in chosen if layer.field],
            mode="markers",
            name=group_name(group),
            marker={"color": colours[group], "size": 7},
            text=[_hover(layer) for _position, layer in chosen],
            hovertemplate="%{text}<extra></extra>",
        )
    figure.add_hline(
        y=image,
        line={"dash": "dash", "color": colours[Group.SHORTCUT], "width": 1.5},
        annotation={"text": _("image: {size} pixels").format(size=image), "xanchor": "left"},
        annotation_position="top left",
    )
    figure.update_layout(
        height=330,
        margin={"l": 8, "r": 8, "t": 22, "b": 8},
        xaxis={
            "title": _("Layer, in the order of the table"),
            "range": [-1, max(len(layers), 2)],
            "tickformat": "d",
            "nticks": 8,
        },
        yaxis={"title": _("Receptive field (pixels)"), "rangemode": "tozero"},
        legend={"orientation": "h", "yanchor": "top", "y": -0.22, "x": 0},
    )
    return figure


def _hover(layer: Layer) -> str:
    field = layer.field
    return (
        _("{name}<br>{size} pixels, stride {stride}, padding {padding}").format(
            name=layer.name, size=field.size, stride=field.stride, padding=field.padding
        )
        if field
        else layer.name
    )


def stage_sums(analysis: Analysis) -> pd.DataFrame:
    """Parameters, MACs and activation bytes by stage and kind of layer, stages in their order."""
    frame = pd.DataFrame(
        {
            "stage": [layer.stage for layer in analysis.layers],
            "group": [group_name(group_of(layer.kind)) for layer in analysis.layers],
            "params": [layer.params for layer in analysis.layers],
            "macs": [layer.macs for layer in analysis.layers],
            "activations": [layer.activation_bytes for layer in analysis.layers],
        }
    )
    return frame.groupby(["stage", "group"], sort=False, as_index=False).sum()


def per_stage(sums: pd.DataFrame, column: str, title: str, *, dark: bool) -> Any:
    """An Altair chart: one bar per stage (maps of one size, then the head), stacked by kind of layer."""
    stages = list(dict.fromkeys(sums["stage"]))
    shown = sums[sums[column] > 0].assign(
        exact=lambda frame: frame[column].map("{:,}".format), short=lambda frame: frame[column].map(short)
    )
    colours = palette(dark=dark)
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
            x=alt.X(f"{column}:Q", title=title, axis=alt.Axis(format="~s", tickCount=4)),
            color=alt.Color(
                "group:N",
                scale=alt.Scale(domain=present, range=[colours[list(Group)[names.index(name)]] for name in present]),
                legend=alt.Legend(orient="bottom", title=None, columns=2),
            ),
            tooltip=[
                alt.Tooltip("stage:N", title=_("Stage")),
                alt.Tooltip("group:N", title=_("Kind")),
                alt.Tooltip("exact:N", title=title),
            ],
        )
    )
