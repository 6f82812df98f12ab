"""The table of layers: numbers, or the formulas behind them."""

import secrets
from typing import Any

import pandas as pd
import streamlit as st

from explorer.analysis import Analysis, Layer, Term
from explorer.formatting import shape
from explorer.i18n import _
from explorer.ui import state
from explorer.ui.glossary import explain
from explorer.ui.text import plain
from explorer.ui.view import View

ROW_HEIGHT = 30
ROWS_SHOWN = 16
COLUMNS = ("layer", "kind", "stage", "output", "params", "macs", "flops", "memory", "field", "jump", "padding", "sees")
FORMULAS = ("output_shape", "params", "macs", "flops", "receptive_field", "activation_bytes")


def layer_table(analysis: Analysis, terms: frozenset[Term]) -> pd.DataFrame:
    """One row per layer; FLOPs of the chosen terms only."""
    return pd.DataFrame([_numbers(layer, terms) for layer in analysis.layers], columns=list(COLUMNS))


def head_table(analysis: Analysis, terms: frozenset[Term]) -> pd.DataFrame:
    """The same of the layers of auxiliary heads."""
    layers = [layer for head in analysis.auxiliary for layer in head.layers]
    return pd.DataFrame([_numbers(layer, terms) for layer in layers], columns=list(COLUMNS))


def _numbers(layer: Layer, terms: frozenset[Term]) -> tuple[object, ...]:
    field = layer.field
    return (
        layer.name,
        layer.kind,
        layer.stage,
        shape(layer.output_shape),
        layer.params,
        layer.macs,
        sum(amount for term, amount in layer.terms.items() if term in terms),
        layer.activation_bytes,
        field.size if field else None,
        field.stride if field else None,
        field.padding if field else None,
        sees(layer),
    )


def sees(layer: Layer) -> str:
    """Which rows and columns of the image the middle unit sees (``111–113`` for both), or why that can't be said."""
    if layer.field is None:
        return _("everything") if layer.sees_whole_image else _("not traced")
    rows, columns = layer.field.span
    if rows is None or columns is None:
        return _("padding only")
    across = f"{rows[0]}–{rows[1]}"
    return across if rows == columns else f"{across} × {columns[0]}–{columns[1]}"


def formula_table(analysis: Analysis) -> pd.DataFrame:
    """One row per layer: the formula behind each number, filled in."""
    rows = [(layer.name, layer.kind, *(layer.formulas[key] for key in FORMULAS)) for layer in analysis.layers]
    return pd.DataFrame(rows, columns=["layer", "kind", *FORMULAS])


def number_columns() -> dict[str, Any]:
    """Titles, explanations and alignment of the columns of :func:`layer_table`."""

    def number(title: str, explanation: str) -> Any:
        return st.column_config.NumberColumn(title, help=explanation, format="localized")

    return {
        "layer": st.column_config.TextColumn(_("Layer"), pinned=True, width=190),
        "kind": st.column_config.TextColumn(_("Kind")),
        "stage": st.column_config.TextColumn(_("Stage"), help=explain("stage")),
        "output": st.column_config.TextColumn(
            _("Output"), help=explain("feature-map", _("Channels, rows and columns for one image."))
        ),
        "params": number(_("Parameters"), explain("parameter")),
        "macs": number(_("MACs"), explain("macs")),
        "flops": number(_("FLOPs"), explain("flops", _("Of the chosen terms, for one image."))),
        "memory": number(
            _("Activations (bytes)"),
            explain("activation-memory", _("New memory of the output for one image, in float32.")),
        ),
        "field": number(_("Field"), explain("receptive-field")),
        "jump": number(_("Stride"), explain("effective-stride")),
        "padding": number(_("Padding"), explain("effective-padding")),
        "sees": st.column_config.TextColumn(
            _("Middle unit sees"), help=_("Rows and columns of the image, cut off at its edge.")
        ),
    }


def formula_columns() -> dict[str, Any]:
    """Titles of the columns of :func:`formula_table`."""
    titles = (
        _("Output side"),
        _("Parameters"),
        _("MACs"),
        _("FLOPs"),
        _("Receptive field"),
        _("Activations (bytes)"),
    )
    return {
        "layer": st.column_config.TextColumn(_("Layer"), pinned=True, width=190),
        "kind": st.column_config.TextColumn(_("Kind")),
        **{
            key: st.column_config.TextColumn(title, width=320 if key in ("macs", "flops") else None)
            for key, title in zip(FORMULAS, titles, strict=True)
        },
    }


def draw(analysis: Analysis, view: View, terms: frozenset[Term]) -> None:
    """The table; a ticked row is shown close up, and a layer chosen elsewhere is ticked here."""
    formulas_shown = view.table == "formulas"
    table = formula_table(analysis) if formulas_shown else layer_table(analysis, terms)
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


def draw_heads(analysis: Analysis, terms: frozenset[Term]) -> None:
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
    table = head_table(analysis, terms)
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


def ticked(name: str, rows: list[int]) -> str:
    """A table's key: a new one, with these rows ticked, where the browser's table may have others.

    Were the rows of the same table changed here, a browser that has not heard of it yet would untick them again.

    Args:
        name: of the table, and its first key.
        rows: their positions.
    """
    held_under = f"{name}.table"
    key: str = st.session_state.get(held_under, name)
    held = st.session_state.get(key)
    if held is None or list(held["selection"]["rows"]) != rows:
        key = f"{name}.{secrets.token_hex(4)}"
        st.session_state[held_under] = key
        st.session_state[key] = {"selection": {"rows": rows}}
    return key
