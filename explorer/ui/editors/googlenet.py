"""Editor of the ``googlenet`` family: the Inception table as a grid."""

from typing import Any

import pandas as pd
import streamlit as st

from explorer.families import Spec
from explorer.families.googlenet.spec import COLUMNS, GoogLeNetSpec, Module, is_name
from explorer.i18n import _
from explorer.ui.architecture.state import PREFIX, Editing
from explorer.ui.editors.common import batch_norm_flag, choice, dropout, flag, shared_fields, slot
from explorer.ui.glossary import explain

TABLE = PREFIX + "table"
# Terms of the glossary that say what each column is for.
MEANINGS = dict(zip(COLUMNS, ("1x1", "reduction", "convolution", "reduction", "convolution", "1x1"), strict=True))
CELL = 62  # pixels: seven columns fit beside the numbers


def edit(editing: Editing) -> Spec:
    """Draw the widgets; the spec that they describe.

    Raises:
        SpecError: where they describe none.
    """
    state = st.session_state
    if isinstance(state.get(PREFIX + "modules"), list):  # filled from a spec
        state[TABLE] = pd.DataFrame(state.pop(PREFIX + "modules"), columns=list(Module._fields))
    st.caption(_("Inception modules: output channels of each branch (r. reduces for the column after it)"))
    grid = st.data_editor(
        state[TABLE],
        key=f"{TABLE}.{editing.revision}",
        num_rows="dynamic",
        hide_index=True,
        row_height=30,
        column_config={
            "name": st.column_config.TextColumn(
                _("Name"), width=CELL, help=explain("inception", _("Name of the module."))
            ),
            **{
                field: st.column_config.NumberColumn(
                    # No limits here: the grid would change 9000 to 8192 and -5 to 5 in silence; the spec refuses them.
                    title.replace("reduce", "r.").replace(" projection", ""),
                    width=CELL,
                    help=explain(
                        MEANINGS[title], _("Output channels of the {column} convolution.").format(column=title)
                    ),
                )
                for field, title in zip(Module._fields[1:], COLUMNS, strict=True)
            },
        },
        alt=_("Inception modules: channels of each branch"),
    )
    slot("modules")
    rows = [[_cell(value) for value in row] for row in grid.itertuples(index=False)]
    names = [row[0] if isinstance(row[0], str) else "" for row in rows]
    renamed = _renamed(editing, names)
    pools = _chosen("pool_after", _("Pool after"), explain("pooling"), names, renamed)
    heads = _chosen("aux_after", _("Auxiliary head after"), explain("auxiliary-head"), names, renamed)
    slot("pool_after", "aux_after")
    fields = shared_fields()
    reduce = flag(
        "reduce",
        _("1×1 reductions"),
        explain("reduction", _("Off: the naive module, which ignores the reduce and projection columns.")),
    )
    batch_norm = batch_norm_flag()
    with st.expander(_("Branches, stem, dropout"), key=PREFIX + "more"):
        branch = choice(
            "branch5x5", _("Third branch"), {5: _("5×5 (paper)"), 3: _("3×3 (torchvision)")}, explain("kernel")
        )
        stem = choice(
            "stem", _("Stem"), {"imagenet": _("ImageNet: down to 28×28"), "cifar": _("CIFAR: 3×3")}, explain("stem")
        )
        last_pool = choice(
            "last_pool", _("Last pool"), {3: _("3×3 (paper)"), 2: _("2×2 (torchvision)")}, explain("ceil-mode")
        )
        probability = dropout()
        aux_pool = choice(
            "aux_pool",
            _("Pool of the heads"),
            {"average": _("5×5/3 (paper)"), "adaptive": _("To 4×4 (torchvision)")},
            explain("auxiliary-head"),
        )
        aux_dropout = dropout("aux_dropout", _("Dropout of the heads"))
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
            "aux_pool": aux_pool,
            "aux_dropout": aux_dropout,
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


def _renamed(editing: Editing, names: list[str]) -> dict[str, str]:
    """Old names to new ones, where rows of the last good table were given another name."""
    spec = editing.spec
    before = [row.name for row in spec.modules] if isinstance(spec, GoogLeNetSpec) else []
    if len(before) != len(names):
        return {}
    return {old: new for old, new in zip(before, names, strict=True) if old not in names and is_name(new)}


def _chosen(field: str, label: str, help_text: str, names: list[str], renamed: dict[str, str]) -> list[str]:
    """Module names out of those in the table, in its order.

    A chosen name that the table has lost stays, for the spec to refuse, rather than vanish with its pool.
    """
    key = PREFIX + field
    kept = [renamed.get(name, name) for name in st.session_state[key]]
    if kept != st.session_state[key]:
        st.session_state[key] = kept
    options = list(dict.fromkeys([*filter(None, names), *kept]))
    return sorted(
        st.pills(label, options, selection_mode="multi", wrap=True, key=key, help=help_text), key=options.index
    )
