"""Editor of the ``googlenet`` family: the Inception table as a grid."""

from typing import Any

import pandas as pd
import streamlit as st

from explorer.i18n import _
from explorer.specs import GoogLeNetSpec, Spec
from explorer.specs.googlenet import COLUMNS, MAX_BRANCH, Module
from explorer.ui.editors.common import choice, dropout, flag, shared_fields
from explorer.ui.state import PREFIX, Editing

TABLE = PREFIX + "table"
CELL = 62  # pixels: seven columns fit beside the numbers


def edit(editing: Editing) -> Spec:
    """Draw the widgets; the spec that they describe.

    Raises:
        SpecError: where they describe none.
    """
    state = st.session_state
    if isinstance(state.get(PREFIX + "modules"), list):  # filled from a spec
        state[TABLE] = pd.DataFrame(state.pop(PREFIX + "modules"), columns=list(Module._fields))
    grid = st.data_editor(
        state[TABLE],
        key=f"{TABLE}.{editing.revision}",
        num_rows="dynamic",
        hide_index=True,
        row_height=30,
        column_config={
            "name": st.column_config.TextColumn(_("Name"), max_chars=12, width=CELL, help=_("Name of the module.")),
            **{
                field: st.column_config.NumberColumn(
                    title.replace("reduce", "r.").replace(" projection", ""),
                    min_value=1,
                    max_value=MAX_BRANCH,
                    step=1,
                    width=CELL,
                    help=_("Output channels of the {column} convolution.").format(column=title),
                )
                for field, title in zip(Module._fields[1:], COLUMNS, strict=True)
            },
        },
        alt=_("Inception modules: channels of each branch"),
    )
    rows = [[_cell(value) for value in row] for row in grid.itertuples(index=False)]
    names = [row[0] for row in rows if isinstance(row[0], str)]
    pools = _chosen("pool_after", _("Pool after"), names)
    heads = _chosen("aux_after", _("Auxiliary head after"), names)
    fields = shared_fields()
    reduce = flag(
        "reduce", _("1x1 reductions"), _("Off: the naive module, which ignores the reduce and projection columns.")
    )
    batch_norm = flag("batch_norm", _("Batch norm"), _("After every convolution (Ioffe and Szegedy 2015)."))
    with st.expander(_("Branches, stem, dropout"), key=PREFIX + "more"):
        branch = choice("branch5x5", _("Third branch"), {5: _("5x5 (paper)"), 3: _("3x3 (torchvision)")}, None)
        stem = choice("stem", _("Stem"), {"imagenet": _("ImageNet: down to 28x28"), "cifar": _("CIFAR: 3x3")})
        last_pool = choice("last_pool", _("Last pool"), {3: "3x3 (paper)", 2: "2x2 (torchvision)"})
        probability = dropout()
    return GoogLeNetSpec.parse(
        {
            "family": "googlenet",
            "modules": rows,
            "pool_after": pools,
            "aux_after": heads,
            "reduce": reduce,
            "batch_norm": batch_norm,
            "branch5x5": branch,
            "stem": stem,
            "last_pool": last_pool,
            "dropout": probability,
            **fields,
        }
    )


def _cell(value: Any) -> Any:
    """A grid's cell as JSON would have it: blanks are null, and 64.0 is 64."""
    if pd.isna(value):
        return None
    if isinstance(value, str):
        return value
    return int(value) if float(value).is_integer() else float(value)


def _chosen(field: str, label: str, names: list[str]) -> list[str]:
    """Module names out of those in the table, in its order."""
    key = PREFIX + field
    st.session_state[key] = [name for name in st.session_state[key] if name in names]
    chosen = st.multiselect(label, names, key=key)
    return sorted(chosen, key=names.index)
