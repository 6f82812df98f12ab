"""The browser's link between the layers side by side and the chart of the receptive field."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from explorer.analysis.alignment import AlignmentRow
from explorer.drawing.theme import theme
from explorer.ui.compare import state
from explorer.ui.compare.diff import row_name
from explorer.ui.shared import layer_choice

ASSETS = Path(__file__).parents[1] / "assets"

_mount = st.components.v2.component(
    "explorer_compare_rows",
    css=(ASSETS / "compare_rows.css").read_text(encoding="utf-8"),
    js=layer_choice.SCRIPT + (ASSETS / "compare_rows.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def connect(rows: Sequence[AlignmentRow], other: int, options: dict[str, list[str]], *, dark: bool) -> None:
    """Connect rows and chart. A row that the user chooses is marked at once, and the link follows.

    Args:
        rows: The aligned layers.
        other: Position of the network that stands next to the first.
        options: Options of the controls that the browser follows at once: ``layers`` and ``measures``.
        dark: Whether the page is dark.
    """
    page_state = state.CompareState.of_session()
    if page_state.view.layer not in {"", *map(row_name, rows)}:  # the networks have changed
        page_state.correct(layer="")
    layer_choice.follow(page_state.view.layer)
    _mount(
        key="compare-rows",
        data={"other": other, "colour": theme(dark=dark).mark, **options},
        on_choose_change=layer_choice.report("compare-rows", lambda name: page_state.change(layer=name)),
    )
