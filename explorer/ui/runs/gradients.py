"""The gradient norms of the layers of runs: a heat chart of layers and epochs for each run."""

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from explorer.analysis import analyse
from explorer.analysis.kinds import WEIGHTED, group_of
from explorer.errors import InputError
from explorer.families import parse_spec
from explorer.i18n import _
from explorer.jobs.run_directory import Row
from explorer.jobs.store import ACTIVE, Record
from explorer.ui.glossary import explain
from explorer.ui.runs import shared
from explorer.ui.shared.chart_text import readable
from explorer.ui.shared.text import plain

MAX_RUNS = 4
TICKS = 5  # of the colour scale
ROW_HEIGHT, AXIS_HEIGHT, MIN_HEIGHT, MAX_HEIGHT = 14, 110, 240, 640  # pixels


def render(records: Sequence[Record]) -> None:
    """Render a heat chart for each of the first runs, all with one scale of colours."""
    found = {record.id: shared.layer_gradients(record) for record in records[:MAX_RUNS]}
    shown = [record for record in records[:MAX_RUNS] if found[record.id]]
    if not shown:
        st.info(
            _("The gradients of the layers begin with the first step.")
            if any(record.status in ACTIVE for record in records)
            else _("These runs have no gradients of layers: they are recorded since this version."),
            icon=":material/show_chart:",
        )
        return
    st.caption(
        _(
            "The length of the gradient of each layer's weights before clipping, at the first step and at up to 64 "
            "steps of the run. Dark rows learn little. If the gradient vanishes on its way back, the rows near the "
            "image are the darkest; if it explodes, they are the brightest."
        ),
        help=explain("gradient-norm"),
    )
    numbers = [row.value for record in shown for rows in found[record.id].values() for row in rows if row.value > 0]
    if not numbers:
        st.info(_("All recorded gradients are zero."), icon=":material/show_chart:")
        return
    limits = (math.log10(min(numbers)), math.log10(max(numbers)))
    for record in shown:
        layers = _in_order(record, found[record.id])
        if len(records) > 1:
            st.subheader(plain(record.name), anchor=False)
        st.plotly_chart(
            readable(_chart(layers, limits)), key=f"runs-gradients-{record.id}", config={"displayModeBar": False},
            alt=_summary(layers),
        )  # fmt: skip
        st.caption(_summary(layers))
    if len(records) > MAX_RUNS:
        st.caption(_("The first {count} runs are shown.").format(count=MAX_RUNS))


def _in_order(record: Record, found: Mapping[str, list[Row]]) -> dict[str, list[Row]]:
    """Return the gradients in the order in which the layers run; those of auxiliary heads last."""
    try:
        analysis = analyse(parse_spec(record.spec))
    except InputError:  # the network of a removed family
        return dict(found)
    names = [layer.name for layer in analysis.all_layers if group_of(layer.kind) in WEIGHTED]
    return {name: found[name] for name in (*names, *found.keys() - set(names)) if name in found}


def _summary(layers: Mapping[str, list[Row]]) -> str:
    """Return the norms of the first and the last layer at the first and at the last recorded step, in a sentence."""
    first, last = next(iter(layers)), next(reversed(list(layers)))
    return _(
        "{first}, the first layer: {before:.2g} at the first recorded step, {after:.2g} at the last. {last}, the last "
        "layer: {last_before:.2g}, then {last_after:.2g}."
    ).format(
        first=plain(first), before=layers[first][0].value, after=layers[first][-1].value, last=plain(last),
        last_before=layers[last][0].value, last_after=layers[last][-1].value,
    )  # fmt: skip


def _chart(layers: Mapping[str, list[Row]], limits: tuple[float, float]) -> go.Figure:
    """Return a heat chart: epochs from left to right, layers from the image down, logarithmic colours.

    Args:
        layers: Gradient norms by layer.
        limits: Decimal logarithms of the least and the largest norm of all charts.
    """
    epochs = sorted({row.epoch for rows in layers.values() for row in rows})
    by_place = {(name, row.epoch): row.value for name, rows in layers.items() for row in rows}
    ticks = [limits[0] + share * (limits[1] - limits[0]) / (TICKS - 1) for share in range(TICKS)]
    values = [[by_place.get((name, epoch)) for epoch in epochs] for name in layers]
    figure = go.Figure(
        go.Heatmap(
            x=epochs, y=list(layers),
            z=[[math.log10(value) if value else None for value in row] for row in values], zmin=limits[0],
            zmax=limits[1], colorscale="Cividis", customdata=values, ygap=1 if len(layers) <= MAX_HEIGHT // 8 else 0,
            colorbar={
                "title": {"text": _("Norm")}, "thickness": 12, "tickvals": ticks,
                "ticktext": [f"{10**tick:.2g}" for tick in ticks],  # no powers: their exponents are too small to read
            },
            hovertemplate=_("%{y}, epoch %{x:.2f}: %{customdata:.3g}<extra></extra>"),
        )
    )  # fmt: skip
    figure.update_layout(
        height=min(MAX_HEIGHT, max(MIN_HEIGHT, ROW_HEIGHT * len(layers) + AXIS_HEIGHT)),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"title": _("Epoch"), "nticks": 8, "showgrid": False},
        yaxis={"autorange": "reversed", "showgrid": False, "automargin": True},
        dragmode=False,
    )
    return figure
