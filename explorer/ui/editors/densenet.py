"""Editor of the ``densenet`` family: layers block by block, and the form of layers and transitions."""

import streamlit as st

from explorer.errors import SpecError, shown
from explorer.families import Spec
from explorer.families.densenet.spec import MAX_BLOCKS, DenseNetSpec
from explorer.i18n import _
from explorer.ui.architecture.state import EDIT, ArchitectureState
from explorer.ui.editors.common import (
    activation_field,
    choice_field,
    dropout_field,
    error_area,
    number_field,
    optional_number_field,
    shared_fields,
)
from explorer.ui.glossary import explain

COUNT = EDIT + "count"


def edit(_page_state: ArchitectureState) -> Spec:
    """Render the widgets, and return the spec that they describe.

    Raises:
        SpecError: If the values of the widgets break a rule.
    """
    state = st.session_state
    if isinstance(state.get(EDIT + "blocks"), list):  # PageState.fill has set the whole list
        blocks = state.pop(EDIT + "blocks")
        state[COUNT] = len(blocks)
        for block, layers in enumerate(blocks):
            state[f"{EDIT}blocks.{block}"] = layers
    wanted = number_field(
        "count", _("Dense blocks"), explain("dense-block", _("There is a transition between two blocks."))
    )
    error_area("count")
    count = max(1, min(wanted or 1, MAX_BLOCKS))
    blocks = []
    with st.grid(4, min_column_width=105, gap="xsmall", vertical_alignment="bottom"):
        for block in range(count):  # a new block is a copy of the one before
            state.setdefault(f"{EDIT}blocks.{block}", state.get(f"{EDIT}blocks.{block - 1}"))
            blocks.append(
                number_field(f"blocks.{block}", _("Layers in block {n}").format(n=block + 1), explain("dense-block"))
            )
    error_area("blocks")
    left, right = st.columns(2, wrap=False, vertical_alignment="bottom")
    with left:
        growth = number_field("growth_rate", _("Growth rate"), explain("growth-rate"))
    with right:
        bottleneck = optional_number_field(
            "bottleneck", _("Bottleneck"), _("none"),
            explain("dense-bottleneck", _("Width of the 1×1, in growth rates; empty leaves it out.")),
        )  # fmt: skip
    error_area("growth_rate", "bottleneck")
    compression = st.number_input(
        _("Compression"), min_value=0.0, max_value=1.0, step=0.1, format="%.12g", key=EDIT + "compression",
        help=explain("compression"),
    )  # fmt: skip
    error_area("compression")
    fields = shared_fields()
    activation = activation_field()
    with st.expander(_("Stem, dropout"), key=EDIT + "more"):
        stem = choice_field(
            "stem", _("Stem"), {"imagenet": _("ImageNet: 7×7/2, pool"), "cifar": _("CIFAR: 3×3")}, explain("stem")
        )
        width = number_field("stem_width", _("Width of the stem"), explain("width"))
        error_area("stem_width")
        probability = dropout_field()
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
            "activation": activation,
            **fields,
        }
    )
