"""Predict: a field to draw a digit into, which a network of ours answers while the finger moves."""

import streamlit as st

from explorer.i18n import _
from explorer.ui.start import parts

NETWORK = "digits-cnn"


def render() -> None:
    """Render the card."""
    with (
        parts.card("predict", _("Predict"), _("Draw a digit: a network answers.")),
        st.container(horizontal=True),
    ):
        parts.link("predict", _("Open a photograph"))
        parts.link("predict", _("Digits"), {"weights": NETWORK})
