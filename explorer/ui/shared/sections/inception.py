"""An Inception module without and with 1x1 reductions, with the sums of its costs."""

from typing import Annotated, Any

import streamlit as st
from pydantic import Field

from explorer.analysis.blocks import (
    EXAMPLE,
    Branches,
    Inception,
    all_convolutions,
    inception_modules,
    macs,
    quoted_macs,
    weights,
)
from explorer.analysis.formulas import equation, number
from explorer.analysis.measures import Measure
from explorer.drawing import kernels_blocks
from explorer.errors import InputError, shown
from explorer.families.googlenet.spec import COLUMNS, MAX_BRANCH, Module
from explorer.formatting import short
from explorer.i18n import _
from explorer.specs.size import MAX_IMAGE
from explorer.ui.page_state import PageFields
from explorer.ui.shared.figure import show_figure
from explorer.ui.shared.sections.parts import convolution_table, facts, narrow_number_input
from explorer.ui.shared.sections.section import Fact, Section, is_rendered, value, widget_key
from explorer.ui.shared.text import plain

NAME = "inception"
OWN = "own"
Channels = Annotated[int, Field(ge=1, le=MAX_BRANCH)]


class InceptionView(PageFields):
    """Fields of the section: the module, and the user's own numbers for the input map and each convolution."""

    module: str = EXAMPLE
    map: Annotated[int, Field(ge=1, le=MAX_IMAGE)] = 28
    channels: Channels = 256
    ch1x1: Channels = 128
    ch3x3red: Channels = 64
    ch3x3: Channels = 192
    ch5x5red: Channels = 64
    ch5x5: Channels = 96
    pool_proj: Channels = 64


def label(name: str) -> str:
    """Return the title of a module in the picker."""
    if name == OWN:
        return _("Numbers of your own")
    module = inception_modules()[name]
    shape = f"{module.side}×{module.side}×{module.inputs}"
    return _("Worked example, {shape}").format(shape=shape) if name == EXAMPLE else f"{name}, {shape}"


def labels() -> dict[str, str]:
    """Return the labels of the fields with a widget."""
    return {"module": _("Module")}


def controls() -> dict[str, Any]:
    """Render the widgets, and return their raw values."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = (
            st.selectbox(
                labels()["module"],
                [*inception_modules(), OWN],
                format_func=label,
                key=widget_key(NAME, "module"),
                width=300,
            )
            if is_rendered("module")
            else value(NAME, "module")
        )
        if name != OWN:
            own = {
                key: st.session_state[widget_key(NAME, key)] for key in InceptionView.model_fields if key != "module"
            }
            return {"module": name, **own}
        titles = dict(zip(Module._fields[1:], COLUMNS, strict=True))
        output = _("Output channels of this convolution.")
        return {
            "module": name,
            "map": narrow_number_input(NAME, "map", _("Map side"), _("Cells a side of the map that arrives.")),
            "channels": narrow_number_input(NAME, "channels", _("Channels in"), _("Of the map that arrives.")),
            **{key: narrow_number_input(NAME, key, title, output) for key, title in titles.items()},
        }


def compute(view: InceptionView) -> Inception:
    """Return the module.

    Raises:
        InputError: If there is no module of this name.
    """
    if view.module == OWN:
        row = Module(OWN, *(getattr(view, key) for key in Module._fields[1:]))
        return Inception(view.map, view.channels, row)
    modules = inception_modules()
    if view.module not in modules:
        raise InputError(
            _("module: {value} is not one of {names}").format(
                value=shown(view.module), names=", ".join([*modules, OWN])
            )
        )
    return modules[view.module]


def render(module: Inception, *, dark: bool, numbers: bool = True) -> None:
    """Render the conclusion, both forms of the module, and the erratum if there is one."""
    naive, reduced = module.naive(), module.reduced()
    pictures = figures(module, dark=dark)
    if numbers:
        st.markdown(plain(conclusion(module)))
    if numbers and module.widths.name == EXAMPLE:
        st.info(plain(erratum(module)), icon=":material/edit_note:")
    forms = ((_("Naive"), naive), (_("Reduced first"), reduced))
    for column, (name, branches), picture in zip(st.columns(2, gap="medium"), forms, pictures, strict=True):
        with column:
            st.header(name, anchor=False)
            show_figure(
                picture,
                key="kernels.picture.naive" if branches is naive else "kernels.picture.reduced",
            )
            if not numbers:
                continue
            convolutions = all_convolutions(branches)
            work = macs(convolutions, module.side)
            facts(
                [
                    Fact(Measure.MACS.label, short(work), _branch_sum(branches, module.side)),
                    Fact(_("Weights"), short(weights(convolutions)), _branch_sum(branches)),
                    Fact(_("Channels out"), number(sum(module.outputs(branches)))),
                ]
            )
            convolution_table(
                convolutions,
                module.side,
                alt=_("Convolutions of the module, {name}, with weights and MACs").format(name=name),
            )
    if not numbers:
        return
    st.caption(_("Bars compare the layers' MACs. No biases. Source: Szegedy et al. 2015, Figure 2, Table 1."))


def figures(module: Inception, *, dark: bool) -> list[str]:
    """Return both forms of the module."""
    naive, reduced = module.naive(), module.reduced()
    most = max(conv.macs(module.side) for conv in all_convolutions(naive))
    rows = max(map(len, reduced))  # the same room, so that the numbers below are in line
    return [
        kernels_blocks.inception(module, branches, max_macs=most, rows=rows, dark=dark) for branches in (naive, reduced)
    ]


def list_numbers(module: Inception) -> list[Fact]:
    """Return the costs of both forms."""
    costs = {
        name: macs(all_convolutions(branches), module.side)
        for name, branches in ((_("MACs, naive"), module.naive()), (_("MACs, reduced first"), module.reduced()))
    }
    return [Fact(name, short(cost), number(cost)) for name, cost in costs.items()]


def conclusion(module: Inception) -> str:
    """Return a sentence about what the figures show."""
    naive, reduced = (macs(all_convolutions(branches), module.side) for branches in (module.naive(), module.reduced()))
    return _(
        "The naive module costs {naive:,} MACs, {ratio:.1f} times as many as the same module behind 1×1 convolutions "
        "that reduce the channels first: {reduced:,}."
    ).format(naive=naive, reduced=reduced, ratio=naive / reduced)


def erratum(module: Inception) -> str:
    """Return the explanation of the larger sum that is often quoted for the worked example."""
    three = module.reduced()[1][-1].macs(module.side)
    return _(
        "The reduced module is often quoted at 358 M: {quoted:,} counts the 3×3 term, {three:,}, twice. The terms "
        "listed below add up to {true:,}."
    ).format(quoted=quoted_macs(module), three=three, true=macs(all_convolutions(module.reduced()), module.side))


def _branch_sum(branches: Branches, side: int = 1) -> str:
    """Return the sum over the branches: of MACs, or of weights if the side is 1."""
    parts = [macs(branch, side) for branch in branches if branch]
    return equation(" + ".join(map(number, parts)), sum(parts))


SECTION = Section(NAME, lambda: _("Inception"), InceptionView, controls, compute, render, figures, list_numbers, labels)
