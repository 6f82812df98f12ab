"""The table of layers: numbers, or the formulas behind them."""

from collections.abc import Iterable
from typing import Any

import pandas as pd
import streamlit as st

from explorer.analysis import Analysis, Layer
from explorer.analysis.measures import Measure, Place, shown
from explorer.formatting import shape
from explorer.i18n import _
from explorer.ui.architecture import state
from explorer.ui.architecture.view import ArchitectureView
from explorer.ui.glossary import explain
from explorer.ui.shared.selection import ticked
from explorer.ui.shared.text import plain

ROW_HEIGHT = 30
ROWS_SHOWN = 16
WIDE = (Measure.MACS, Measure.FLOPS)
# Columns that are not called by the key of their measure: what is downloaded from the table has these names.
COLUMNS = {Measure.ACTIVATION_BYTES: "memory", Measure.RECEPTIVE_FIELD: "field", Measure.STRIDE: "jump"}


def layer_table(layers: Iterable[Layer]) -> pd.DataFrame:
    """One row per layer: its numbers."""
    measures = shown(Place.TABLE)
    columns = [COLUMNS.get(measure, str(measure)) for measure in measures]
    rows = [
        (
            layer.name,
            layer.kind,
            layer.stage,
            shape(layer.output_shape),
            *(measure.record.amount([layer]) for measure in measures),
            sees(layer),
        )
        for layer in layers
    ]
    return pd.DataFrame(rows, columns=["layer", "kind", "stage", "output", *columns, "sees"])


def sees(layer: Layer) -> str:
    """Which rows and columns of the image the middle unit sees (``111–113`` for both), or why that can't be said."""
    if layer.field is None:
        return _("everything") if layer.sees_whole_image else _("not traced")
    rows, columns = layer.field.span
    if rows is None or columns is None:
        return _("padding only")
    across = f"{rows[0]}–{rows[1]}"
    return across if rows == columns else f"{across} × {columns[0]}–{columns[1]}"


def formula_table(layers: Iterable[Layer]) -> pd.DataFrame:
    """One row per layer: the formula behind each number, filled in."""
    measures = _formulas()
    rows = [
        (layer.name, layer.kind, layer.formulas["output_shape"], *(measure.formula(layer) for measure in measures))
        for layer in layers
    ]
    return pd.DataFrame(rows, columns=["layer", "kind", "output_shape", *map(str, measures)])


def _formulas() -> list[Measure]:
    # Memory stands last: its formula says least.
    return sorted(shown(Place.FORMULAS), key=lambda measure: measure is Measure.ACTIVATION_BYTES)


def number_columns() -> dict[str, Any]:
    """Titles, explanations and alignment of the columns of :func:`layer_table`."""
    columns = {
        "layer": st.column_config.TextColumn(_("Layer"), pinned=True, width=190),
        "kind": st.column_config.TextColumn(_("Kind")),
        "stage": st.column_config.TextColumn(_("Stage"), help=explain("stage")),
        "output": st.column_config.TextColumn(
            _("Output"), help=explain("feature-map", _("Channels, rows and columns for one image."))
        ),
        "sees": st.column_config.TextColumn(
            _("Middle unit sees"), help=_("Rows and columns of the image, cut off at its edge.")
        ),
    }
    for measure in shown(Place.TABLE):
        record, names = measure.record, measure.record.names()
        columns[COLUMNS.get(measure, str(measure))] = st.column_config.NumberColumn(
            names.column or record.heading(), help=explain(record.term, names.note), format="localized"
        )
    return columns


def formula_columns() -> dict[str, Any]:
    """Titles of the columns of :func:`formula_table`."""
    return {
        "layer": st.column_config.TextColumn(_("Layer"), pinned=True, width=190),
        "kind": st.column_config.TextColumn(_("Kind")),
        "output_shape": st.column_config.TextColumn(_("Output side")),
        **{
            measure: st.column_config.TextColumn(measure.record.heading(), width=320 if measure in WIDE else None)
            for measure in _formulas()
        },
    }


def render(analysis: Analysis, view: ArchitectureView) -> None:
    """The table; a ticked row is shown close up, and a layer chosen elsewhere is ticked here."""
    formulas_shown = view.table == "formulas"
    table = (formula_table if formulas_shown else layer_table)(analysis.layers)
    names = [layer.name for layer in analysis.layers]
    rows = [names.index(view.layer)] if view.layer in names else []
    if rows:
        layer = analysis.layers[rows[0]]
        st.caption(
            _("Chosen: {name}, {kind}, {output}, {params:,} parameters, {macs:,} MACs").format(
                name=plain(layer.name),
                kind=layer.kind,
                output=shape(layer.output_shape),
                params=layer.params,
                macs=layer.macs,
            )
        )
    else:
        st.caption(_("Tick a row to see that layer close up."))
    key = ticked("layers", rows)

    def picked() -> None:
        ticked = [row for row in st.session_state[key].selection.rows if row < len(names)]
        state.choose_layer(names[ticked[0]] if ticked else "")

    st.dataframe(
        table,
        hide_index=True,
        column_config=formula_columns() if formulas_shown else number_columns(),
        row_height=ROW_HEIGHT,
        height=ROW_HEIGHT * (min(len(table), ROWS_SHOWN) + 1) + 2,
        on_select=picked,
        selection_mode="single-row",
        key=key,
        placeholder="–",
        alt=_("Layers with shapes, parameters, MACs, memory and receptive field"),
    )


def render_heads(analysis: Analysis) -> None:
    """Where there are auxiliary heads, the table of their layers, whose sums stand apart from the network's."""
    if not analysis.auxiliary:
        return
    st.subheader(_("Auxiliary heads"), anchor=False)
    words = [
        _("{name} after {layer}: {count:,} parameters").format(
            name=head.name, layer=analysis.layers[head.after].name, count=head.params
        )
        for head in analysis.auxiliary
    ]
    st.caption(
        _("They run in training only, and count in no other number but training memory. {heads}.").format(
            heads=plain("; ".join(words))
        )
    )
    table = layer_table(layer for head in analysis.auxiliary for layer in head.layers)
    st.dataframe(
        table,
        hide_index=True,
        column_config=number_columns(),
        row_height=ROW_HEIGHT,
        height=ROW_HEIGHT * (min(len(table), ROWS_SHOWN) + 1) + 2,
        key="heads",
        placeholder="–",
        alt=_("Layers of the auxiliary heads with shapes, parameters, MACs and memory"),
    )
