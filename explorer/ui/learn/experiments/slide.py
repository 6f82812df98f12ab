"""A kernel or pool slides over a digit and a photograph. The result is a :class:`explorer.analysis.sliding.Slide`."""

from functools import cache
from typing import Annotated, Any, Literal

import streamlit as st
import torch
from pydantic import Field
from safetensors import safe_open
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, max_pool2d, pad

from explorer.analysis.sliding import KERNELS, POOLS, Matrix, Slide, digit, slide
from explorer.analysis.windows import Windows, formula_lines
from explorer.data.preprocessing import resize
from explorer.drawing import panels, sliding
from explorer.drawing.panels import Panel
from explorer.i18n import _
from explorer.prediction import gallery
from explorer.ui.page_state import PageFields
from explorer.ui.shared.figure import show_figure
from explorer.ui.shared.sections.parts import facts, narrow_number_input
from explorer.ui.shared.sections.section import Cell, Fact, Section, is_rendered, value, widget_key
from explorer.weights.registry import find

NAME = "slide"
NETWORK, LAYER = "digits-cnn", "features.0.weight"  # its kernels are 3x3 on one channel
FILTERS = 32
SIDE = 8
PHOTOGRAPH, PHOTOGRAPH_SIDE = "photographer", 64
SHADES = 32  # of the photograph and of what becomes of it


class SlideView(PageFields):
    """Fields of the experiment.

    Attributes:
        digit: Digit of the image.
        kernel: Name of a kernel or pool, or ``trained`` for one of a trained network.
        filter: Number of the trained kernel.
        window: Side of a pool's window.
        stride: Pixels from one window to the next.
        padding: Cells added at either end.
        cell: Output cell whose window is shown.
    """

    digit: Annotated[int, Field(ge=0, le=9)] = 4
    kernel: Literal["vertical", "horizontal", "outline", "blur", "copy", "trained", "max", "mean"] = "vertical"
    filter: Annotated[int, Field(ge=0, lt=FILTERS)] = 0
    window: Annotated[int, Field(ge=1, le=SIDE)] = 2
    stride: Annotated[int, Field(ge=1, le=SIDE)] = 1
    padding: Annotated[int, Field(ge=0, le=2)] = 0
    cell: Cell = (1, 1)


def kernels() -> dict[str, str]:
    """Return the titles of the kernels and pools."""
    return {
        "vertical": _("Left and right"), "horizontal": _("Above and below"), "outline": _("Centre and around"),
        "blur": _("Sum of all"), "copy": _("Centre alone"), "trained": _("From a trained network"),
        "max": _("Max pool"), "mean": _("Average pool"),
    }  # fmt: skip


def labels() -> dict[str, str]:
    """Return the labels of the fields with a widget."""
    return {
        "digit": _("Digit"), "kernel": _("Kernel or pool"), "filter": _("Trained kernel"), "window": _("Pool window"),
        "stride": _("Stride S"), "padding": _("Padding P"),
    }  # fmt: skip


def words() -> dict[str, dict[str, str]]:
    """Return the titles of the values of fields with a list of choices."""
    return {"kernel": kernels()}


def controls() -> dict[str, Any]:
    """Render the widgets, and return their raw values."""
    names, titles = labels(), kernels()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        kernel = (
            st.selectbox(
                names["kernel"], list(titles), format_func=lambda name: titles.get(name, name), width=230,
                key=widget_key(NAME, "kernel"), persist_state="page",
            ) if is_rendered("kernel") else value(NAME, "kernel")
        )  # fmt: skip
        values: dict[str, Any] = {"kernel": kernel, "cell": st.session_state[widget_key(NAME, "cell")]}
        hidden = {"filter"} if kernel != "trained" else set()
        hidden |= {"window"} if kernel not in POOLS else set()
        for name in ("digit", "filter", "window", "stride", "padding"):
            shown = name not in hidden
            values[name] = narrow_number_input(NAME, name, names[name]) if shown else value(NAME, name)
    return values


@cache
def trained(number: int) -> Matrix:
    """Return a kernel of the first layer of a trained network."""
    with safe_open(find(NETWORK), framework="pt") as weights:
        return tuple(tuple(row) for row in weights.get_tensor(LAYER)[number][0].tolist())


