"""One large kernel compared with a stack of small kernels that has the same receptive field."""

from typing import Annotated, Any, NamedTuple

import streamlit as st
from pydantic import Field

from explorer.analysis import timing
from explorer.analysis.kernels import MAX_KERNEL, MIN_KERNEL, Replacement, Stack, replacement, single
from explorer.analysis.measures import Measure
from explorer.drawing import kernels_stack
from explorer.errors import ExplorerError, InputError
from explorer.formatting import short
from explorer.i18n import _
from explorer.specs.base import MAX_WIDTH
from explorer.specs.size import MAX_IMAGE
from explorer.ui.page_state import PageFields
from explorer.ui.shared.figure import show_figure
from explorer.ui.shared.sections.parts import facts, narrow_number_input
from explorer.ui.shared.sections.section import Cell, Fact, Section, is_rendered, value, widget_key
from explorer.ui.shared.text import plain

NAME = "stack"
MEASURED = "kernels.measured"  # session_state key: the last measurement
MAX_BATCH = 256
MAX_SPREAD = 1.5  # of the times; a measurement with a larger spread is not reliable


class StackView(PageFields):
    """Fields of the section.

    Attributes:
        k: Side of the large kernel.
        by: Kind of its replacement.
        c: Channels of all maps.
        map: Side of the maps in pixels.
        batch: Batch size when the time is measured.
        cell: Output cell whose receptive field is shown.
    """

    k: Annotated[int, Field(ge=MIN_KERNEL, le=MAX_KERNEL)] = 7
    by: Replacement = Replacement.THREE
    c: Annotated[int, Field(ge=1, le=MAX_WIDTH)] = 64
    map: Annotated[int, Field(ge=1, le=MAX_IMAGE)] = 56
    batch: Annotated[int, Field(ge=1, le=MAX_BATCH)] = 1
    cell: Cell = kernels_stack.CENTRE


class Comparison(NamedTuple):
    """Both stacks, and the fields that they were computed from."""

    view: StackView
    one: Stack
    many: Stack


class Measurement(NamedTuple):
    """The timing of a request, or the reason why there is none."""

    request: tuple[Stack, Stack, timing.Workload]
    timing: timing.Timing | None
    problem: str = ""


def kinds() -> dict[Replacement, str]:
    """Return the titles of the replacements."""
    return {Replacement.THREE: "3×3", Replacement.FIVE: "5×5, 3×3", Replacement.SPLIT: "1×k, k×1"}


def labels() -> dict[str, str]:
    """Return the labels of the fields with a widget."""
    return {
        "k": _("Kernel k"), "by": _("Replaced by"), "c": _("Channels C"), "map": _("Map side"), "batch": _("Batch"),
    }  # fmt: skip


def controls() -> dict[str, Any]:
    """Render the widgets, and return their raw values."""
    key = widget_key(NAME, "by")
    names, titles = kinds(), labels()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        return {
            "k": narrow_number_input(
                NAME, "k", titles["k"],
                _("Side of the one large kernel, {least} to {most}.").format(least=MIN_KERNEL, most=MAX_KERNEL),
            ),
            "by": st.segmented_control(
                titles["by"], list(names), format_func=lambda kind: names[kind], key=key, required=True,
                help=_(
                    "A stack of 3×3, or of 5×5 with a 3×3 where it is needed, sees an odd number of pixels a side; "
                    "1×k and k×1 see any."
                ),
            ) if is_rendered("by") else value(NAME, "by"),
            "c": narrow_number_input(NAME, "c", titles["c"], _("Of every map: as many go in as come out.")),
            "map": narrow_number_input(NAME, "map", titles["map"], _("Cells a side; padding keeps it.")),
            "batch": narrow_number_input(NAME, "batch", titles["batch"], _("Images at once when time is measured.")),
            "cell": st.session_state[widget_key(NAME, "cell")],
        }  # fmt: skip


def compute(view: StackView) -> Comparison:
    """Return both stacks.

    Raises:
        InputError: If no stack of the chosen kind has the receptive field of the kernel.
    """
    rows, columns = view.cell
    if max(rows, columns) >= kernels_stack.OUTPUT:
        raise InputError(
            _("cell: {cell} is not in the output drawn, whose rows and columns are 0 to {last}").format(
                cell=f"{rows}.{columns}", last=kernels_stack.OUTPUT - 1
            )
        )
    return Comparison(view, single(view.k), replacement(view.k, view.by))


def render(result: Comparison, *, dark: bool, numbers: bool = True) -> None:
    """Render the conclusion, both figures with their numbers, and the time on request."""
    view, one, many = result
    if numbers:
        st.markdown(plain(conclusion(result)))
    scale = kernels_stack.scale(one, many)
    sides = st.columns([scale.width(one), scale.width(many)], gap="medium")
    for side, svg, name in zip(sides, figures(result, dark=dark), ("one", "many"), strict=True):
        with side:
            show_figure(svg, key=f"kernels.picture.{name}", on_pick=_choose)
    if not numbers:
        return
    facts(list_numbers(result), min_width=220)
    if is_rendered("batch"):
        _render_time(result)
    st.caption(
        _("Weights without biases, stride 1, the same number of channels in and out. {source}").format(
            source=plain(source(view.by))
        )
    )


