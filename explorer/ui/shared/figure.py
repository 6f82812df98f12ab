"""SVG figures on a page. The user can choose parts of a figure with pointer, finger or keyboard.

An element with ``data-pick`` is a button. A click on it, or Enter or Space when it has the focus, reports its value.
Tab reaches the figure once; the arrow keys move the focus from part to part.
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from explorer.ui.shared import layer_choice

ASSETS = Path(__file__).parents[1] / "assets"

_mount = st.components.v2.component(
    "explorer_figure",
    html='<div class="frame"></div>',
    css=(ASSETS / "figure.css").read_text(encoding="utf-8"),
    js=layer_choice.SCRIPT + (ASSETS / "figure.js").read_text(encoding="utf-8"),
)


def show_figure(
    svg: str,
    *,
    key: str,
    on_pick: Callable[[str], None] | None = None,
    min_scale: float = 0.6,
    chooses_layers: bool = False,
) -> None:
    """Show a figure that is no wider than the page.

    Args:
        svg: Figure from :func:`explorer.drawing.svg.picture`.
        key: Key of the widget.
        on_pick: Callback for a click, with the ``data-pick`` value of the part. It runs before the script.
        min_scale: Smallest scale of a wide figure. If it doesn't fit then, it scrolls in its own frame.
        chooses_layers: Whether parts ``layer:NAME`` choose the layer of the page. The browser marks it at once, and
            ``on_pick`` gets the chosen layer, ``layer:`` for none.
    """

    def report() -> None:
        value = st.session_state[key].pick
        if on_pick and isinstance(value, str):
            on_pick(value)

    _mount(key=key, data={"svg": svg, "minScale": min_scale, "choosesLayers": chooses_layers}, on_pick_change=report)