def compute(view: SlideView) -> Slide:
    """Return the window over the image.

    Raises:
        InputError: If no window fits.
    """
    pool = view.kernel if view.kernel in POOLS else ""
    kernel = None if pool else trained(view.filter) if view.kernel == "trained" else KERNELS[view.kernel]
    windows = Windows(SIDE, view.window if pool else 3, view.stride, view.padding)
    return slide(digit(view.digit), kernel, pool, windows, view.cell)


def render(result: Slide, *, dark: bool, numbers: bool = True) -> None:
    """Render image, kernel and output, and the arithmetic of the chosen cell."""
    show_figure(figures(result, dark=dark)[0], key="learn.picture.slide", on_pick=_choose)
    st.caption(_("Choose a cell of the output to see where it comes from."))
    st.code(arithmetic(result), language=None, wrap_lines=True)
    if is_rendered("kernel"):
        show_figure(_draw_photograph(result, dark=dark), key="learn.picture.photograph")
    if numbers:
        facts(list_numbers(result))
        st.code("\n".join(formula_lines(result.windows)), language=None)


def figures(result: Slide, *, dark: bool) -> list[str]:
    """Return the figure of the digit and that of the photograph."""
    return [sliding.draw(result, dark=dark), _draw_photograph(result, dark=dark)]


@cache
def photograph() -> Tensor:
    """Return the photograph, (1, 1, side, side), with values from 0 to 255."""
    image = gallery.picture(PHOTOGRAPH).original(1)
    return resize(image[None], PHOTOGRAPH_SIDE).float()


def on_photograph(result: Slide) -> Tensor:
    """Return what the kernel or pool makes of the photograph, (rows, columns)."""
    stride, padding = result.windows.stride, result.windows.padding
    image = pad(photograph(), (padding,) * 4)
    if result.kernel is not None:
        return conv2d(image, torch.tensor(result.kernel)[None, None].float(), stride=stride)[0, 0]
    pool = max_pool2d if result.pool == "max" else avg_pool2d
    return pool(image, result.windows.kernel, stride)[0, 0]


def _draw_photograph(result: Slide, *, dark: bool) -> str:
    output = on_photograph(result)
    most = float(output.abs().max()) or 1.0
    signed = bool((output < 0).any())
    shades = (output / most + 1) / 2 if signed else output / most
    side = "{0}×{0}"
    lines = [side.format(len(output)), _("grey is zero") if signed else _("black is zero")]
    shown = [
        Panel(_("A photograph"), _greys(photograph()[0, 0] / 255), [side.format(PHOTOGRAPH_SIDE)]),
        Panel(_("The same done to it"), _greys(shades), lines),
    ]
    return panels.draw(shown, label=_("A photograph, and what the kernel or pool makes of it"), dark=dark)


def _greys(shares: Tensor) -> panels.Colours:
    levels: list[list[int]] = ((shares * (SHADES - 1)).round() * (255 / (SHADES - 1))).round().int().tolist()
    return panels.grey(levels)


def list_numbers(result: Slide) -> list[Fact]:
    """Return the numbers of the result."""
    windows = result.windows
    return [
        Fact(_("Output"), f"{windows.count}×{windows.count}"),
        Fact(_("Columns in no window"), f"{len(windows.unread)}"),
    ]


def arithmetic(result: Slide) -> str:
    """Return the arithmetic of the chosen cell."""
    cells = [cell for line in result.read(*result.cell) for cell in line]
    found = sliding.number(result.value(*result.cell))
    listed = ", ".join(map(sliding.number, cells))
    if result.kernel is None:
        sign = "max" if result.pool == "max" else "mean"
        return f"{sign}({listed}) = {found}"
    weights = [weight for line in result.kernel for weight in line]
    terms = [
        f"{sliding.number(weight) if weight >= 0 else f'({sliding.number(weight)})'}·{sliding.number(cell)}"
        for weight, cell in zip(weights, cells, strict=True)
        if weight and cell
    ]
    return f"{' + '.join(terms) or '0'} = {found}"


def _choose(cell: str) -> None:
    st.session_state[widget_key(NAME, "cell")] = cell


SECTION = Section(NAME, lambda: _("A kernel slides"), SlideView, controls, compute, render, figures, list_numbers,
                  labels, page="", words=words)  # fmt: skip
