"""A basic block compared with a bottleneck block of about the same cost."""

from typing import Annotated, Any

import streamlit as st
from pydantic import Field

from explorer.analysis.blocks import EXPANSION, basic, bottleneck, macs, weights
from explorer.analysis.measures import Measure
from explorer.drawing import kernels_blocks
from explorer.formatting import short
from explorer.i18n import _
from explorer.specs.size import MAX_IMAGE
from explorer.ui.page_state import PageFields
from explorer.ui.shared.figure import show_figure
from explorer.ui.shared.sections.parts import convolution_table, facts, narrow_number_input
from explorer.ui.shared.sections.section import Fact, Section
from explorer.ui.shared.text import plain

NAME = "blocks"
MAX_WIDTH = 4096  # four times this number is the widest map of a network


class BlocksView(PageFields):
    """Fields of the section.

    Attributes:
        width: Channels of the 3x3 convolutions.
        map: Side of the maps in pixels.
    """

    width: Annotated[int, Field(ge=1, le=MAX_WIDTH)] = 64
    map: Annotated[int, Field(ge=1, le=MAX_IMAGE)] = 56


def controls() -> dict[str, Any]:
    """Render the widgets, and return their raw values."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        return {
            "width": narrow_number_input(NAME, "width", _("Width w"), _("Channels of the 3×3 convolutions.")),
            "map": narrow_number_input(NAME, "map", _("Map side"), _("Cells a side; padding keeps it.")),
        }


def compute(view: BlocksView) -> BlocksView:
    """Return the view: every combination of fields is valid."""
    return view


def render(view: BlocksView, *, dark: bool, numbers: bool = True) -> None:
    """Render the conclusion, and both blocks with their numbers."""
    width, side = view.width, view.map
    blocks = {_("Basic block"): basic(width), _("Bottleneck"): bottleneck(width)}
    rows = max(map(len, blocks.values()))  # the same room, so that the numbers below are in line
    most = max(conv.macs(side) for convolutions in blocks.values() for conv in convolutions)
    if numbers:
        st.markdown(plain(conclusion(width)))
    for column, (name, convolutions), cells in zip(st.columns(2, gap="medium"), blocks.items(), (18, 17), strict=True):
        with column:
            st.header(name, anchor=False)
            show_figure(
                kernels_blocks.residual(convolutions, side, max_macs=most, rows=rows, dark=dark),
                key=f"kernels.picture.block{cells}",
            )
            if not numbers:
                continue
            total = weights(convolutions)
            facts(
                [
                    Fact(_("Weights"), short(total), f"{cells}·{width:,}² = {total:,}"),
                    Fact(
                        Measure.MACS.label,
                        short(macs(convolutions, side)),
                        f"{total:,}·{side:,}² = {macs(convolutions, side):,}",
                    ),
                    Fact(_("Channels"), f"{convolutions[0].inputs:,}"),
                ]
            )
            convolution_table(
                convolutions, side, alt=_("Convolutions of the block {name} with weights and MACs").format(name=name)
            )
    st.caption(
        _(
            "Bars compare the layers' MACs. No biases and no batch norm. Source: He et al. 2016, Figure 5 "
            "and section 4.1."
        )
    )


def conclusion(width: int) -> str:
    """Return a sentence about what the figures show."""
    small, wide = weights(basic(width)), weights(bottleneck(width))
    wide_basic = weights(basic(EXPANSION * width))
    return _(
        "The bottleneck carries {wide:,} channels where the basic block carries {narrow:,}, at {percent:.0%} of its "
        "cost: 17·w² weights against 18·w². A basic block as wide would have {weights:,}, {times:.0f} times as many."
    ).format(wide=EXPANSION * width, narrow=width, percent=wide / small, weights=wide_basic, times=wide_basic / wide)


SECTION = Section(NAME, lambda: _("Blocks"), BlocksView, controls, compute, render)
