"""A grid of pictures as buttons. The keyboard reaches the grid with one tab stop, and its pictures with arrow keys."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from explorer.ui.callbacks import trigger_value
from explorer.ui.predict import preview

ASSETS = Path(__file__).parents[1] / "assets"

_mount = st.components.v2.component(
    "explorer_pictures",
    html='<div class="grid" role="group"></div>',
    css=(ASSETS / "pictures.css").read_text(encoding="utf-8"),
    js=preview.SCRIPT + (ASSETS / "pictures.js").read_text(encoding="utf-8"),
)


class GridItem(NamedTuple):
    """A picture as a data URL, its caption (may be empty), and its alternative text."""

    url: str
    label: str
    alt: str


def picture_grid(
    items: Sequence[GridItem],
    *,
    key: str,
    chosen: int | None = None,
    side: int = 96,
    on_pick: Callable[[int], None] | None = None,
    strip: bool = False,
    row: bool = False,
    previews: bool = False,
) -> None:
    """Render a grid of pictures with as many columns as fit. Small pictures are enlarged without blur.

    Args:
        items: Pictures.
        key: Key of the widget.
        chosen: Index of the marked picture.
        side: Side of a picture in pixels. A narrow window shrinks wider pictures.
        on_pick: Callback before the next run, with the index of the chosen picture. Without it nothing can be chosen.
        strip: Whether a phone shows one row that scrolls sideways, so that what is below is in sight.
        row: Whether the pictures stay side by side in one row, and shrink in a narrow window. A phone shows them one
            below the other.
        previews: Whether the browser shows a chosen picture in place of the answer until the server's is there.
    """

    def pick() -> None:
        match trigger_value(key, "pick"):
            case {"index": int(index), "number": int(number)}:
                if previews:
                    st.session_state[preview.NUMBER] = number
                if on_pick and 0 <= index < len(items):
                    on_pick(index)

    data = {
        "items": [item._asdict() for item in items], "chosen": chosen, "side": side,
        "buttons": on_pick is not None, "strip": strip, "row": row, "previews": previews,
    }  # fmt: skip
    _mount(key=key, data=data, on_pick_change=pick)
