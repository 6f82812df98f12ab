"""Editor of the ``googlenet`` family: the Inception table as a grid."""

from typing import Any

import pandas as pd
import streamlit as st

from explorer.families import Spec
from explorer.families.googlenet.spec import COLUMNS, GoogLeNetSpec, Module, is_name
from explorer.i18n import _
from explorer.ui.architecture.state import EDIT, ArchitectureState
from explorer.ui.editors.common import (
    activation_field,
    batch_norm_field,
    choice_field,
    dropout_field,
    error_area,
    shared_fields,
    toggle_field,
)
from explorer.ui.glossary import explain

TABLE = EDIT + "table"
# Glossary terms that explain the columns.
MEANINGS = dict(zip(COLUMNS, ("1x1", "reduction", "convolution", "reduction", "convolution", "1x1"), strict=True))
CELL_WIDTH = 62  # pixels: seven columns fit next to the numbers


def edit(page_state: ArchitectureState) -> Spec:
    """Render the widgets, and return the spec that they describe.

    Raises:
        SpecError: If the values of the widgets break a rule.
    """
    state = st.session_state
    if isinstance(state.get(EDIT + "modules"), list):  # PageState.fill has set the whole list
        state[TABLE] = pd.DataFrame(state.pop(EDIT + "modules"), columns=list(Module._fields))
    st.caption(_("Inception modules: output channels of each branch (r. reduces for the column after it)"))
    grid = st.data_editor(
        state[TABLE],
        key=f"{TABLE}.{page_state.revision}",
        num_rows="dynamic",
        hide_index=True,
        row_height=30,
        column_config={
            "name": st.column_config.TextColumn(
                _("Name"), width=CELL_WIDTH, help=explain("inception", _("Name of the module."))
            ),
            **{
                field: st.column_config.NumberColumn(
                    # No limits here: the grid would silently change 9000 to 8192 and -5 to 5. The spec refuses them.
                    title.replace("reduce", "r.").replace(" projection", ""),
                    width=CELL_WIDTH,
                    help=explain(
                        MEANINGS[title], _("Output channels of the {column} convolution.").format(column=title)
                    ),
                )
                for field, title in zip(Module._fields[1:], COLUMNS, strict=True)
            },
        },
        alt=_("Inception modules: channels of each branch"),
    )
    error_area("modules")
    rows = [[_cell(value) for value in row] for row in grid.itertuples(index=False)]
    names = [row[0] if isinstance(row[0], str) else "" for row in rows]
    renamed = _renamed(page_state, names)
    pools = _module_names("pool_after", _("Pool after"), explain("pooling"), names, renamed)
    heads = _module_names("aux_after", _("Auxiliary head after"), explain("auxiliary-head"), names, renamed)
    error_area("pool_after", "aux_after")
    fields = shared_fields()
    reduce = toggle_field(
        "reduce",
        _("1×1 reductions"),
        explain("reduction", _("Off: the naive module, which ignores the reduce and projection columns.")),
    )
    batch_norm = batch_norm_field()
    activation = activation_field()
    with st.expander(_("Branches, stem, dropout"), key=EDIT + "more"):
        branch = choice_field(
            "branch5x5", _("Third branch"), {5: _("5×5 (paper)"), 3: _("3×3 (torchvision)")}, explain("kernel")
        )
        stem = choice_field(
            "stem", _("Stem"), {"imagenet": _("ImageNet: down to 28×28"), "cifar": _("CIFAR: 3×3")}, explain("stem")
        )
        last_pool = choice_field(
            "last_pool", _("Last pool"), {3: _("3×3 (paper)"), 2: _("2×2 (torchvision)")}, explain("ceil-mode")
        )
        probability = dropout_field()
        aux_pool = choice_field(
            "aux_pool",
            _("Pool of the heads"),
            {"average": _("5×5/3 (paper)"), "adaptive": _("To 4×4 (torchvision)")},
            explain("auxiliary-head"),
        )
        aux_dropout = dropout_field("aux_dropout", _("Dropout of the heads"))
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
            "activation": activation,
            **fields,
        }
    )


def _cell(value: Any) -> Any:
    """Return the value of a cell as in JSON: a blank is null, and 64.0 is 64."""
    if pd.isna(value):
        return None
    if isinstance(value, str):
        return value
    return int(value) if float(value).is_integer() else float(value)


def _renamed(page_state: ArchitectureState, names: list[str]) -> dict[str, str]:
    """Return the new name of each renamed row of the last valid table, by its old name."""
    spec = page_state.spec
    before = [row.name for row in spec.modules] if isinstance(spec, GoogLeNetSpec) else []
    if len(before) != len(names):
        return {}
    return {old: new for old, new in zip(before, names, strict=True) if old not in names and is_name(new)}


def _module_names(field: str, label: str, help_text: str, names: list[str], renamed: dict[str, str]) -> list[str]:
    """Render a picker of module names, and return the chosen names in the order of the table.

    A chosen name that the table no longer has stays chosen, and the spec refuses it. Otherwise its pool would vanish
    without a message.
    """
    key = EDIT + field
    chosen = [renamed.get(name, name) for name in st.session_state[key]]
    if chosen != st.session_state[key]:
        st.session_state[key] = chosen
    options = list(dict.fromkeys([*filter(None, names), *chosen]))
    return sorted(
        st.pills(label, options, selection_mode="multi", wrap=True, key=key, help=help_text), key=options.index
    )
