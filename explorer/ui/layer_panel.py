"""One layer close up: every number with its formula."""

import streamlit as st

from explorer.analysis import Layer
from explorer.drawing.numbers import shape
from explorer.i18n import _
from explorer.ui.tables import sees
from explorer.ui.text import plain


def draw(layer: Layer) -> None:
    """Shapes, formulas and what the middle unit sees."""
    lines = [
        (_("Input"), shape(layer.input_shape)),
        (_("Output"), shape(layer.output_shape)),
        (_("Output side"), layer.formulas["output_shape"]),
        (_("Parameters"), layer.formulas["params"]),
        (_("MACs"), layer.formulas["macs"]),
        (_("FLOPs"), layer.formulas["flops"]),
        (_("Activations (bytes)"), layer.formulas["activation_bytes"]),
        (_("Receptive field"), layer.formulas["receptive_field"]),
        (_("Stride in the image"), layer.formulas["stride"]),
        (_("Padding in the image"), layer.formulas["padding"]),
        (_("Middle unit sees"), sees(layer)),
    ]
    with st.container(border=True, key="layer-panel"):
        st.markdown(f"**{plain(layer.name)}** · {plain(layer.kind)}")
        name, formula = _("Number"), _("How it comes about")
        rows = [f"| {plain(label)} | {plain(text)} |" for label, text in lines if text]
        st.markdown("\n".join([f"| {name} | {formula} |", "|---|---|", *rows]))
        for note in layer.notes:
            st.caption(plain(note))
