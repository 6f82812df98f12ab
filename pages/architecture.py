"""Architecture: the diagram on top; below it the editor, the network's numbers, and one layer close up.

The editor validates on every change; what breaks a rule is explained while the last good network stays. A layer
chosen in the diagram, the chart or the table is chosen in all of them. The whole state lives in the link.
"""

import time

import streamlit as st

from explorer.analysis import OPTIMIZER_STATE, Precision, Term, analyse
from explorer.analysis.formulas import term_name
from explorer.errors import InputError
from explorer.exports import svg
from explorer.families import PRESETS, resolve
from explorer.i18n import _
from explorer.ui.architecture import charts, diagram, headline, layer_panel, state, tables, toolbar
from explorer.ui.editors import editor
from explorer.ui.editors.common import beside, number, slot, slots
from explorer.ui.glossary import explain
from explorer.ui.shared import export, published
from explorer.ui.shared.text import plain

OPTIMIZERS = {"sgd": _("SGD"), "momentum": _("SGD with momentum"), "adam": _("Adam, AdamW")}
DEVICES = {
    "auto": _("This machine's"), "cpu": _("CPU"), "cuda": _("NVIDIA GPU"), "mps": _("Apple GPU"),
}  # fmt: skip
PRECISIONS = {Precision.FP32: "float32", Precision.BF16: "bfloat16", Precision.FP16: "float16"}
PAINTED_FIRST = 0.1  # seconds
TABLES = {"numbers": _("Numbers"), "formulas": _("Formulas")}


def preset_label(name: str) -> str:
    if name in PRESETS:
        return f"{PRESETS[name].title} · {name}"
    return name.replace(":", " · ")


# Room for what takes a moment to draw, so that nothing below it jumps; long names of numbers take two lines.
ROOM = (
    "<style>.st-key-face {min-height: 17rem} .st-key-layer-panel {min-height: 35.5rem} "
    '[data-testid="stMetricLabel"] * {white-space: normal !important}</style>'
)

st.html(ROOM)
editing = state.Editing.of_session()
editing.begin()
dark = st.context.theme.type == "dark"

with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="toolbar"):
    st.title(_("Architecture"), anchor=False, width="content")
    st.selectbox(
        _("Start from"), state.starts(), format_func=preset_label, key=state.PRESET,
        on_change=state.open_preset, width=330,
    )  # fmt: skip
    buttons = st.container(horizontal=True, gap="xsmall", width="content", key="toolbar-buttons")
face = st.container(key="face")
editor_side, numbers_side, layer_side = st.columns([12, 10, 14], gap="medium")

with editor_side, slots() as found:
    linked = st.container()
    try:
        spec = editor(editing.spec.family)(editing)
        analyse(spec)
    except InputError as error:
        editing.refuse(error)
    else:
        editing.accept(spec)
    with st.expander(_("Training memory and FLOPs"), key="training-options"):
        number(state.VIEW + "batch", _("Batch size"), explain("batch"))
        st.selectbox(
            _("Optimizer"), list(OPTIMIZER_STATE), format_func=OPTIMIZERS.__getitem__, key=state.VIEW + "optimizer",
            help=explain("optimizer-state"),
        )  # fmt: skip
        st.segmented_control(
            _("Precision"), list(Precision), required=True, format_func=PRECISIONS.__getitem__,
            key=state.VIEW + "precision", help=explain("mixed-precision"),
        )  # fmt: skip
        st.selectbox(
            _("Device"), list(DEVICES), format_func=DEVICES.__getitem__, key=state.VIEW + "device",
            help=_("What attention and dropout keep for the backward pass depends on it."),
        )  # fmt: skip
        st.pills(
            _("FLOPs count"), list(Term), selection_mode="multi", format_func=term_name, key=state.VIEW + "flops",
            help=explain("flops"),
        )  # fmt: skip
    slot("batch")

with buttons:
    toolbar.history(editing)
    toolbar.library()
    export_menu = st.popover(_("Export"), icon=":material/download:", key="export", on_change="rerun")
    toolbar.train(editing)

with face:
    drawing = st.container()
    diagram.controls()

view = editing.read_widgets()
if editing.fault:
    (linked if editing.link_problems else beside(found, editing.fault)).error(
        plain(editing.fault),
        title=_("This link can't be opened: you see {name} instead").format(name=editing.base)
        if editing.link_problems
        else _("Not a network yet: the numbers are those of the last good one"),
        icon=":material/error:",
    )
analysis, base = (
    analyse(
        spec, batch_size=view.batch, optimizer=view.optimizer, precision=view.precision, device=view.device
    ).counting(frozenset(view.flops))
    for spec in (editing.spec, resolve(editing.base))
)

with drawing:
    diagram.render(analysis, svg.name(editing.spec, editing.base), view, dark=dark)

with numbers_side:
    headline.render(analysis, base, editing.base)

with layer_side:
    layer_panel.render(analysis, view.layer, dark=dark)
    published.badges(analysis)
    if analysis.warnings:
        st.warning(
            "\n".join(f"- {plain(warned.message)}" for warned in analysis.warnings),
            title=_("It runs, but look at this"),
            icon=":material/warning:",
        )

# Charts and table take the browser far longer than numbers and panel: sent a moment later, they don't hold these up.
time.sleep(PAINTED_FIRST)
charts.render(analysis, view, dark=dark)

st.header(_("Layers"), anchor=False)
st.segmented_control(
    _("Show"), list(TABLES), required=True, label_visibility="collapsed", format_func=TABLES.__getitem__,
    key=state.VIEW + "table",
)  # fmt: skip
view = editing.read_widgets()
tables.render(analysis, view)
tables.render_heads(analysis)

published.table(analysis)

editing.write_link()
if export_menu.open:  # last, because a large file takes its time
    with export_menu:
        export.render(editing.spec, editing.base, diagram.appearance(view, dark=dark))
