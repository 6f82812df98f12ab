"""One large kernel against the stack of small ones that sees the same pixels."""

from typing import Annotated, Any, NamedTuple

import streamlit as st
from pydantic import Field

from explorer.analysis import timing
from explorer.analysis.kernels import MAX_KERNEL, MIN_KERNEL, Replacement, Stack, replacement, single
from explorer.drawing import kernels_stack
from explorer.errors import ExplorerError, InputError
from explorer.formatting import short
from explorer.i18n import _
from explorer.specs.base import MAX_IMAGE, MAX_WIDTH
from explorer.ui.kernels.parts import Fact, facts, short_number
from explorer.ui.kernels.section import Cell, Section, widget_key
from explorer.ui.page_state import PageFields
from explorer.ui.shared.picture import picture
from explorer.ui.shared.text import plain

NAME = "stack"
MEASURED = "kernels.measured"
MAX_BATCH = 256
BUSY = 1.5  # spread of the times, from which a measurement isn't to be trusted


class StackView(PageFields):
    """Kernel, channels and side of the maps, what replaces the kernel, and the output cell that is followed back."""

    k: Annotated[int, Field(ge=MIN_KERNEL, le=MAX_KERNEL)] = 7
    by: Replacement = Replacement.THREE
    c: Annotated[int, Field(ge=1, le=MAX_WIDTH)] = 64
    map: Annotated[int, Field(ge=1, le=MAX_IMAGE)] = 56
    batch: Annotated[int, Field(ge=1, le=MAX_BATCH)] = 1
    cell: Cell = kernels_stack.CENTRE


class Comparison(NamedTuple):
    """Both stacks, for the settings that they follow from."""

    settings: StackView
    one: Stack
    many: Stack


class Measurement(NamedTuple):
    """A timing, or why there is none, for the comparison that was asked for."""

    asked: tuple[Stack, Stack, timing.Work]
    timing: timing.Timing | None
    problem: str = ""


def kinds() -> dict[Replacement, str]:
    """What can replace a kernel, in words."""
    return {Replacement.THREE: "3×3", Replacement.FIVE: "5×5, 3×3", Replacement.SPLIT: "1×k, k×1"}


def controls() -> dict[str, Any]:
    """Draw the widgets; their values."""
    key = widget_key(NAME, "by")
    names = kinds()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        return {
            "k": short_number(
                NAME, "k", _("Kernel k"),
                _("Side of the one large kernel, {least} to {most}.").format(least=MIN_KERNEL, most=MAX_KERNEL),
            ),
            "by": st.segmented_control(
                _("Replaced by"), list(names), format_func=lambda kind: names[kind], key=key, required=True,
                help=_(
                    "A stack of 3×3, or of 5×5 with a 3×3 where it is needed, sees an odd number of pixels a side; "
                    "1×k and k×1 see any."
                ),
            ),
            "c": short_number(NAME, "c", _("Channels C"), _("Of every map: as many go in as come out.")),
            "map": short_number(NAME, "map", _("Map side"), _("Cells a side; padding keeps it.")),
            "batch": short_number(NAME, "batch", _("Batch"), _("Images at once when time is measured.")),
            "cell": st.session_state[widget_key(NAME, "cell")],
        }  # fmt: skip


def work(settings: StackView) -> Comparison:
    """Both stacks.

    Raises:
        InputError: where no stack of the chosen kind sees what the kernel sees.
    """
    rows, columns = settings.cell
    if max(rows, columns) >= kernels_stack.OUTPUT:
        raise InputError(
            _("cell: {cell} is not in the output drawn, whose rows and columns are 0 to {last}").format(
                cell=f"{rows}.{columns}", last=kernels_stack.OUTPUT - 1
            )
        )
    return Comparison(settings, single(settings.k), replacement(settings.k, settings.by))


def render(result: Comparison, *, dark: bool) -> None:
    """The claim, both pictures with their numbers, and time on request."""
    settings, one, many = result
    st.markdown(plain(claim(result)))
    scale = kernels_stack.scale(one, many)
    sides = st.columns([scale.width(one), scale.width(many)], gap="medium")
    for side, stack, name in zip(sides, (one, many), ("one", "many"), strict=True):
        with side:
            svg = kernels_stack.draw(stack, scale, chosen=settings.cell, dark=dark)
            picture(svg, key=f"kernels.picture.{name}", on_pick=_choose, smallest=0.5)
    facts(_facts(result), least=220)
    _time(result)
    st.caption(
        _("Weights without biases, stride 1, the same number of channels in and out. {source}").format(
            source=plain(source(settings.by))
        )
    )


