"""One layer close up: what its middle unit sees of the image, and every number with its formula."""

import streamlit as st

from explorer.analysis import Analysis, Layer
from explorer.analysis.measures import Place, shown
from explorer.drawing import field_picture
from explorer.formatting import shape
from explorer.i18n import _
from explorer.ui.architecture.tables import sees
from explorer.ui.shared.picture import picture
from explorer.ui.shared.text import plain


def render(analysis: Analysis, chosen: str, *, dark: bool) -> None:
    """The chosen layer, or the last map of the network where none is chosen."""
    layer = next((layer for layer in analysis.layers if layer.name == chosen), None)
    with st.container(border=True, key="layer-panel"):
        side, words = st.columns([2, 3], gap="small") if layer else (st.container(), st.container())
        traced = any(layer.field for layer in analysis.layers)
        field = layer.field if layer else analysis.field if traced else None
        with side:
            if field:
                picture(field_picture.draw(analysis, field, dark=dark), key="field-picture", smallest=0.3)
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
                        "Choose a layer in the diagram, the chart or the table: then its numbers stand here, and how "
                        "they come about."
                    )
                )


def _numbers(layer: Layer) -> None:
    st.markdown(f"**{plain(layer.name)}** · {plain(layer.words)}")
    lines = [
        (_("Map"), f"{shape(layer.input_shape)} → {shape(layer.output_shape)}"),
        (_("Output side"), layer.formulas["output_shape"]),
        *((measure.record.heading(), measure.formula(layer)) for measure in shown(Place.PANEL)),
        (_("Smallest field of all paths"), _smallest(layer)),
        (_("Middle unit sees"), sees(layer)),
        (_("Units that see the whole image"), _seeing(layer)),
    ]
    st.markdown("\n".join(f"- {plain(label)}: **{plain(text)}**" for label, text in lines if text))
    for note in layer.notes:
        st.caption(plain(note))


def _smallest(layer: Layer) -> str:
    """The field along the path with the smallest one; empty where all paths see as much."""
    if layer.field is None or layer.field.smallest == layer.field.size:
        return ""
    return _("{size} pixels").format(size=f"{layer.field.smallest:,}")


def _seeing(layer: Layer) -> str:
    """Where the units are that see the whole image: those at the border of a map see a part alone."""
    field = layer.field
    if field is None or field.seeing is None:
        return _("none") if field else ""
    (top, bottom), (left, right) = field.seeing
    return _("rows {top}–{bottom}, columns {left}–{right}").format(top=top, bottom=bottom, left=left, right=right)
