"""One layer close up: the receptive field of its middle unit, and every number with its formula."""

import streamlit as st

from explorer.analysis import Analysis, Layer
from explorer.analysis.measures import Place, measures_at
from explorer.drawing import field_figure
from explorer.formatting import shape
from explorer.i18n import _
from explorer.ui.architecture.tables import visible_range
from explorer.ui.shared.figure import show_figure
from explorer.ui.shared.text import plain


def render(analysis: Analysis, chosen: str, *, dark: bool) -> None:
    """Render the chosen layer; if none is chosen, the last map of the network."""
    layer = next((layer for layer in analysis.layers if layer.name == chosen), None)
    with st.container(border=True, key="layer-panel"):
        side, words = st.columns([2, 3], gap="small") if layer else (st.container(), st.container())
        has_field = any(layer.field for layer in analysis.layers)
        field = layer.field if layer else analysis.field if has_field else None
        with side:
            if field:
                show_figure(field_figure.draw(analysis, field, dark=dark), key="field-picture", min_scale=0.3)
            elif layer:
                for note in layer.notes:
                    st.caption(plain(note))
        with words:
            if layer:
                _numbers(layer)
            else:
                if field:
                    st.markdown(_("**The last map before the head**"))
                    st.write(_("The picture shows what its middle unit sees of the image."))
                elif analysis.field_note:
                    st.write(plain(analysis.field_note))
                st.write(
                    _(
                        "Choose a layer in the diagram, the chart or the table to see its numbers here, and how "
                        "they are computed."
                    )
                )


def _numbers(layer: Layer) -> None:
    st.markdown(f"**{plain(layer.name)}** · {plain(layer.description)}")
    lines = [
        (_("Map"), f"{shape(layer.input_shape)} → {shape(layer.output_shape)}"),
        (_("Output side"), layer.formulas["output_shape"]),
        *((measure.definition.heading(), measure.formula(layer)) for measure in measures_at(Place.PANEL)),
        (_("Smallest field of all paths"), _smallest_field(layer)),
        (_("Middle unit sees"), visible_range(layer)),
        (_("Units that see the whole image"), _units_that_see_all(layer)),
    ]
    st.markdown("\n".join(f"- {plain(label)}: **{plain(text)}**" for label, text in lines if text))
    for note in layer.notes:
        st.caption(plain(note))


def _smallest_field(layer: Layer) -> str:
    """Return the smallest receptive field of all paths to the layer; empty if all paths have the same."""
    if layer.field is None or layer.field.smallest_over_paths == layer.field.size:
        return ""
    return _("{size} pixels").format(size=f"{layer.field.smallest_over_paths:,}")


def _units_that_see_all(layer: Layer) -> str:
    """Return the rows and columns of the units that see the whole image. Units near the border see only a part."""
    field = layer.field
    if field is None or field.full_view is None:
        return _("none") if field else ""
    (top, bottom), (left, right) = field.full_view
    return _("rows {top}–{bottom}, columns {left}–{right}").format(top=top, bottom=bottom, left=left, right=right)
