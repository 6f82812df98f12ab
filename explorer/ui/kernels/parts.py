"""What sections of the Kernels page share: short number inputs, facts with their formula, tables of terms."""

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from explorer.analysis.formulas import equation, number, product
from explorer.analysis.kernels import Conv
from explorer.i18n import _
from explorer.ui.editors import common
from explorer.ui.kernels.section import widget_key
from explorer.ui.shared.text import plain

INPUT = 118  # pixels
CARD = 96


class Fact(NamedTuple):
    """A number, and the formula behind it."""

    label: str
    value: str
    formula: str = ""


def short_number(section: str, name: str, label: str, help_text: str | None = None) -> object:
    """A narrow number input for a setting, whose limits the settings check in words."""
    return common.number(widget_key(section, name), label, help_text, width=INPUT)


def facts(rows: Sequence[Fact], *, least: int = CARD) -> None:
    """Numbers in a row that wraps, and below it the formulas with the exact values."""
    with st.grid(len(rows), min_column_width=least, gap="xsmall"):
        for fact in rows:
            st.metric(fact.label, fact.value, border=True)
    formulas = [_("{label}: {formula}").format(label=fact.label, formula=fact.formula) for fact in rows if fact.formula]
    if formulas:
        st.caption("  \n".join(map(plain, formulas)))


def terms(convolutions: Sequence[Conv], side: int, *, alt: str) -> None:
    """Weights and MACs of each convolution written out, and their sums."""
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
            _("MACs"): [
                *(equation(f"{number(conv.weights)}·{side}²", conv.macs(side)) for conv in convolutions),
                number(sum(macs)),
            ],
        },
        border="horizontal",
        hide_index=True,
        alt=alt,
    )
