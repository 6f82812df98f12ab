"""Well-known mistakes, made on purpose, with what a program says about them."""

from typing import Annotated, Any, Literal, NamedTuple

import streamlit as st
from pydantic import Field

from explorer.drawing import curves, panels
from explorer.drawing.curves import Curve
from explorer.drawing.panels import Panel
from explorer.i18n import _
from explorer.lessons.mistakes import Finding, MistakeOptions, find
from explorer.ui.page_state import PageFields
from explorer.ui.shared.figure import show_row
from explorer.ui.shared.sections.parts import facts, narrow_number_input
from explorer.ui.shared.sections.section import Fact, Section, widget_key
from explorer.workers import semaphore

NAME = "mistakes"


class MistakesView(PageFields):
    """Fields of the experiment.

    Attributes:
        case: The mistake.
        width: Channels of the first convolution of the network that is built or saved.
        candidates: Programs among which one is chosen.
        images: Test images by which it is chosen.
        seed: Seed of everything that is random.
    """

    case: Literal["head", "module", "augmented", "mode", "rate", "choice"] = "head"
    width: Annotated[int, Field(ge=1, le=64)] = 16
    candidates: Annotated[int, Field(ge=1, le=1000)] = 200
    images: Annotated[int, Field(ge=10, le=2000)] = 50
    seed: Annotated[int, Field(ge=0, le=999)] = 0


class Made(NamedTuple):
    """A mistake and what it led to."""

    view: MistakesView
    finding: Finding


def labels() -> dict[str, str]:
    """Return the labels of the fields with a widget."""
    return {
        "width": _("Channels"), "candidates": _("Programs"), "images": _("Test images"), "seed": _("Seed"),
    }  # fmt: skip


def controls() -> dict[str, Any]:
    """Render the widgets, and return their raw values."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        values = {name: narrow_number_input(NAME, name, label) for name, label in labels().items()}
    return {"case": st.session_state[widget_key(NAME, "case")], **values}


def compute(view: MistakesView) -> Made:
    """Make the mistake."""
    with semaphore.slot(lambda _ahead: None):
        return Made(view, find(view.case, MistakeOptions(view.width, view.candidates, view.images, view.seed)))


def render(result: Made, *, dark: bool, numbers: bool = True) -> None:
    """Render what this product says, the figures, and the numbers."""
    if result.finding.sentence:
        st.code(result.finding.sentence, language=None, wrap_lines=True)
    show_row(figures(result, dark=dark), key="learn.picture.mistakes")
    if numbers:
        facts(list_numbers(result), min_width=180)


def figures(result: Made, *, dark: bool) -> list[str]:
    """Return the figures; some mistakes have none."""
    finding, case = result.finding, result.view.case
    found = []
    if finding.pictures:
        title = _("Test image {number}")
        shown = [Panel(title.format(number=place), panels.grey(one)) for place, one in enumerate(finding.pictures, 1)]
        found.append(panels.draw(shown, label=_("Test images after random changes"), dark=dark))
    if finding.series:
        names = {"": _("In training mode"), "test": _("The best on the test images"), "unseen": _("Unseen images")}
        ends = {"mode": _("images in a batch: {count:.0f}"), "choice": _("the best of {count:.0f}")}
        lines = [
            Curve(names.get(name, name), points, series) for series, (name, points) in enumerate(finding.series.items())
        ]
        last = max(points[-1][0] for points in finding.series.values())
        found.append(
            curves.draw(
                lines, label=_("Right answers"), styles=("", ""), dark=dark, low=0.0,
                end=ends[case].format(count=last) if case in ends else "",
            )
        )  # fmt: skip
    return found


def list_numbers(result: Made) -> list[Fact]:
    """Return the numbers."""
    values = result.finding.values
    names = {
        "reads": _("The head reads"), "arrive": _("Features that arrive"), "tensors": _("Tensors found"),
        "weights": _("Numbers in them"), "plain": _("Evaluated as it should be"), "least": _("Lowest evaluation"),
        "most": _("Highest evaluation"), "small": _("Smallest batches"), "last": _("After the last epoch"),
        "epochs": _("Epochs"), "size": _("Images in the smallest batches"), "test": _("Chosen, on the test images"),
        "unseen": _("Chosen, on unseen images"), "mean": _("All programs, on the test images"),
    }  # fmt: skip
    return [
        Fact(names[name], f"{value:,}" if isinstance(value, int) else f"{value:.1%}") for name, value in values.items()
    ]


SECTION = Section(NAME, lambda: _("Mistakes"), MistakesView, controls, compute, render, figures, list_numbers, labels,
                  page="")  # fmt: skip
