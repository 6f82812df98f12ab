"""A grid of pictures, each a button: by pointer and finger, and by keyboard as one stop with the arrow keys inside."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import streamlit as st

ASSETS = Path(__file__).parents[1] / "assets"

_mount = st.components.v2.component(
    "explorer_pictures",
    html='<div class="grid" role="group"></div>',
    css=(ASSETS / "pictures.css").read_text(encoding="utf-8"),
    js=(ASSETS / "pictures.js").read_text(encoding="utf-8"),
)

Place = tuple[float, float]
ALMOST = 1 - 2**-20  # of a picture: what a browser says isn't trusted to lie within


class Shown(NamedTuple):
    """A picture as a data URL, the line below it (may be empty), and what it shows in words."""

    url: str
    label: str
    alt: str


def pictures(
    items: Sequence[Shown],
    *,
    key: str,
    chosen: int | None = None,
    side: int = 96,
    on_pick: Callable[[int, Place | None], None] | None = None,
    places: bool = False,
) -> None:
    """Show pictures in as many columns as there is room for. A small one is enlarged without blur.

    Args:
        items: in the order of the grid.
        key: of the widget.
        chosen: the one that is marked.
        side: pixels of a picture; a smaller window shrinks those that are wider than it.
        on_pick: is called with the index of the picture that the user chose, before the script runs again; without it
            nothing can be chosen. With ``places`` it is also told where the pointer was, as fractions from the top and
            from the left; None where the keyboard chose.
        places: whether it matters where in a picture the user points.
    """

    def picked() -> None:
        value = st.session_state[key].pick
        if on_pick and value and 0 <= value["index"] < len(items):
            on_pick(value["index"], _place(value["place"]) if places else None)

    data = {
        "items": [item._asdict() for item in items], "chosen": chosen, "side": side,
        "buttons": on_pick is not None, "places": places,
    }  # fmt: skip
    _mount(key=key, data=data, on_pick_change=picked)


def _place(value: list[float] | None) -> Place | None:
    if value is None:
        return None
    top, left = (min(max(0.0, part), ALMOST) for part in value)
    return top, left
