"""Pages are drawn again when the browser turns from light to dark or back."""

from pathlib import Path

import streamlit as st

_mount = st.components.v2.component(
    "explorer_repaint",
    css=".st-key-repaint { display: none; }",
    js=(Path(__file__).parent / "assets" / "repaint.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def on_turn() -> None:
    """Watch the theme: Streamlit turns its own colours at once, but tells the script of it with its next run only."""
    _mount(key="repaint", on_turned_change=lambda: None)
