"""Parts that sections share: number inputs, numbers with formulas, tables of convolutions."""

from collections.abc import Sequence

import streamlit as st

from explorer.analysis.formulas import equation, number, product
from explorer.analysis.kernels import Conv
from explorer.analysis.measures import Measure
from explorer.i18n import _
from explorer.ui.shared.number_input import number_input
from explorer.ui.shared.sections.section import Fact, is_rendered, value, widget_key
from explorer.ui.shared.text import plain

INPUT_WIDTH = 118  # pixels
CARD_WIDTH = 96  # pixels


def narrow_number_input(section: str, name: str, label: str, help_text: str | None = None) -> object:
    """Render a narrow number input for a field. The view checks its limits."""
    if not is_rendered(name):
        return value(section, name)
    return number_input(widget_key(section, name), label, help_text, width=INPUT_WIDTH)


def facts(rows: Sequence[Fact], *, min_width: int = CARD_WIDTH) -> None:
    """Render the numbers in a row that wraps, and below it the formulas with the exact values."""
    with st.grid(len(rows), min_column_width=min_width, gap="xsmall"):
        for fact in rows:
            st.metric(fact.label, fact.value, border=True)
    formulas = [_("{label}: {formula}").format(label=fact.label, formula=fact.formula) for fact in rows if fact.formula]
    if formulas:
        st.caption("  \n".join(map(plain, formulas)))


def convolution_table(convolutions: Sequence[Conv], side: int, *, alt: str) -> None:
    """Render a table with the formulas for weights and MACs of each convolution, and their sums."""
    names = [f"{conv.kernel}, {conv.inputs:,} → {conv.outputs:,}" for conv in convolutions]
    weights = [conv.weights for conv in convolutions]
    macs = [conv.macs(side) for conv in convolutions]
    st.table(
        {
            _("Convolution"): [*names, _("Sum")],
            _("Weights"): [
                *(equation(product(*conv.factors), conv.weights) for conv in convolutions),
                number(sum(weights)),
            ],
            Measure.MACS.label: [
                *(equation(f"{number(conv.weights)}·{side}²", conv.macs(side)) for conv in convolutions),
                number(sum(macs)),
            ],
        },
        border="horizontal",
        hide_index=True,
        alt=alt,
    )
