"""Architecture: the diagram; below it the network's numbers, the editor, and one layer close up.

Every edit is validated. If it breaks a rule, the page shows the error and keeps the last valid network. The diagram,
the chart and the table share the chosen layer. The link contains the whole state.
"""

import streamlit as st

from explorer.analysis import OPTIMIZER_STATE, Analysis, Precision, SpecAnalysis, Term, analyse
from explorer.analysis.comparison import compare
from explorer.analysis.formulas import term_name
from explorer.drawing.theme import theme
from explorer.errors import InputError
from explorer.exports import figure
from explorer.families import PRESETS, Spec, resolve
from explorer.i18n import _
from explorer.ui import run_queue
from explorer.ui.architecture import (
    charts,
    diagram,
    gradients,
    headline,
    layer_panel,
    network_file,
    state,
    tables,
    toolbar,
)
from explorer.ui.compare import diff
from explorer.ui.compare import tables as compare_tables
from explorer.ui.editors import editor
from explorer.ui.editors.common import collect_error_areas, error_area, find_error_area
from explorer.ui.glossary import explain
from explorer.ui.shared import export, html_tables, layer_choice, network_drop, published
from explorer.ui.shared.number_input import number_input
from explorer.ui.shared.text import plain

OPTIMIZERS = {"sgd": _("SGD"), "momentum": _("SGD with momentum"), "adam": _("Adam, AdamW")}
DEVICES = {
    "auto": _("This machine's"), "cpu": _("CPU"), "cuda": _("NVIDIA GPU"), "mps": _("Apple GPU"),
}  # fmt: skip
PRECISIONS = {Precision.FP32: "float32", Precision.BF16: "bfloat16", Precision.FP16: "float16"}
TABLES = {"numbers": _("Numbers"), "formulas": _("Formulas")}


def preset_label(name: str) -> str:
    if name in PRESETS:
        return f"{PRESETS[name].title} · {name}"
    return name.replace(":", " · ")


# Reserves space for parts that take a moment, so that nothing below them jumps. The numbers stay in sight while a user
# edits below a tall diagram.
STYLE = """<style>
  .st-key-toolbar {{ min-height: 5.5rem; }}
  @media (max-width: 1250px) {{ .st-key-toolbar {{ min-height: 7.75rem; align-content: flex-start; }} }}
  @media (max-width: 640px) {{ .st-key-toolbar {{ min-height: 13.8rem; }} }}
  .st-key-diagram {{ min-height: 25rem; }}
  @media (max-width: 640px) {{ .st-key-diagram {{ min-height: 34rem; }} }}
  @media (min-width: 1600px) {{ .st-key-diagram {{ min-height: 17rem; }} }}
  .st-key-headline {{ min-height: 5.2rem; }}
  .st-key-headline [data-testid="stMetricLabel"] {{ min-height: 2.2rem; align-items: flex-end; }}
  .st-key-headline [data-testid="stMetricLabel"] * {{ white-space: normal !important; line-height: 1.2; }}
  @media (min-width: 641px) and (max-width: 960px) {{
    .st-key-headline .stGrid {{ grid-template-columns: repeat(5, 1fr) !important; }}
  }}
  @media (max-width: 1250px) {{ .st-key-headline [data-testid="stMetricValue"] {{ font-size: 1.05rem; }} }}
  @media (min-width: 1000px) and (min-height: 600px) {{
    .stLayoutWrapper:has(> .st-key-headline) {{
      position: sticky; top: 3.5rem; bottom: 0; z-index: 5; padding: 0.5rem 0; background: {ground};
    }}
  }}
  .st-key-train-link a {{ background: {accent}; border-radius: 6px; height: 2.5rem; margin: 0; padding: 0 0.9rem; }}
  .st-key-train-link .stElementContainer {{ margin: 0; }}
  .st-key-train-link a:hover {{ background: {accent}; filter: brightness(1.12); }}
  .st-key-train-link a * {{ color: {ground} !important; }}
</style>"""

page_state = state.ArchitectureState.of_session()
page_state.begin()
dark = st.context.theme.type == "dark"
st.html(STYLE.format(accent=theme(dark=dark).accent, ground=theme(dark=dark).ground))

network_drop.drop_area(toolbar.open_dropped)
with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="toolbar"):
    st.title(_("Architecture"), anchor=False, width="content")
    st.selectbox(
        _("Start from"), state.preset_names(), format_func=preset_label, key=state.PRESET,
        on_change=state.open_preset, width=330,
    )  # fmt: skip
    buttons = st.container(horizontal=True, gap="xsmall", width="content", key="toolbar-buttons")
toolbar.drop_problem(page_state)
link_error_area = st.container()
diagram_area = st.container(key="face")
headline_area = st.container(key="headline", gap="small")
editor_side, layer_side = st.columns(2, gap="medium")


