"""Editor of the ``densenet`` family: layers block by block, and how layers and transitions are made."""

import streamlit as st

from explorer.errors import SpecError, shown
from explorer.families import Spec
from explorer.families.densenet.spec import MAX_BLOCKS, DenseNetSpec
from explorer.i18n import _
from explorer.ui.architecture.state import PREFIX, Editing
from explorer.ui.editors.common import choice, dropout, optional_number, shared_fields, slot, whole_number
from explorer.ui.glossary import explain

COUNT = PREFIX + "count"


def edit(_editing: Editing) -> Spec:
    """Draw the widgets; the spec that they describe.

    Raises:
        SpecError: where they describe none.
    """
    state = st.session_state
    if isinstance(state.get(PREFIX + "blocks"), list):  # filled from a spec
        blocks = state.pop(PREFIX + "blocks")
        state[COUNT] = len(blocks)
        for block, layers in enumerate(blocks):
            state[f"{PREFIX}blocks.{block}"] = layers
    wanted = whole_number("count", _("Dense blocks"), explain("dense-block", _("A transition stands between two.")))
    slot("count")
    count = max(1, min(wanted or 1, MAX_BLOCKS))
    blocks = []
    with st.grid(4, min_column_width=105, gap="xsmall", vertical_alignment="bottom"):
        for block in range(count):  # a new block starts like the one before
            state.setdefault(f"{PREFIX}blocks.{block}", state.get(f"{PREFIX}blocks.{block - 1}"))
            blocks.append(
                whole_number(f"blocks.{block}", _("Layers in block {n}").format(n=block + 1), explain("dense-block"))
            )
    slot("blocks")
    left, right = st.columns(2, wrap=False, vertical_alignment="bottom")
    with left:
        growth = whole_number("growth_rate", _("Growth rate"), explain("growth-rate"))
    with right:
        bottleneck = optional_number(
            "bottleneck", _("Bottleneck"), _("none"),
            explain("dense-bottleneck", _("Width of the 1×1, in growth rates; empty leaves it out.")),
        )  # fmt: skip
    slot("growth_rate", "bottleneck")
    compression = st.number_input(
        _("Compression"), min_value=0.0, max_value=1.0, step=0.1, format="%.12g", key=PREFIX + "compression",
        help=explain("compression"),
    )  # fmt: skip
    slot("compression")
    fields = shared_fields()
    with st.expander(_("Stem, dropout"), key=PREFIX + "more"):
        stem = choice(
            "stem", _("Stem"), {"imagenet": _("ImageNet: 7×7/2, pool"), "cifar": _("CIFAR: 3×3")}, explain("stem")
        )
        width = whole_number("stem_width", _("Width of the stem"), explain("width"))
        slot("stem_width")
        probability = dropout()
    if count != wanted:
        raise SpecError(
            _("count: {value} is not between 1 and {limit} blocks").format(value=shown(wanted), limit=MAX_BLOCKS)
        )
    return DenseNetSpec.parse(
        {
            "family": "densenet",
            "blocks": blocks,
            "growth_rate": growth,
            "stem_width": width,
            "bottleneck": bottleneck,
            "compression": compression,
            "stem": stem,
            "dropout": probability,
            **fields,
        }
    )
