"""The table of layers, with numbers or with the formulas behind them."""

from collections.abc import Iterable
from typing import Any

import pandas as pd
import streamlit as st

from explorer.analysis import Analysis, Layer
from explorer.analysis.measures import Measure, Place, measures_at
from explorer.formatting import shape
from explorer.i18n import _
from explorer.ui.architecture import state
from explorer.ui.architecture.view import ArchitectureView
from explorer.ui.glossary import explain
from explorer.ui.shared.selection import selection_key
from explorer.ui.shared.text import plain

ROW_HEIGHT = 30  # pixels
MAX_VISIBLE_ROWS = 16
WIDE = (Measure.MACS, Measure.FLOPS)  # columns with long formulas
# Columns whose name is not the key of their measure. A download of the table has these names.
COLUMNS = {Measure.ACTIVATION_BYTES: "memory", Measure.RECEPTIVE_FIELD: "field", Measure.STRIDE: "jump"}


def layer_table(layers: Iterable[Layer]) -> pd.DataFrame:
    """Return the numbers of the layers, a row for each layer."""
    measures = measures_at(Place.TABLE)
    columns = [COLUMNS.get(measure, str(measure)) for measure in measures]
    rows = [
        (
            layer.name,
            layer.kind,
            layer.stage,
            shape(layer.output_shape),
            *(measure.definition.amount([layer]) for measure in measures),
            visible_range(layer),
        )
        for layer in layers
    ]
    return pd.DataFrame(rows, columns=["layer", "kind", "stage", "output", *columns, "sees"])


def visible_range(layer: Layer) -> str:
    """Return the rows and columns of the image that the middle unit sees, as ``111–113`` if both are the same.

    If there is no such range, returns the reason.
    """
    if layer.field is None:
        return _("everything") if layer.sees_whole_image else _("not traced")
    rows, columns = layer.field.span
    if rows is None or columns is None:
        return _("padding only")
    text = f"{rows[0]}–{rows[1]}"
    return text if rows == columns else f"{text} × {columns[0]}–{columns[1]}"


def formula_table(layers: Iterable[Layer]) -> pd.DataFrame:
    """Return the formulas behind the numbers with values filled in, a row for each layer."""
    measures = _formula_measures()
    rows = [
        (layer.name, layer.kind, layer.formulas["output_shape"], *(measure.formula(layer) for measure in measures))
        for layer in layers
    ]
    return pd.DataFrame(rows, columns=["layer", "kind", "output_shape", *map(str, measures)])


def _formula_measures() -> list[Measure]:
    # Memory comes last because its formula is the least informative.
    return sorted(measures_at(Place.FORMULAS), key=lambda measure: measure is Measure.ACTIVATION_BYTES)


def number_columns() -> dict[str, Any]:
    """Return the configuration of the columns of :func:`layer_table`."""
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
    for measure in measures_at(Place.TABLE):
        definition, names = measure.definition, measure.definition.names()
        columns[COLUMNS.get(measure, str(measure))] = st.column_config.NumberColumn(
            names.column or definition.heading(), help=explain(definition.term, names.note), format="localized"
        )
    return columns


def formula_columns() -> dict[str, Any]:
    """Return the configuration of the columns of :func:`formula_table`."""
    return {
        "layer": st.column_config.TextColumn(_("Layer"), pinned=True, width=190),
        "kind": st.column_config.TextColumn(_("Kind")),
        "output_shape": st.column_config.TextColumn(_("Output side")),
        **{
            measure: st.column_config.TextColumn(measure.definition.heading(), width=320 if measure in WIDE else None)
            for measure in _formula_measures()
        },
    }


def render(analysis: Analysis, view: ArchitectureView) -> None:
    """Render the table. Its selected row is the layer that the page shows close up."""
    shows_formulas = view.table == "formulas"
    table = (formula_table if shows_formulas else layer_table)(analysis.layers)
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
    key = selection_key("layers", rows)

    def choose() -> None:
        selected = [row for row in st.session_state[key].selection.rows if row < len(names)]
        state.choose_layer(names[selected[0]] if selected else "")

    _render_table(
        table, formula_columns() if shows_formulas else number_columns(), key=key, on_select=choose,
        selection_mode="single-row", alt=_("Layers with shapes, parameters, MACs, memory and receptive field"),
    )  # fmt: skip


def _render_table(table: pd.DataFrame, columns: dict[str, Any], **options: Any) -> None:
    st.dataframe(
        table, column_config=columns, hide_index=True, placeholder="–", row_height=ROW_HEIGHT,
        height=ROW_HEIGHT * (min(len(table), MAX_VISIBLE_ROWS) + 1) + 2, **options,
    )  # fmt: skip


def render_heads(analysis: Analysis) -> None:
    """Render a table of the layers of the auxiliary heads, if there are any. The network's numbers don't count them."""
    if not analysis.auxiliary:
        return
    st.subheader(_("Auxiliary heads"), anchor=False)
    words = [
        _("{name} after {layer}: {count:,} parameters").format(
            name=head.name, layer=analysis.layers[head.source].name, count=head.params
        )
        for head in analysis.auxiliary
    ]
    st.caption(
        _("They run in training only, and no number includes them except training memory. {heads}.").format(
            heads=plain("; ".join(words))
        )
    )
    _render_table(
        layer_table(layer for head in analysis.auxiliary for layer in head.layers), number_columns(), key="heads",
        alt=_("Layers of the auxiliary heads with shapes, parameters, MACs and memory"),
    )  # fmt: skip
