"""Predict: a field to draw a digit into. A network of ours answers in the browser while the finger moves."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.errors import InputError
from explorer.i18n import _
from explorer.ui.shared import drawing_field
from explorer.ui.shared.text import plain
from explorer.ui.start import parts

NETWORK = "digits-cnn"
SIDE = 220  # pixels of the field


def render() -> DeltaGenerator:
    """Render the card, and return the place of the field."""
    with parts.card("predict", _("Predict"), _("Draw a digit: a small network answers at once.")):
        place = st.container(key="start-drawing-place")
        with st.container(horizontal=True):
            parts.link("predict", _("Ask about a photograph"))
            parts.link("predict", _("See how it decides"), {"weights": NETWORK})
    return place


def fill(place: DeltaGenerator) -> None:
    """Render the field. Comes after the links, because the network is read from its file first."""
    with place:
        try:
            drawing_field.show(NETWORK, key="start-drawing", side=SIDE)
        except InputError as error:
            st.error(plain(str(error)), icon=":material/error:")
