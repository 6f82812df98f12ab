"""The output size of a convolution or pool, and the input columns that no window reads."""

from typing import Annotated, Any, NamedTuple

import streamlit as st
from pydantic import Field

from explorer.analysis.windows import Windows, formula_lines, validated
from explorer.drawing import windows as axis
from explorer.drawing import windows_grid as grid
from explorer.i18n import _, ngettext
from explorer.specs.cfg import MAX_KERNEL
from explorer.specs.size import MAX_IMAGE
from explorer.ui.page_state import PageFields
from explorer.ui.shared.figure import show_figure
from explorer.ui.shared.sections.parts import facts, narrow_number_input
from explorer.ui.shared.sections.section import Cell, Fact, Section, is_rendered, value, widget_key
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


def labels() -> dict[str, str]:
    """Return the labels of the fields with a widget."""
    return {
        "size": _("Input in"), "kernel": _("Kernel F"), "stride": _("Stride S"), "padding": _("Padding P"),
        "dilation": _("Dilation D"), "ceil": _("Ceil mode"),
    }  # fmt: skip


def controls() -> dict[str, Any]:
    """Render the widgets, and return their raw values."""
    names = labels()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        return {
            "size": narrow_number_input(NAME, "size", names["size"], _("Pixels along one axis.")),
            "kernel": narrow_number_input(NAME, "kernel", names["kernel"], _("Taps of a window along the axis.")),
            "stride": narrow_number_input(NAME, "stride", names["stride"], _("Pixels from one window to the next.")),
            "padding": narrow_number_input(NAME, "padding", names["padding"], _("Cells added at either end.")),
            "dilation": narrow_number_input(NAME, "dilation", names["dilation"], _("Pixels from one tap to the next.")),
            "ceil": st.toggle(
                names["ceil"], key=widget_key(NAME, "ceil"),
                help=_("Pools can round up: a last window hangs over the edge, if it starts inside."),
            ) if is_rendered("ceil") else value(NAME, "ceil"),
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


def render(result: Result, *, dark: bool, numbers: bool = True) -> None:
    """Render the conclusion, the windows along one axis, the formula, and one window on the map."""
    windows, cell = result
    if numbers:
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
        if numbers:
            st.code("\n".join(formula_lines(windows)), language=None)
    if not numbers:
        return
    facts(list_numbers(result))
    st.caption(_("Source: Dumoulin and Visin 2016, relationship 6; rounding as in PyTorch."))


def figures(result: Result, *, dark: bool) -> list[str]:
    """Return the windows along one axis and, if it is small, the map with one window."""
    maps = [grid.draw(*result, dark=dark)] if grid.fits(result.windows) else []
    return [axis.draw(result.windows, dark=dark), *maps]


def list_numbers(result: Result) -> list[Fact]:
    """Return the numbers of the result."""
    windows = result.windows
    return [
        Fact(_("Output"), f"{windows.count:,}"),
        Fact(_("Dropped"), f"{len(windows.dropped):,}"),
        Fact(_("In no window"), f"{len(windows.unread):,}"),
    ]


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


SECTION = Section(NAME, lambda: _("Output size"), SizeView, controls, compute, render, figures, list_numbers, labels)