def conclusion(result: Comparison) -> str:
    """Return a sentence about what the figures show."""
    _settings, one, many = result
    numbers = {
        "field": one.kernels[0],
        "one": one.cells,
        "many": many.cells,
        "percent": f"{one.cells / many.cells - 1:.0%}",
        "count": len(many.kernels),
    }
    if one == many:
        return _("A {field} kernel is the same as its stack: choose a larger one to see a difference.").format(
            **numbers
        )
    if one.cells == many.cells:
        return _(
            "Both see {field} pixels at the same cost, {one}·C²; the stack passes {count} non-linearities instead of "
            "one."
        ).format(**numbers)
    return _(
        "Both see {field} pixels. The one layer takes {percent} more parameters and MACs, {one}·C² against "
        "{many}·C², and has one non-linearity where the stack has {count}."
    ).format(**numbers)


def source(by: Replacement) -> str:
    """Return the source of the replacement."""
    return {
        Replacement.THREE: _("Source: Simonyan and Zisserman 2015, section 2.3."),
        Replacement.FIVE: _("Source: Szegedy et al. 2016, section 3.1, which goes on to replace the 5×5 by two 3×3."),
        Replacement.SPLIT: _("Source: Szegedy et al. 2016, section 3.2, which recommends it for maps of 12 to 20."),
    }[by]


def figures(result: Comparison, *, dark: bool) -> list[str]:
    """Return both stacks."""
    view, one, many = result
    scale = kernels_stack.scale(one, many)
    return [kernels_stack.draw(stack, scale, chosen=view.cell, dark=dark) for stack in (one, many)]


def list_numbers(result: Comparison) -> list[Fact]:
    """Return the numbers of the large kernel and, after an arrow, those of the stack."""
    view, *stacks = result
    against = _("{one} against {many}")
    weights = [stack.weights(view.c) for stack in stacks]
    macs = [stack.macs(view.c, view.map) for stack in stacks]
    of_weights = [f"{stack.cells}·{view.c:,}² = {stack.weights(view.c):,}" for stack in stacks]
    of_macs = [f"{count:,}·{view.map:,}² = {count * view.map**2:,}" for count in weights]
    return [
        Fact(
            Measure.PARAMS.label,
            " → ".join(map(short, weights)),
            against.format(one=of_weights[0], many=of_weights[1]),
        ),
        Fact(Measure.MACS.label, " → ".join(map(short, macs)), against.format(one=of_macs[0], many=of_macs[1])),
        Fact(_("Non-linearities"), " → ".join(str(len(stack.kernels)) for stack in stacks)),
    ]


def _choose(cell: str) -> None:
    st.session_state[widget_key(NAME, "cell")] = cell


def _render_time(result: Comparison) -> None:
    """Render a button that measures the time, and the result if it belongs to the current fields."""
    view, one, many = result
    request = (one, many, timing.Workload(view.c, view.map, view.batch))
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(_("Measure the time on this machine"), icon=":material/timer:", key="kernels.measure")
        output = st.empty()
    if pressed:
        waiting = _("Another measurement is running; yours comes next.")
        with output, st.spinner(waiting if timing.is_busy() else _("Measuring…"), show_time=True):
            st.session_state[MEASURED] = _measure(request)
    measurement: Measurement | None = st.session_state.get(MEASURED)
    if measurement is None or measurement.request != request:
        output.caption(_("A forward pass of each, in float32; takes about five seconds."))
    elif measurement.timing is None:
        output.warning(plain(measurement.problem), icon=":material/warning:")
    else:
        with output.container(gap="xxsmall"):
            st.markdown(plain(format_timing(measurement.timing)))
            if measurement.timing.spread > MAX_SPREAD:
                st.caption(
                    _(
                        "The machine is busy with other work: some passes took {spread:.1f} times as long as others. "
                        "Measure again."
                    ).format(spread=measurement.timing.spread)
                )


def _measure(request: tuple[Stack, Stack, timing.Workload]) -> Measurement:
    try:
        return Measurement(request, timing.measure(request[:2], request[2]))
    except ExplorerError as error:
        return Measurement(request, None, str(error))


def format_timing(result: timing.Timing) -> str:
    """Return a sentence about the times."""
    one, many = result.milliseconds
    numbers = {
        "one": f"{one:.2f}",
        "many": f"{many:.2f}",
        "ratio": f"{max(one, many) / min(one, many):.2f}",
        "repeats": result.repeats,
        "device": result.device,
        "threads": result.threads,
        "version": result.torch_version,
    }
    if many <= one:
        return _(
            "The one layer takes {one} ms and the stack {many} ms: the stack is {ratio} times as fast here (median of "
            "{repeats} passes, {device}, {threads} threads, PyTorch {version})."
        ).format(**numbers)
    return _(
        "The one layer takes {one} ms and the stack {many} ms: the stack takes {ratio} times as long here. Fewer MACs "
        "are not always less time, for every layer writes and reads a whole map (median of {repeats} passes, {device}, "
        "{threads} threads, PyTorch {version})."
    ).format(**numbers)


SECTION = Section(
    NAME,
    lambda: _("7×7 or three 3×3"),
    StackView,
    controls,
    compute,
    render,
    figures,
    list_numbers,
    labels,
    words=lambda: {"by": {str(kind): title for kind, title in kinds().items()}},
)