def training_options() -> None:
    number_input(state.VIEW + "batch", _("Batch size"), explain("batch"))
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


file = page_state.file


def numbers_of(spec: Spec) -> SpecAnalysis:
    return analyse(
        spec, batch_size=view.batch, optimizer=view.optimizer, precision=view.precision, device=view.device
    ).with_flops_of(frozenset(view.flops))


with editor_side, collect_error_areas() as error_areas:
    if file is not None:
        network_file.describe(file)
        other = network_file.other_network(state.preset_names(), preset_label)
    else:
        try:
            with st.container(key="editor"):  # the presenter view folds it away
                spec = editor(page_state.spec.family)(page_state)
            analyse(spec)
        except InputError as error:
            page_state.refuse(error)
        else:
            page_state.accept(spec)

view = page_state.read_widgets()
if file is None:
    analysis: Analysis = numbers_of(page_state.spec)
    base: Analysis = numbers_of(resolve(page_state.base))
    name, base_name = figure.name(page_state.spec, page_state.base), page_state.base
else:
    analysis = file.analysis.with_flops_of(frozenset(view.flops))
    base = analysis if other is None else other.with_flops_of(frozenset(view.flops))
    name, base_name = analysis.name, figure.name_of(base)

with headline_area:  # numbers don't wait for pictures, nor for widgets that do not change the network
    headline.render(analysis, base, base_name)
    if file is None and page_state.history.past:
        changed = headline.last_change(analysis, numbers_of(page_state.history.past[-1].spec))
        if changed:
            st.caption(plain(_("Last change: {changed}").format(changed=changed)))

with editor_side, collect_error_areas() as option_error_areas:
    with st.expander(_("FLOPs") if file else _("Training memory and FLOPs"), key="training-options"):
        if file is None:
            training_options()
        st.pills(
            _("FLOPs count"), list(Term), selection_mode="multi", format_func=term_name, key=state.VIEW + "flops",
            help=explain("flops"),
        )  # fmt: skip
    error_area("batch")

with buttons:
    if file is None:
        toolbar.history(page_state)
    else:
        toolbar.close_file()
    toolbar.library()
    export_menu = st.popover(_("Export"), icon=":material/download:", key="export", on_change="rerun")
    if file is None:
        toolbar.train(page_state)

with diagram_area:
    diagram_place = st.container()
    diagram.controls()

if page_state.problem:
    if not page_state.link_problems:
        problem_title = _("Not a network yet: the numbers are those of the last valid one")
    elif page_state.is_opened:
        problem_title = _("Parts of this link can't be read: you see the rest")
    else:
        problem_title = _("This link can't be opened: you see {name} instead").format(name=page_state.base)
    areas = error_areas | option_error_areas
    (link_error_area if page_state.link_problems else find_error_area(areas, page_state.problem)).error(
        plain(page_state.problem),
        title=problem_title,
        icon=":material/error:",
    )

run_queue.let_others_first()  # the numbers of other sessions come before the pictures of this one
with diagram_place:
    diagram.render(analysis, name, view, dark=dark)

layer_choice.follow(view.layer)
with layer_side:
    layer_panel.render(analysis, dark=dark)
    if isinstance(analysis, SpecAnalysis):
        published.badges(analysis)
    if analysis.warnings:
        st.warning(
            "\n".join(f"- {plain(warning.message)}" for warning in analysis.warnings),
            title=_("It runs, but note the following"),
            icon=":material/warning:",
        )

charts.render(analysis, dark=dark)
if isinstance(analysis, SpecAnalysis):
    gradients.render(analysis, view, dark=dark)
if base is not analysis and file is not None:
    st.header(_("Compared with {name}").format(name=plain(base_name)), anchor=False)
    comparison = compare([analysis, base])
    html_tables.show(compare_tables.totals(comparison, [name, base_name]), dark=dark)
    with st.expander(_("Layers side by side"), key="file-diff"):
        pair = diff.diff(comparison.rows[0], (analysis, base), (name, base_name), shown="all", dark=dark)
        html_tables.show(pair, dark=dark)

st.header(_("Layers"), anchor=False)
st.segmented_control(
    _("Show"), list(TABLES), required=True, label_visibility="collapsed", format_func=TABLES.__getitem__,
    key=state.VIEW + "table",
)  # fmt: skip
view = page_state.read_widgets()
tables.render(analysis, view)
tables.render_heads(analysis)

if isinstance(analysis, SpecAnalysis):
    published.table(analysis)

page_state.write_link()
if export_menu.open:  # last, because a large file takes time
    with export_menu:
        appearance = diagram.appearance(view, dark=dark)
        if file is None:
            export.render(page_state.spec, page_state.base, appearance)
        else:
            export.render(analysis, name, appearance)