def claim(result: Comparison) -> str:
    """What the pictures show, in one sentence."""
    _settings, one, many = result
    numbers = {
        "field": one.kernels[0],
        "one": one.cells,
        "many": many.cells,
        "percent": f"{one.cells / many.cells - 1:.0%}",
        "count": len(many.kernels),
    }
    if one == many:
        return _("A {field} kernel is its own stack here: a larger one shows the difference.").format(**numbers)
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
    """Where the replacement comes from."""
    return {
        Replacement.THREE: _("Source: Simonyan and Zisserman 2015, section 2.3."),
        Replacement.FIVE: _("Source: Szegedy et al. 2016, section 3.1, which goes on to replace the 5×5 by two 3×3."),
        Replacement.SPLIT: _("Source: Szegedy et al. 2016, section 3.2, which recommends it for maps of 12 to 20."),
    }[by]


def _facts(result: Comparison) -> list[Fact]:
    """Numbers of the one layer, and after the arrow those of the stack."""
    settings, *stacks = result
    against = _("{one} against {many}")
    weights = [stack.weights(settings.c) for stack in stacks]
    macs = [stack.macs(settings.c, settings.map) for stack in stacks]
    of_weights = [f"{stack.cells}·{settings.c:,}² = {stack.weights(settings.c):,}" for stack in stacks]
    of_macs = [f"{count:,}·{settings.map:,}² = {count * settings.map**2:,}" for count in weights]
    return [
        Fact(
            _("Parameters"),
            " → ".join(map(short, weights)),
            against.format(one=of_weights[0], many=of_weights[1]),
        ),
        Fact(_("MACs"), " → ".join(map(short, macs)), against.format(one=of_macs[0], many=of_macs[1])),
        Fact(_("Non-linearities"), " → ".join(str(len(stack.kernels)) for stack in stacks)),
    ]


def _choose(cell: str) -> None:
    st.session_state[widget_key(NAME, "cell")] = cell


def _time(result: Comparison) -> None:
    """A button that measures, and what it measured for exactly these settings."""
    settings, one, many = result
    asked = (one, many, timing.Work(settings.c, settings.map, settings.batch))
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(_("Measure the time on this machine"), icon=":material/timer:", key="kernels.measure")
        place = st.empty()
    if pressed:
        waiting = _("Another measurement is running; yours comes next.")
        with place, st.spinner(waiting if timing.busy() else _("Measuring…"), show_time=True):
            st.session_state[MEASURED] = _measured(asked)
    done: Measurement | None = st.session_state.get(MEASURED)
    if done is None or done.asked != asked:
        place.caption(_("A forward pass of each, in float32; takes about five seconds."))
    elif done.timing is None:
        place.warning(plain(done.problem), icon=":material/warning:")
    else:
        with place.container(gap="xxsmall"):
            st.markdown(plain(verdict(done.timing)))
            if done.timing.spread > BUSY:
                st.caption(
                    _(
                        "The machine is busy with other work: some passes took {spread:.1f} times as long as others. "
                        "Measure again."
                    ).format(spread=done.timing.spread)
                )


def _measured(asked: tuple[Stack, Stack, timing.Work]) -> Measurement:
    try:
        return Measurement(asked, timing.measure(asked[:2], asked[2]))
    except ExplorerError as error:
        return Measurement(asked, None, str(error))


def verdict(done: timing.Timing) -> str:
    """A timing in words, whichever way it went."""
    one, many = done.milliseconds
    numbers = {
        "one": f"{one:.2f}",
        "many": f"{many:.2f}",
        "ratio": f"{max(one, many) / min(one, many):.2f}",
        "repeats": done.repeats,
        "device": done.device,
        "threads": done.threads,
        "version": done.torch_version,
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


SECTION = Section(NAME, lambda: _("7×7 or three 3×3"), StackView, controls, work, render)
