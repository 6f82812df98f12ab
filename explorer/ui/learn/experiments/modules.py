"""An Inception module without and with reductions, or what the auxiliary heads of GoogLeNet add to the gradient."""

from typing import Annotated, Any, Literal, NamedTuple

import streamlit as st
from pydantic import Field

from explorer.analysis.blocks import EXAMPLE, Inception, inception_modules
from explorer.drawing import depth_chart
from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.lessons.gradients import amount
from explorer.lessons.heads import Heads, heads
from explorer.training.gradient_norms import GradientNorms
from explorer.ui.page_state import PageFields
from explorer.ui.shared.figure import show_row
from explorer.ui.shared.sections import inception
from explorer.ui.shared.sections.parts import facts, narrow_number_input
from explorer.ui.shared.sections.section import Fact, Section, is_rendered, value, widget_key
from explorer.workers import semaphore

NAME = "modules"
INITS = ("default", "he", "normal")


class ModulesView(PageFields):
    """Fields of the experiment.

    Attributes:
        show: Whether a module is shown, or the gradients of the network.
        module: Name of the module.
        init: Initialisation of the network.
        norm: Whether it has batch norm.
        seed: Seed of weights and images.
    """

    show: Literal["module", "heads"] = "module"
    module: str = EXAMPLE
    init: Literal["default", "he", "normal"] = "default"
    norm: bool = False
    seed: Annotated[int, Field(ge=0, le=999)] = 0


class Modules(NamedTuple):
    """The module, and the gradients if they are shown."""

    view: ModulesView
    module: Inception
    heads: Heads | None


def labels() -> dict[str, str]:
    """Return the labels of the fields with a widget."""
    return {"module": _("Module"), "init": _("Initialisation"), "norm": _("Batch norm"), "seed": _("Seed")}


def words() -> dict[str, dict[str, str]]:
    """Return the titles of the values of fields with a list of choices."""
    return {
        "module": {name: inception.label(name) for name in inception_modules()},
        "init": {"default": _("PyTorch's"), "he": _("He's"), "normal": _("Normal, 0.01")},
    }


def controls() -> dict[str, Any]:
    """Render the widgets, and return their raw values."""
    names, titles = labels(), words()
    show = value(NAME, "show")
    values: dict[str, Any] = {"show": show, **{name: value(NAME, name) for name in names}}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if show == "module":
            if is_rendered("module"):
                values["module"] = st.selectbox(
                    names["module"], list(titles["module"]), format_func=lambda one: titles["module"].get(one, one),
                    width=300, key=widget_key(NAME, "module"), persist_state="page",
                )  # fmt: skip
            return values
        if is_rendered("init"):
            values["init"] = st.selectbox(
                names["init"], INITS, format_func=lambda one: titles["init"].get(one, one), width=150,
                key=widget_key(NAME, "init"), persist_state="page",
            )  # fmt: skip
        values["seed"] = narrow_number_input(NAME, "seed", names["seed"])
        if is_rendered("norm"):
            values["norm"] = st.toggle(names["norm"], key=widget_key(NAME, "norm"), persist_state="page")
    return values


def compute(view: ModulesView) -> Modules:
    """Return the module, and the gradients if they are shown.

    Raises:
        InputError: If there is no module of this name.
    """
    found = inception_modules()
    if view.module not in found:
        names = ", ".join(found)
        raise InputError(_("module: {value} is not one of {names}").format(value=shown(view.module), names=names))
    if view.show == "module":
        return Modules(view, found[view.module], None)
    with semaphore.slot(lambda _ahead: None):
        return Modules(view, found[view.module], heads(view.init, view.seed, batch_norm=view.norm))


def render(result: Modules, *, dark: bool, numbers: bool = True) -> None:
    """Render both forms of the module, or the gradients."""
    if result.heads is None:
        inception.render(result.module, dark=dark, numbers=numbers)
        return
    show_row(figures(result, dark=dark), key="learn.picture.heads")
    if numbers:
        facts(list_numbers(result), min_width=220)


def along_modules(gradients: GradientNorms) -> dict[str, float]:
    """Return the largest gradient at an output of each module, from the first to the last, by the module's name."""
    found: dict[str, float] = {}
    for one in gradients.main:
        module = one.layer.partition(".")[0]
        found[module] = max(found.get(module, 0.0), one.output)
    return found


def figures(result: Modules, *, dark: bool) -> list[str]:
    """Return both forms of the module, or the chart of the gradients."""
    if result.heads is None:
        return inception.figures(result.module, dark=dark)
    lines = {
        name: list(along_modules(one).values())
        for name, one in ((_("without heads"), result.heads.without), (_("with heads"), result.heads.added))
    }
    return [depth_chart.draw(lines, label=_("Gradient at the module's output"), dark=dark)]


def list_numbers(result: Modules) -> list[Fact]:
    """Return the costs of both forms, or how much of the gradient arrives."""
    if result.heads is None:
        return inception.list_numbers(result.module)
    found = result.heads
    return [
        Fact(_("First layer ÷ last layer, without heads"), amount(found.without.ratio)),
        Fact(_("First layer ÷ last layer, with heads"), amount(found.added.ratio)),
        Fact(_("The heads make it larger by"), _("a factor of {factor}").format(factor=amount(found.factor))),
    ]


def _page_link(view: ModulesView) -> dict[str, str]:
    return {"show": inception.NAME, **inception.InceptionView(module=view.module).to_link()}


SECTION = Section(NAME, lambda: _("Inception"), ModulesView, controls, compute, render, figures, list_numbers, labels,
                  link=_page_link, words=words)  # fmt: skip
