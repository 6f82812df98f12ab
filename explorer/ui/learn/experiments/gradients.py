"""The gradient at each layer of a plain and a residual network, at the first step of a training and during it."""

from typing import Annotated, Any, Literal, NamedTuple

import streamlit as st
from pydantic import AfterValidator, Field

from explorer.drawing import depth_chart
from explorer.errors import InputError
from explorer.i18n import _
from explorer.lessons.gradient_course import DATASET, EPOCHS, RATE, Course, course, trainings
from explorer.lessons.gradients import NetworkOptions, Slope, amount, norms, signed, slope
from explorer.training.gradient_norms import GradientNorms
from explorer.ui.learn import background
from explorer.ui.page_state import PageFields
from explorer.ui.shared.figure import show_row
from explorer.ui.shared.sections.parts import facts, narrow_number_input
from explorer.ui.shared.sections.section import Fact, Section, is_rendered, value, widget_key
from explorer.workers import semaphore

NAME = "gradients"
DEPTHS = (8, 14, 20, 32, 44, 56, 110)
INITS = ("default", "he", "normal")
CARD_WIDTH = 205  # pixels: four numbers are in one row on a laptop, or in two rows
ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu")


def _known(depth: int) -> int:
    if depth not in DEPTHS:
        depths = ", ".join(map(str, DEPTHS))
        raise InputError(_("depth: {value} is not one of {depths}").format(value=depth, depths=depths))
    return depth


class GradientsView(PageFields):
    """Fields of the experiment.

    Attributes:
        show: Whether the first step is shown, or a training.
        depth: Layers with weights.
        activation: Activation of all layers.
        norm: Whether there is batch norm.
        init: Initialisation.
        clip: Largest length of the whole gradient.
        seed: Seed of weights and images.
    """

    show: Literal["start", "training"] = "start"
    depth: Annotated[int, AfterValidator(_known)] = 20
    activation: Literal["sigmoid", "tanh", "relu", "leaky_relu", "elu"] = "relu"
    norm: bool = False
    init: Literal["default", "he", "normal"] = "he"
    clip: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    seed: Annotated[int, AfterValidator(abs)] = 0


class Pair(NamedTuple):
    """The gradients of both networks, with the fields, and the slopes of a residual block.

    Attributes:
        view: Fields.
        plain: Gradients of the plain network at the first step, with images of noise.
        residual: The same of the residual network.
        slope: Slopes of a residual block.
        key: Key of the training of both networks; empty if it is not shown.
        courses: Gradients of the plain and the residual network while they train; empty before the run.
        problem: Reason why there is no result.
    """

    view: GradientsView
    plain: GradientNorms
    residual: GradientNorms
    slope: Slope
    key: str = ""
    courses: tuple[Course, ...] = ()
    problem: str = ""


def labels() -> dict[str, str]:
    """Return the labels of the fields with a widget."""
    return {
        "depth": _("Layers"), "activation": _("Activation"), "norm": _("Batch norm"), "init": _("Initialisation"),
        "clip": _("Clip at"), "seed": _("Seed"),
    }  # fmt: skip


def words() -> dict[str, dict[str, str]]:
    """Return the titles of the values of fields with a list of choices."""
    return {
        "activation": {
            "sigmoid": _("Sigmoid"), "tanh": _("Tanh"), "relu": _("ReLU"), "leaky_relu": _("Leaky ReLU"),
            "elu": _("ELU"),
        },
        "init": {"default": _("PyTorch's"), "he": _("He's"), "normal": _("Normal, 0.01")},
    }  # fmt: skip


def controls() -> dict[str, Any]:
    """Render the widgets, and return their raw values."""
    names = labels()
    options: dict[str, tuple[Any, ...]] = {"depth": DEPTHS, "activation": ACTIVATIONS, "init": INITS}
    titles = {value: title for choices in words().values() for value, title in choices.items()}
    values: dict[str, Any] = {"show": value(NAME, "show")}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for name, choices in options.items():
            values[name] = (
                st.selectbox(
                    names[name], choices, format_func=lambda one: titles.get(one, str(one)), width=150,
                    key=widget_key(NAME, name), persist_state="page",
                ) if is_rendered(name) else value(NAME, name)
            )  # fmt: skip
        values["clip"] = narrow_number_input(
            NAME, "clip", names["clip"], _("Largest length of the gradient of all weights together.")
        )
        values["seed"] = narrow_number_input(NAME, "seed", names["seed"])
        values["norm"] = (
            st.toggle(names["norm"], key=widget_key(NAME, "norm"), persist_state="page")
            if is_rendered("norm")
            else value(NAME, "norm")
        )
    return values


