"""The output size of a convolution or pool, and the input columns that no window reads."""

from typing import Annotated, Any, NamedTuple

import streamlit as st
from pydantic import Field

from explorer.analysis.windows import Windows, formula_lines, validated
from explorer.drawing import windows as axis
from explorer.drawing import windows_grid as grid
from explorer.i18n import _, ngettext
from explorer.specs.base import MAX_IMAGE
from explorer.specs.cfg import MAX_KERNEL
from explorer.ui.kernels.parts import Fact, facts, narrow_number_input
from explorer.ui.kernels.section import Cell, Section, widget_key
from explorer.ui.page_state import PageFields
from explorer.ui.shared.figure import show_figure
from explorer.ui.shared.text import plain

NAME = "size"
MAX_DILATION = 64

Window = Annotated[int, Field(ge=1, le=MAX_KERNEL)]


class SizeView(PageFields):
    """Fields of the section: the numbers of the formula, and the output cell whose window is shown."""

    size: Annotated[int, Field(ge=1, le=MAX_IMAGE)] = 8
    kernel: Window = 3
    stride: Window = 2
    padding: Annotated[int, Field(ge=0, lt=MAX_KERNEL)] = 0
    dilation: Annotated[int, Field(ge=1, le=MAX_DILATION)] = 1
    ceil: bool = False
    cell: Cell = (0, 0)


class Result(NamedTuple):
    """The windows, and the output cell to show. A cell outside of the output is moved inside."""

    windows: Windows
    cell: tuple[int, int]


def controls() -> dict[str, Any]:
    """Render the widgets, and return their raw values."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        return {
            "size": narrow_number_input(NAME, "size", _("Input in"), _("Pixels along one axis.")),
            "kernel": narrow_number_input(NAME, "kernel", _("Kernel F"), _("Taps of a window along the axis.")),
            "stride": narrow_number_input(NAME, "stride", _("Stride S"), _("Pixels from one window to the next.")),
            "padding": narrow_number_input(NAME, "padding", _("Padding P"), _("Cells added at either end.")),
            "dilation": narrow_number_input(NAME, "dilation", _("Dilation D"), _("Pixels from one tap to the next.")),
            "ceil": st.toggle(
                _("Ceil mode"), key=widget_key(NAME, "ceil"),
                help=_("Pools can round up: a last window hangs over the edge, if it starts inside."),
            ),
            "cell": st.session_state[widget_key(NAME, "cell")],
        }  # fmt: skip


def compute(view: SizeView) -> Result:
    """Return the windows.

    Raises:
        InputError: If no window fits.
    """
    windows = validated(Windows(**view.model_dump(exclude={"cell"})))
    row, column = (min(index, windows.count - 1) for index in view.cell)
    return Result(windows, (row, column))


def render(result: Result, *, dark: bool) -> None:
    """Render the conclusion, the windows along one axis, the formula, and one window on the map."""
    windows, cell = result
    st.markdown(plain(conclusion(windows)))
    if grid.fits(windows):
        left, right = st.columns([11, 9], gap="medium")
        with right:
            show_figure(grid.draw(windows, cell, dark=dark), key="kernels.picture.grid", on_pick=_choose)
            st.caption(_("Both axes alike. Choose a cell of the output to see its window."))
    else:
        left = st.container()
    with left:
        show_figure(axis.draw(windows, dark=dark), key="kernels.picture.windows")
        st.code("\n".join(formula_lines(windows)), language=None)
    facts(
        [
            Fact(_("Output"), f"{windows.count:,}"),
            Fact(_("Dropped"), f"{len(windows.dropped):,}"),
            Fact(_("In no window"), f"{len(windows.unread):,}"),
        ]
    )
    st.caption(_("Source: Dumoulin and Visin 2016, relationship 6; rounding as in PyTorch."))


def conclusion(windows: Windows) -> str:
    """Return a sentence about what the figures show."""
    dropped, unread = len(windows.dropped), len(windows.unread)
    numbers = {"count": windows.count, "size": windows.size, "dropped": dropped, "unread": unread}
    if not unread:
        return ngettext(
            "{count:,} window fits, and every one of the {size:,} columns is in it.",
            "{count:,} windows fit, and every one of the {size:,} columns is in at least one.",
            windows.count,
        ).format(**numbers)
    if dropped == unread:
        return ngettext(
            "{count:,} window fits. Dropped at the end, where it does not reach: {dropped:,} of {size:,} columns.",
            "{count:,} windows fit. Dropped at the end, where none reaches: {dropped:,} of {size:,} columns.",
            windows.count,
        ).format(**numbers)
    return ngettext(
        "{count:,} window fits. In no window, as stride or dilation skips them: {unread:,} of {size:,} columns.",
        "{count:,} windows fit. In no window, as stride or dilation skips them: {unread:,} of {size:,} columns.",
        windows.count,
    ).format(**numbers)


def _choose(cell: str) -> None:
    st.session_state[widget_key(NAME, "cell")] = cell


SECTION = Section(NAME, lambda: _("Output size"), SizeView, controls, compute, render)
