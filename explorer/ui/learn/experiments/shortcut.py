"""Two networks learn digits, one of them with a mark that gives the digit away; heat maps tell them apart."""

from typing import Annotated, Any, Literal, NamedTuple

import streamlit as st
from pydantic import Field

from explorer.analysis import analyse
from explorer.drawing import curves, panels
from explorer.drawing.curves import Curve
from explorer.drawing.panels import Panel
from explorer.formatting import short
from explorer.i18n import _
from explorer.lessons.shortcut import SPEC, Answers, HeatExample
from explorer.ui.learn import background
from explorer.ui.page_state import PageFields
from explorer.ui.shared.figure import show_row
from explorer.ui.shared.sections.parts import facts, narrow_number_input
from explorer.ui.shared.sections.section import Fact, Section, widget_key

NAME = "shortcut"


class ShortcutView(PageFields):
    """Fields of the experiment.

    Attributes:
        show: Visible results: accuracies, the heat maps of one image, or the scores of the heat maps.
        digit: Digit of the image.
        share: Percentage of the training images with a mark, for the second network.
        epochs: Epochs of both trainings.
        seed: Seed of everything that is random.
    """

    show: Literal["answers", "heat", "scores"] = "answers"
    digit: Annotated[int, Field(ge=0, le=9)] = 7
    share: Annotated[int, Field(ge=0, le=100)] = 100
    epochs: Annotated[int, Field(ge=1, le=12)] = 6
    seed: Annotated[int, Field(ge=0, le=999)] = 0


class Outcome(NamedTuple):
    """The experiment and, once it has been run, what was found.

    Attributes:
        view: Fields.
        key: Key of the experiment.
        found: Fields of :class:`explorer.lessons.shortcut.Findings`; None before the run.
        problem: Reason why there is no result.
    """

    view: ShortcutView
    key: str
    found: dict[str, Any] | None
    problem: str = ""

    @property
    def answers(self) -> list[Answers]:
        """Answers of the network without marks and of the network with marks."""
        return [Answers(**one) for one in (self.found or {})["answers"]]

    @property
    def example(self) -> HeatExample:
        """The chosen image with its heat maps."""
        return HeatExample(**(self.found or {})["examples"][self.view.digit])


def labels() -> dict[str, str]:
    """Return the labels of the fields with a widget."""
    return {"digit": _("Digit"), "share": _("Marked images in %"), "epochs": _("Epochs"), "seed": _("Seed")}


def controls() -> dict[str, Any]:
    """Render the widgets, and return their raw values."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        values = {name: narrow_number_input(NAME, name, label) for name, label in labels().items()}
    return {"show": st.session_state[widget_key(NAME, "show")], **values}


def compute(view: ShortcutView) -> Outcome:
    """Return the experiment, with its findings if this session has run it."""
    request = {"epochs": view.epochs, "share": view.share / 100, "seed": view.seed}
    key = background.key_of("explorer.lessons.shortcut", request)
    found = background.find(key)
    return Outcome(view, key, found.result, found.problem)


def is_complete(result: Outcome) -> bool:
    """Whether the networks have been trained."""
    return result.found is not None


def render(result: Outcome, *, dark: bool, numbers: bool = True) -> None:
    """Render a button that starts the trainings, then their progress, and finally what was found."""
    if result.found is None:
        plan = _("To be trained: two networks with {params} parameters each, one of them on images with marks.")
        params = short(analyse(SPEC).totals.params)
        background.render_start(result.key, result.problem, plan.format(params=params))
        return
    show_row(figures(result, dark=dark), key=f"learn.picture.shortcut.{result.view.show}")
    if numbers and result.view.show != "answers":
        facts(list_numbers(result), min_width=220)


def figures(result: Outcome, *, dark: bool) -> list[str]:
    """Return the figures."""
    return FIGURES[result.view.show](result, dark=dark)


def _answers(result: Outcome, *, dark: bool) -> list[str]:
    """Test images without a mark and with a false one, each with the accuracies of both networks."""
    example = result.example
    names = _("trained without marks: {share:.1%}"), _("trained with marks: {share:.1%}")

    def lines(field: str) -> list[str]:
        return [name.format(share=getattr(one, field)) for name, one in zip(names, result.answers, strict=True)]

    shown = [
        Panel(_("No mark: right answers"), panels.rgb(example.bare), lines("without")),
        Panel(_("False mark: right answers"), panels.rgb(example.pixels), lines("wrong")),
    ]
    words = "; ".join(f"{panel.title}: {', '.join(panel.lines)}" for panel in shown)
    return [panels.draw(shown, label=words, dark=dark)]


def _heat(result: Outcome, *, dark: bool) -> list[str]:
    """One image, and next to it the heat of two networks."""
    example = result.example
    names = _("Trained without marks"), _("Trained with marks")
    title = _("{digit} with the mark of {mark}").format(digit=example.digit, mark=example.mark)
    heats = [
        Panel(name, panels.warm(values), [_("says {digit}").format(digit=answer)])
        for name, values, answer in zip(names, example.heats[:2], example.answers, strict=True)
    ]
    return [
        panels.draw([Panel(title, panels.rgb(example.pixels))], label=title, dark=dark),
        panels.draw(heats, label=_("Heat maps of two networks"), dark=dark),
    ]


def _scores(result: Outcome, *, dark: bool) -> list[str]:
    """The heat of the network with marks next to that of random weights, and the probability without hot pixels."""
    names = _("Trained with marks"), _("Random weights")
    shown = [Panel(name, panels.warm(one)) for name, one in zip(names, result.example.heats[1:], strict=True)]
    return [
        panels.draw(shown, label=_("Heat maps of a trained network and of random weights"), dark=dark),
        _removed(result, dark=dark),
    ]


def _removed(result: Outcome, *, dark: bool) -> str:
    """The probability while pixels are removed."""
    found = result.found or {}
    steps = len(found["trained"]) - 1
    lines = [
        Curve(name, [(100 * step / steps, value) for step, value in enumerate(found[field])], series)
        for series, (name, field) in enumerate(
            ((_("Map of the network"), "trained"), (_("Map of random weights"), "random"))
        )
    ]
    label, end = _("Probability of the mark's digit"), _("all pixels removed")
    return curves.draw(lines, label=label, styles=("", ""), dark=dark, end=end, low=0.0, last_values=False)


FIGURES = {"answers": _answers, "heat": _heat, "scores": _scores}


def list_numbers(result: Outcome) -> list[Fact]:
    """Return the numbers of what is shown."""
    found = result.found or {}
    names = _("without marks"), _("with marks"), _("random weights")
    if result.view.show == "heat":
        return [
            Fact(_("Heat at the mark, {name}").format(name=name), f"{inside:.2f}",
                 _("elsewhere {heat:.2f}; mean of one image of each digit").format(heat=outside))
            for name, inside, outside in zip(names[:2], found["on_mark"], found["elsewhere"], strict=False)
        ]  # fmt: skip
    if result.view.show == "scores":
        count = found["comparisons"]
        return [
            Fact(_("Wins of the network's map"), _("{wins} of {count}").format(wins=found["wins"], count=count)),
            Fact(_("Wins of a map of random weights"),
                 _("{wins} of {count}").format(wins=found["random_wins"], count=count)),
        ]  # fmt: skip
    return [
        Fact(_("Right without a mark, {name}").format(name=name), f"{one.without:.1%}")
        for name, one in zip(names[:2], result.answers, strict=True)
    ]


SECTION = Section(NAME, lambda: _("Shortcut"), ShortcutView, controls, compute, render, figures, list_numbers, labels,
                  is_complete, page="")  # fmt: skip
