"""SVG figures on a page. The user can choose parts of a figure with pointer, finger or keyboard.

An element with ``data-pick`` is a button. A click on it, or Enter or Space when it has the focus, reports its value.
Tab reaches the figure once; the arrow keys move the focus from part to part.

No text becomes smaller than 12 pixels. Diagrams of networks wrap into rows; other figures scroll in their frame, with
an overview above it. The user zooms with Ctrl and the wheel, two fingers, ``+``, ``-`` and ``0``; on the full screen,
with the wheel alone.
"""

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import streamlit as st

from explorer.i18n import _
from explorer.ui.callbacks import trigger_value
from explorer.ui.shared import layer_choice

ASSETS = Path(__file__).parents[1] / "assets"
WIDTH = re.compile(r'<svg[^>]* width="([0-9.]+)"')

_mount = st.components.v2.component(
    "explorer_figure",
    html='<div class="figure"><div class="bar"><div class="overview" aria-hidden="true"></div><div class="tools"></div>'
    '</div><div class="frame"></div></div>',
    css=(ASSETS / "figure.css").read_text(encoding="utf-8"),
    js=layer_choice.SCRIPT
    + "".join((ASSETS / name).read_text(encoding="utf-8") for name in ("rows.js", "zoom.js", "figure.js")),
)


def show_figure(
    svg: str,
    *,
    key: str,
    on_pick: Callable[[str], None] | None = None,
    tools: bool = False,
    on_choose: Callable[[str], None] | None = None,
    width: int | Literal["stretch"] = "stretch",
) -> None:
    """Show a figure that is no wider than the page.

    Args:
        svg: Figure from :func:`explorer.drawing.svg.figure`.
        key: Key of the widget.
        on_pick: Callback for a click, with the ``data-pick`` value of the part. It runs before the script.
        tools: Whether the buttons for zoom and full screen are always visible, not only if the figure scrolls.
        on_choose: Callback for a click on a part ``layer:NAME``, with the layer that is chosen then; empty for none.
            The browser marks the layer at once, in all parts of the page.
        width: Width of its place in pixels; by default that of the page.
    """

    def report() -> None:
        value = trigger_value(key, "pick")
        if on_pick and isinstance(value, str):
            on_pick(value)

    labels = {
        "out": _("Zoom out (key −)"),
        "in": _("Zoom in (key +)"),
        "fit": _("Fit to the width (key 0)"),
        "full": _("Full screen"),
    }
    _mount(
        key=key,
        data={"svg": svg, "labels": labels, "tools": tools, "choosesLayers": on_choose is not None},
        on_pick_change=report,
        on_choose_change=layer_choice.report(key, on_choose or (lambda _layer: None)),
        width=width,
    )


def show_row(figures: Sequence[str], *, key: str) -> None:
    """Show figures next to each other, each as wide as it is drawn. What does not fit moves to the next row.

    Args:
        figures: Figures from :func:`explorer.drawing.svg.figure`.
        key: Beginning of the keys of the widgets.
    """
    with st.container(horizontal=True, gap=None):
        for number, svg in enumerate(figures):
            width = WIDTH.match(svg)
            show_figure(svg, key=f"{key}.{number}", width=math.ceil(float(width[1])) if width else "stretch")
