"""The table of layers, with numbers or with the formulas behind them."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from explorer.analysis import Analysis, Layer
from explorer.analysis.measures import Measure, Place, measures_at
from explorer.formatting import shape
from explorer.i18n import _, language, ngettext
from explorer.ui.architecture import choosing, state
from explorer.ui.architecture.view import ArchitectureView
from explorer.ui.glossary import explain, explain_in_text
from explorer.ui.shared import layer_choice
from explorer.ui.shared.text import plain

ASSETS = Path(__file__).parents[1] / "assets"
ROW_HEIGHT = 30  # pixels
# Least widths in rem. Together, the columns of numbers fit into a window of 1280 pixels.
NAME_WIDTH, KIND_WIDTH, STAGE_WIDTH, OUTPUT_WIDTH, SEES_WIDTH = 9.5, 6.2, 4.3, 6.4, 5.2
NUMBER_WIDTH = 4.0
NUMBER_WIDTHS = {Measure.PARAMS: 5.9, Measure.MACS: 6.9, Measure.FLOPS: 6.9, Measure.ACTIVATION_BYTES: 5.8}
SIDE_WIDTH, FORMULA_WIDTH, WIDE_WIDTH = 13.0, 18.0, 24.0
WIDE = (Measure.MACS, Measure.FLOPS)  # columns with long formulas
# Columns whose name is not the key of their measure. A download of the table has these names.
COLUMNS = {Measure.ACTIVATION_BYTES: "memory", Measure.RECEPTIVE_FIELD: "field", Measure.STRIDE: "jump"}

_mount = st.components.v2.component(
    "explorer_layer_table",
    html=(ASSETS / "layer_table.html").read_text(encoding="utf-8"),
    css=(ASSETS / "layer_table.css").read_text(encoding="utf-8"),
    js=layer_choice.SCRIPT + (ASSETS / "layer_table.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes:
        key: Name of the column in a download.
        title: Heading.
        term: Term of the glossary that explains the heading. Empty for none.
        note: Explanation in addition to the term. Empty for none.
        width: Least width in rem; columns share the space that is left.
        number: Whether the values are numbers.
    """

    key: str
    title: str
    term: str = ""
    note: str = ""
    width: float = KIND_WIDTH
    number: bool = False

    @property
    def markdown(self) -> str:
        """Explanation as Markdown."""
        return explain(self.term, self.note) if self.term else self.note

    @property
    def tooltip(self) -> str:
        """Explanation as plain text."""
        return explain_in_text(self.term, self.note) if self.term else self.note


def number_rows(layers: Iterable[Layer]) -> list[tuple[Any, ...]]:
    """Return the numbers of the layers: a row for each layer, with the values of :func:`number_columns`."""
    measures = measures_at(Place.TABLE)
    return [
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


def formula_rows(layers: Iterable[Layer]) -> list[tuple[str, ...]]:
    """Return the formulas behind the numbers with values filled in, with the values of :func:`formula_columns`."""
    measures = _formula_measures()
    return [
        (layer.name, layer.kind, layer.formulas["output_shape"], *(measure.formula(layer) for measure in measures))
        for layer in layers
    ]


def _formula_measures() -> list[Measure]:
    # Memory comes last because its formula is the least informative.
    return sorted(measures_at(Place.FORMULAS), key=lambda measure: measure is Measure.ACTIVATION_BYTES)


def number_columns() -> list[Column]:
    """Return the columns of the numbers."""
    return [
        Column("layer", _("Layer"), width=NAME_WIDTH),
        Column("kind", _("Kind")),
        Column("stage", _("Stage"), "stage", width=STAGE_WIDTH),
        Column(
            "output", _("Output"), "feature-map", _("Channels, rows and columns for one image."), width=OUTPUT_WIDTH
        ),
        *(_measure_column(measure) for measure in measures_at(Place.TABLE)),
        Column(
            "sees",
            _("Middle unit sees"),
            note=_("Rows and columns of the image, cut off at its edge."),
            width=SEES_WIDTH,
        ),
    ]


def _measure_column(measure: Measure) -> Column:
    definition, names = measure.definition, measure.definition.names()
    title = names.column or definition.heading()
    width = NUMBER_WIDTHS.get(measure, NUMBER_WIDTH)
    return Column(COLUMNS.get(measure, str(measure)), title, definition.term, names.note, width, number=True)


def formula_columns() -> list[Column]:
    """Return the columns of the formulas."""
    return [
        Column("layer", _("Layer"), width=NAME_WIDTH),
        Column("kind", _("Kind")),
        Column("output_shape", _("Output side"), width=SIDE_WIDTH),
        *(
            Column(str(measure), measure.definition.heading(), width=WIDE_WIDTH if measure in WIDE else FORMULA_WIDTH)
            for measure in _formula_measures()
        ),
    ]


def render(analysis: Analysis, view: ArchitectureView) -> None:
    """Render the table. Its chosen row is the layer that the page shows close up."""
    shows_formulas = view.table == "formulas"
    rows = (formula_rows if shows_formulas else number_rows)(analysis.layers)
    columns = formula_columns() if shows_formulas else number_columns()
    data = {
        "columns": [
            {
                "key": column.key,
                "title": column.title,
                "help": column.tooltip,
                "width": column.width,
                "number": column.number,
            }
            for column in columns
        ],
        "rows": rows,
        "version": f"{zlib.crc32(repr(rows).encode()):08x}",
        "language": language(),
        "file": "layers.csv",
        "labels": {
            "table": _("Layers with shapes, parameters, MACs, memory and receptive field"),
            "search": _("Search layers"),
            "save": _("Download CSV"),
            "count": _("{found} of {all} layers"),
        },
    }

    def mount() -> None:
        _mount(key="layers", data=data, on_choose_change=layer_choice.report("layers", state.choose_layer))

    choosing.render(mount, analysis, view)


def render_heads(analysis: Analysis) -> None:
    """Render a table of the layers of the auxiliary heads, if there are any. The network's numbers don't count them."""
    if not analysis.auxiliary:
        return
    st.subheader(_("Auxiliary heads"), anchor=False)
    words = [
        ngettext(
            "{name} after {layer}: {count:,} parameter", "{name} after {layer}: {count:,} parameters", head.params
        ).format(name=head.name, layer=analysis.layers[head.source].name, count=head.params)
        for head in analysis.auxiliary
    ]
    st.caption(
        _("They run in training only, and no number includes them except training memory. {heads}.").format(
            heads=plain("; ".join(words))
        )
    )
    columns = number_columns()
    rows = number_rows(layer for head in analysis.auxiliary for layer in head.layers)
    st.dataframe(
        pd.DataFrame(rows, columns=[column.key for column in columns]),
        column_config={
            column.key: st.column_config.NumberColumn(column.title, help=column.markdown, format="localized")
            if column.number
            else st.column_config.TextColumn(column.title, help=column.markdown)
            for column in columns
        },
        hide_index=True,
        placeholder="–",
        row_height=ROW_HEIGHT,
        height=ROW_HEIGHT * (len(rows) + 1) + 2,
        key="heads",
        alt=_("Layers of the auxiliary heads with shapes, parameters, MACs and memory"),
    )
