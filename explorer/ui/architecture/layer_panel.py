"""One layer close up: the receptive field of its middle unit, and every number with its formula.

The data of all layers are sent with the network, so that the browser shows a layer without asking the server.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from explorer.analysis import Analysis, Layer, ReceptiveField, SpecAnalysis, analyse
from explorer.analysis.measures import Place, measures_at
from explorer.drawing import field_figure
from explorer.families import Spec
from explorer.formatting import shape
from explorer.i18n import _, language, ngettext
from explorer.ui.architecture.tables import visible_range
from explorer.ui.shared import layer_choice

ASSETS = Path(__file__).parents[1] / "assets"

_mount = st.components.v2.component(
    "explorer_layer_panel",
    html='<div class="panel" role="status" tabindex="0"><div class="picture"></div><div class="words"></div></div>',
    css=(ASSETS / "layer_panel.css").read_text(encoding="utf-8"),
    js=layer_choice.SCRIPT + (ASSETS / "layer_panel.js").read_text(encoding="utf-8"),
)


def render(analysis: Analysis, *, dark: bool) -> None:
    """Render the panel of the chosen layer; if none is chosen, it shows the last map of the network."""
    with st.container(key="layer-panel"):
        if isinstance(analysis, SpecAnalysis):
            data = _cached_data(analysis.spec, language(), dark)
        else:
            data = panel_data(analysis, dark=dark)
        _mount(key="layer-panel-data", data=data)


@lru_cache(maxsize=64)
def _cached_data(spec: Spec, _language: str, dark: bool) -> dict[str, Any]:
    """Return :func:`panel_data`. No option of the page changes it, and most runs of the page show the same network."""
    return panel_data(analyse(spec), dark=dark)


def panel_data(analysis: Analysis, *, dark: bool) -> dict[str, Any]:
    """Return what the panel shows of each layer, and without a layer.

    Many layers have the same receptive field, so its figures are listed once, and layers name their position. So do
    their lines with the labels.
    """
    fields: dict[ReceptiveField, int] = {}

    def position_of(field: ReceptiveField | None) -> int | None:
        return None if field is None else fields.setdefault(field, len(fields))

    labels = _labels()
    layers = [_panel(layer, position_of(layer.field)) for layer in analysis.all_layers]
    none = _nothing_chosen(analysis, position_of(_last_field(analysis)))
    figures = [
        {"svg": field_figure.draw(analysis, field, dark=dark), "lines": field_figure.lines(analysis, field)}
        for field in fields
    ]
    return {"layers": layers, "none": none, "figures": figures, "labels": labels, "label": _("The chosen layer")}


def _last_field(analysis: Analysis) -> ReceptiveField | None:
    return analysis.field if any(layer.field for layer in analysis.layers) else None


def _nothing_chosen(analysis: Analysis, figure: int | None) -> dict[str, Any]:
    notes = []
    if figure is not None:
        notes.append(_("The picture shows what its middle unit sees of the image."))
    elif analysis.field_note:
        notes.append(analysis.field_note)
    notes.append(
        _("Point at a layer in the diagram, the chart or the table to see its numbers here; a click keeps it.")
    )
    title = _("No layer is chosen") if figure is None else _("The last map before the head")
    return {"title": title, "description": "", "lines": [], "notes": notes, "figure": figure}


def _labels() -> list[str]:
    """Return the labels of the lines, in the order of the lines."""
    return [
        _("Map"),
        _("Output side"),
        *(measure.definition.heading() for measure in measures_at(Place.PANEL)),
        _("Smallest field of all paths"),
        _("Middle unit sees"),
        _("Units that see the whole image"),
    ]


def _panel(layer: Layer, figure: int | None) -> dict[str, Any]:
    texts = [
        f"{shape(layer.input_shape)} → {shape(layer.output_shape)}",
        layer.formulas["output_shape"],
        *(measure.formula(layer) for measure in measures_at(Place.PANEL)),
        _smallest_field(layer),
        visible_range(layer),
        _units_that_see_all(layer),
    ]
    return {
        "name": layer.name,
        "title": layer.name,
        "description": layer.description,
        "lines": [(label, text) for label, text in enumerate(texts) if text],
        "notes": list(layer.notes),
        "figure": figure,
    }


def _smallest_field(layer: Layer) -> str:
    """Return the smallest receptive field of all paths to the layer; empty if all paths have the same."""
    if layer.field is None or layer.field.smallest_over_paths == layer.field.size:
        return ""
    size = layer.field.smallest_over_paths
    return ngettext("{size:,} pixel", "{size:,} pixels", size).format(size=size)


def _units_that_see_all(layer: Layer) -> str:
    """Return the rows and columns of the units that see the whole image. Units near the border see only a part."""
    field = layer.field
    if field is None or field.full_view is None:
        return _("none") if field else ""
    (top, bottom), (left, right) = field.full_view
    return _("rows {top}–{bottom}, columns {left}–{right}").format(top=top, bottom=bottom, left=left, right=right)