def compute(view: GradientsView) -> Pair:
    """Return the gradients of both networks. Those of a training are there if this session has run it.

    Raises:
        InputError: If a gradient is not finite.
    """
    options = NetworkOptions(view.depth, view.activation, view.norm, view.init, view.seed)
    with semaphore.slot(lambda _ahead: None):
        pair = Pair(view, norms(options, residual=False), norms(options, residual=True), slope(options))
    if view.show == "start":
        return pair
    request = {"dataset": DATASET, "trainings": trainings(options, view.clip)}
    key = background.key_of("explorer.training.short", request)
    found = background.find(key)
    return pair._replace(key=key, courses=tuple(map(course, found.result or [])), problem=found.problem)


def is_complete(result: Pair) -> bool:
    """Whether the networks have been trained, if they are to be."""
    return result.view.show == "start" or bool(result.courses)


def render(result: Pair, *, dark: bool, numbers: bool = True) -> None:
    """Render the gradients along the depth. Before a training, render a button that starts it, and its progress."""
    if not is_complete(result):
        plan = _(
            "To be trained: the plain and the residual network with {depth} layers, for {epochs} epochs on digits, "
            "with the learning rate {rate:g}."
        )
        plan = plan.format(depth=result.view.depth, epochs=EPOCHS, rate=RATE)
        background.render_start(result.key, result.problem, plan)
        return
    show_row(figures(result, dark=dark), key="learn.picture.gradients")
    if numbers:
        facts(list_numbers(result, clips=is_rendered("clip")), min_width=CARD_WIDTH)


def along_depth(gradients: GradientNorms) -> list[float]:
    """Return the norm of the loss's gradient at the output of each layer."""
    return [one.output for one in gradients.layers]


def figures(result: Pair, *, dark: bool) -> list[str]:
    """Return the chart of the first step, or a chart of the training for each network."""
    if result.courses:
        return _training_figures(result, dark=dark)
    lines = {_("plain"): along_depth(result.plain), _("residual"): along_depth(result.residual)}
    return [depth_chart.draw(lines, label=_("Gradient at the layer's output"), dark=dark)]


def _training_figures(result: Pair, *, dark: bool) -> list[str]:
    titles = _("Plain: gradient of the layer's weights"), _("Residual: gradient of the layer's weights")
    every = [norm for one in result.courses for values in one.shown.values() for norm in values]
    return [
        depth_chart.draw(
            {_("step {step}").format(step=step): values for step, values in one.shown.items()},
            label=title, dark=dark, scale=every,
        )
        for title, one in zip(titles, result.courses, strict=True)
    ]  # fmt: skip


def list_numbers(result: Pair, *, clips: bool = True) -> list[Fact]:
    """Return how much of the gradient arrives at the first layer, and its length after clipping if ``clips``."""
    if result.courses:
        return _training_numbers(result)
    clipped = [
        Fact(_("Plain gradient's length, clipped"), amount(result.plain.clipped(result.view.clip).total),
             _("{total} before clipping").format(total=amount(result.plain.total))),
    ]  # fmt: skip
    return [
        Fact(_("First layer ÷ last layer, plain"), amount(result.plain.ratio)),
        Fact(_("First layer ÷ last layer, residual"), amount(result.residual.ratio)),
        *(clipped if clips else []),
        Fact(_("Slope H′ of a residual block"), signed(result.slope.outer),
             _("F′ + 1 = {inner} + 1 at {block}").format(inner=signed(result.slope.inner), block=result.slope.block)),
    ]  # fmt: skip


def _training_numbers(result: Pair) -> list[Fact]:
    names = _("plain"), _("residual")
    return [
        fact
        for name, one in zip(names, result.courses, strict=True)
        for fact in (
            Fact(_("First layer ÷ last layer at the end, {name}").format(name=name), amount(one.ratio(-1)),
                 _("{ratio} at the first step").format(ratio=amount(one.ratio(0)))),
            Fact(_("Training images right, {name}").format(name=name), f"{one.right:.1%}"),
        )
    ]  # fmt: skip


SECTION = Section(NAME, lambda: _("Gradients"), GradientsView, controls, compute, render, figures, list_numbers,
                  labels, is_complete, page="", words=words)  # fmt: skip
