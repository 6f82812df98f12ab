"""The table of layers: numbers, or the formulas behind them."""

import pandas as pd
import streamlit as st

from explorer.analysis import Analysis, Layer, Term
from explorer.drawing.numbers import shape
from explorer.i18n import _

COLUMNS = ("layer", "kind", "stage", "output", "params", "macs", "flops", "memory", "field", "jump", "padding", "sees")
FORMULAS = ("output_shape", "params", "macs", "flops", "receptive_field", "activation_bytes")


def layer_table(analysis: Analysis, terms: frozenset[Term]) -> pd.DataFrame:
    """One row per layer; FLOPs of the chosen terms only."""
    return pd.DataFrame([_numbers(layer, terms) for layer in analysis.layers], columns=list(COLUMNS))


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


def number_columns() -> dict[str, object]:
    """Titles, explanations and alignment of the columns of :func:`layer_table`."""

    def number(title: str, explanation: str) -> object:
        return st.column_config.NumberColumn(title, help=explanation, format="localized")

    return {
        "layer": st.column_config.TextColumn(_("Layer"), pinned=True, width=190),
        "kind": st.column_config.TextColumn(_("Kind")),
        "stage": st.column_config.TextColumn(_("Stage"), help=_("Layers on maps of one size make a stage.")),
        "output": st.column_config.TextColumn(_("Output"), help=_("Channels, rows and columns for one image.")),
        "params": number(_("Parameters"), _("Numbers that training changes.")),
        "macs": number(_("MACs"), _("Multiply-accumulates for one image, bias not counted.")),
        "flops": number(_("FLOPs"), _("Twice the MACs and the chosen other terms, for one image.")),
        "memory": number(_("Activations (bytes)"), _("New memory of the output for one image, in float32.")),
        "field": number(_("Field"), _("Receptive field: pixels of the image that one unit sees, along a side.")),
        "jump": number(_("Stride"), _("Pixels of the image between neighbouring units.")),
        "padding": number(_("Padding"), _("Pixels by which the first unit's field hangs over the edge.")),
        "sees": st.column_config.TextColumn(
            _("Middle unit sees"), help=_("Rows and columns of the image, cut off at its edge.")
        ),
    }


def formula_columns() -> dict[str, object]:
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
        **{key: st.column_config.TextColumn(title) for key, title in zip(FORMULAS, titles, strict=True)},
    }
