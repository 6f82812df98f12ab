"""Scripts that run in the browser on every page, in addition to Streamlit's."""

from pathlib import Path

import streamlit as st

ASSETS = Path(__file__).parent / "assets"

_repaint = st.components.v2.component(
    "explorer_repaint",
    js=(ASSETS / "repaint.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)
_history = st.components.v2.component(
    "explorer_history", js=(ASSETS / "history.js").read_text(encoding="utf-8"), isolate_styles=False
)


def add_scripts() -> None:
    """Add the scripts to the page.

    The first one runs the page again when the user changes the theme: Streamlit changes its own colours at once, but
    the script learns about it only in its next run. The second one makes the opening of a page one entry of
    the history.
    """
    # Among the elements that Streamlit does not lay out, such as passing messages. On the page, a skeleton would stand
    # for each until its script is loaded, and then everything below would jump.
    with st._event:
        _repaint(key="repaint", on_theme_change=lambda: None)
        _history(key="history")
