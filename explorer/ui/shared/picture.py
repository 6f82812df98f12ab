"""A picture in the page: SVG whose parts can be chosen by pointer, finger and keyboard.

An element that carries ``data-pick`` is a button: clicking it, or Enter and Space when it has the focus, reports
its value. Tab reaches the picture once, the arrow keys go from part to part.
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

ASSETS = Path(__file__).parents[1] / "assets"

_mount = st.components.v2.component(
    "explorer_picture",
    html='<div class="frame"></div>',
    css=(ASSETS / "picture.css").read_text(encoding="utf-8"),
    js=(ASSETS / "picture.js").read_text(encoding="utf-8"),
)


def picture(svg: str, *, key: str, on_pick: Callable[[str], None] | None = None, smallest: float = 0.6) -> None:
    """Show a picture no wider than the page.

    Args:
        svg: from :func:`explorer.drawing.svg.picture`.
        key: of the widget.
        on_pick: is called with the ``data-pick`` of the part that the user chose, before the script runs again.
        smallest: how far a wide picture may shrink to fit before it scrolls inside its own frame.
    """

    def picked() -> None:
        value = st.session_state[key].pick
        if on_pick and isinstance(value, str):
            on_pick(value)

    _mount(key=key, data={"svg": svg, "smallest": smallest}, on_pick_change=picked)
