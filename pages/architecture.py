"""Architecture: edit a network on the left, see every number of it on the right.

The editor validates on every change; what breaks a rule is explained while the last good network stays. The
whole state lives in the link.
"""

import streamlit as st

from explorer.analysis import OPTIMIZER_STATE, Precision, Term, analyse
from explorer.analysis.formulas import term_name
from explorer.errors import InputError
from explorer.i18n import _
from explorer.specs import PRESETS
from explorer.ui import charts, headline, layer_panel, state, tables
from explorer.ui.editors import EDITORS
from explorer.ui.editors.common import number
from explorer.ui.text import plain

OPTIMIZERS = {"sgd": _("SGD"), "momentum": _("SGD with momentum"), "adam": _("Adam, AdamW")}
PRECISIONS = {Precision.FP32: "float32", Precision.BF16: "bfloat16", Precision.FP16: "float16"}
TABLES = {"numbers": _("Numbers"), "formulas": _("Formulas")}
ROW_HEIGHT = 30
ROWS_SHOWN = 16


def preset_label(name: str) -> str:
    if name == state.ZOO:
        return _("Any torchvision model…")
    return f"{PRESETS[name].title} · {name}"


editing = state.current()
dark = st.context.theme.type == "dark"

editor_side, numbers_side = st.columns([9, 11], gap="medium")

with editor_side:
    st.title(_("Architecture"), anchor=False)
    picker, reset = st.columns([5, 1], vertical_alignment="bottom", wrap=False, gap="xsmall")
    picker.selectbox(
        _("Start from"), [*PRESETS, state.ZOO], format_func=preset_label, key=state.PRESET, on_change=state.open_preset
    )
    try:
        spec = EDITORS[editing.spec.family](editing)
        analyse(spec)
    except InputError as error:
        state.refuse(editing, error)
    else:
        state.accept(editing, spec)
    reset.button(
        _("Reset"),
        help=_("Back to {name}").format(name=editing.base),
        on_click=state.reset,
        disabled=not state.is_changed(editing),
        key="reset",
        width="stretch",
    )
    with st.expander(_("Training memory and FLOPs"), key="training-options"):
        number(state.VIEW + "batch", _("Batch size"))
        st.selectbox(_("Optimizer"), list(OPTIMIZER_STATE), format_func=OPTIMIZERS.get, key=state.VIEW + "optimizer")
        st.segmented_control(
            _("Precision"), list(Precision), required=True, format_func=PRECISIONS.get, key=state.VIEW + "precision"
        )
        st.pills(_("FLOPs count"), list(Term), selection_mode="multi", format_func=term_name, key=state.VIEW + "flops")
    view = state.look(editing)

with numbers_side:
    if editing.problem:
        st.error(
            plain(editing.problem),
            title=_("This link can't be opened: you see {name} instead").format(name=editing.base)
            if editing.link_problem
            else _("Not a network yet: the numbers are those of the last good one"),
            icon=":material/error:",
        )
    terms = frozenset(view.flops)
    analysis = analyse(editing.spec, batch_size=view.batch, optimizer=view.optimizer, precision=view.precision)
    headline.draw(analysis, terms)
    if analysis.warnings:
        st.warning(
            "\n".join(f"- {plain(warned.message)}" for warned in analysis.warnings),
            title=_("It runs, but look at this"),
            icon=":material/warning:",
        )

    st.subheader(_("Receptive field along the network"), anchor=False)
    if any(layer.field for layer in analysis.layers):
        st.plotly_chart(
            charts.field_growth(analysis, dark=dark),
            key="field-growth",
            config={"displayModeBar": False},
            alt=_("Receptive field of each layer against the size of the image; the table below has the numbers"),
        )
    else:
        st.info(_("No convolution or pool: every unit of the first layer sees the whole image."))
    st.subheader(_("Cost by stage"), anchor=False)
    sums = charts.stage_sums(analysis)
    for column, (name, title) in zip(st.columns(2), (("params", _("Parameters")), ("macs", _("MACs"))), strict=True):
        column.altair_chart(
            charts.per_stage(sums, name, title, dark=dark),
            alt=_("{what} by stage and kind of layer").format(what=title),
        )

st.subheader(_("Layers"), anchor=False)
st.segmented_control(
    _("Show"), list(TABLES), required=True, label_visibility="collapsed", format_func=TABLES.get,
    key=state.VIEW + "table",
)  # fmt: skip
view = state.look(editing)
formulas_shown = view.table == "formulas"
table = tables.formula_table(analysis) if formulas_shown else tables.layer_table(analysis, terms)
names = [layer.name for layer in analysis.layers]
chosen = st.dataframe(
    table,
    hide_index=True,
    column_config=tables.formula_columns() if formulas_shown else tables.number_columns(),
    row_height=ROW_HEIGHT,
    height=ROW_HEIGHT * (min(len(table), ROWS_SHOWN) + 1) + 2,
    on_select="rerun",
    selection_mode="single-row",
    selection_default={"selection": {"rows": [names.index(view.layer)] if view.layer in names else []}},
    key=f"layers.{editing.base}.{len(table)}",  # another network starts without a chosen row
    placeholder="–",
    alt=_("Layers with shapes, parameters, MACs, memory and receptive field"),
)
rows = [row for row in chosen.selection.rows if row < len(names)]
state.choose_layer(editing, names[rows[0]] if rows else "")
if rows:
    layer_panel.draw(analysis.layers[rows[0]])
else:
    st.caption(_("Tick a row to see that layer's numbers with their formulas."))

state.write_link(editing)
