"""What the browser is asked to do on every page, beyond what Streamlit has it do."""

from pathlib import Path

import streamlit as st

ASSETS = Path(__file__).parent / "assets"

_repaint = st.components.v2.component(
    "explorer_repaint",
    css=".st-key-repaint, .st-key-history { display: none; }",
    js=(ASSETS / "repaint.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)
_history = st.components.v2.component(
    "explorer_history", js=(ASSETS / "history.js").read_text(encoding="utf-8"), isolate_styles=False
)


def prepare() -> None:
    """Make the page ready in the browser.

    The page is drawn again when it turns from light to dark or back: Streamlit turns its own colours at once, but
    tells the script of it with its next run only. Opening a page is one entry of the history.
    """
    _repaint(key="repaint", on_turned_change=lambda: None)
    _history(key="history")
