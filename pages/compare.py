"""Compare: two to four networks, each compared with the first.

The link contains the networks and how the page shows them. If a text is not a network, the page shows the error and
keeps the last valid comparison.
"""

import streamlit as st

from explorer.analysis.alignment import Status
from explorer.analysis.comparison import MAX_NETWORKS, input_size_note, status_counts
from explorer.analysis.comparison_words import measure_name, same_layers, tally
from explorer.analysis.landmarks import is_cached, landmarks
from explorer.analysis.measures import Measure, Place, measures_at
from explorer.i18n import _
from explorer.ui.compare import cards, charts, diff, export, state, tables
from explorer.ui.compare import rows as compare_rows
from explorer.ui.shared import html_tables, link_problems, network_drop, network_files, published
from explorer.ui.shared.cases import cases
from explorer.ui.shared.networks import title
from explorer.ui.shared.size_input import size_input
from explorer.ui.shared.text import plain

MEASURES = {str(measure): measure_name(measure) for measure in measures_at(Place.STAGES)}
FORMS = {"stage": _("By stage"), "depth": _("Along the depth")}
LAYERS = {"differences": _("Only differences"), "all": _("All layers")}
NO_TOOLBAR = {"displayModeBar": False}

page_state = state.CompareState.of_session()
page_state.begin()
dark = st.context.theme.type == "dark"

network_drop.drop_area(state.add_file)
st.title(_("Compare"), anchor=False)
titles = {case.name: case.title for case in cases()}
st.pills(_("Cases"), list(titles), format_func=titles.__getitem__, key=state.CASE, on_change=state.open_case)
if case := state.matching_case(page_state):
    st.markdown(f":material/visibility: {plain(case.explanation)}")
link_problems.render(
    page_state,
    _("Parts of this link can't be read: you see the rest")
    if page_state.is_opened
    else _("This link can't be opened: you see another comparison instead"),
)

comparison, size_problem = state.compare_networks(page_state)
letters = [letter.upper() for letter in state.LETTERS[: len(page_state.networks)]]
names = [f"{letter} · {title(network)}" for letter, network in zip(letters, page_state.networks, strict=True)]
cards.render(page_state, comparison, dark=dark)
with st.container(horizontal=True, vertical_alignment="bottom", key="compare-editing"):
    st.button(
        _("Add a network"),
        icon=":material/add:",
        on_click=state.add_network,
        disabled=len(letters) == MAX_NETWORKS,
        key="compare.add",
    )
    with st.popover(_("Add a file"), icon=":material/upload_file:", key=state.ADD_FILE, on_change="rerun"):
        st.file_uploader(
            _("A network as an ONNX file"), key=state.UPLOAD, on_change=state.add_upload,
            max_upload_size=network_files.MAX_UPLOAD,
            help=_("It is read and never run. You can also drop it anywhere on this page."),
        )  # fmt: skip
    export.render(page_state, comparison)
    size_input(
        state.VIEW + "size", _("Common input size"), placeholder=_("each network's own"), width=190,
        help=_("Pixels of all images: a side, or height x width such as 224x160; empty: each network's own."),
    )  # fmt: skip
    st.caption(
        _(
            "Two to four, each compared with the first. Choose from the list, or paste a spec as JSON, "
            "torchvision:NAME, saved:NAME, or a link of the Architecture page."
        ),
        width="stretch",
    )

if page_state.file_problem:
    st.error(plain(page_state.file_problem), title=_("The file is not in the comparison"), icon=":material/error:")
if size_problem:
    st.error(plain(size_problem), title=_("Not all networks take this size: each has its own"), icon=":material/error:")
if note := input_size_note(comparison.networks):
    st.warning(plain(note), icon=":material/aspect_ratio:")

field_side, cost_side = st.columns(2, gap="medium")
with field_side:
    st.header(_("Receptive field"), anchor=False)
    st.plotly_chart(
        charts.along_depth(comparison, names, Measure.RECEPTIVE_FIELD, dark=dark),
        key="compare-field",
        config=NO_TOOLBAR,
        alt=_("Receptive field of each network along its depth; the tables below have the numbers"),
    )
with cost_side:
    st.header(_("Parameters and MACs"), anchor=False)
    st.plotly_chart(
        charts.costs(comparison, names, letters, landmarks() if is_cached() else (), dark=dark),
        key="compare-costs",
        config=NO_TOOLBAR,
        alt=_("Parameters against MACs of the compared networks among published ones; the table of totals has them"),
    )
    progress = st.empty()

st.header(_("Totals"), anchor=False)
html_tables.show(tables.totals(comparison, names), dark=dark)
published.accuracies(list(zip(names, comparison.networks, strict=True)))

st.header(_("Where the difference is"), anchor=False)
with st.container(horizontal=True):
    st.segmented_control(
        _("Number"), list(MEASURES), required=True, format_func=MEASURES.__getitem__, key=state.VIEW + "measure",
        label_visibility="collapsed", wrap=True,
    )  # fmt: skip
    st.segmented_control(
        _("Draw"), list(FORMS), required=True, format_func=FORMS.__getitem__, key=state.VIEW + "draw",
        label_visibility="collapsed",
    )  # fmt: skip
view = page_state.read_widgets()
measure = Measure(view.measure)
chart_side, table_side = st.columns(2, gap="medium")
chart = charts.by_stage if view.draw == "stage" else charts.along_depth
chart_side.plotly_chart(
    chart(comparison, names, measure, dark=dark),
    key="compare-stages",
    config=NO_TOOLBAR,
    alt=_("{what} of each network; the table next to it has the numbers by stage").format(what=measure_name(measure)),
)
with table_side:
    html_tables.show(tables.stages(comparison, names, measure), dark=dark)

st.header(_("Layers side by side"), anchor=False)
with st.container(horizontal=True, vertical_alignment="center"):
    st.segmented_control(
        _("Layers"), list(LAYERS), required=True, format_func=LAYERS.__getitem__, key=state.VIEW + "layers",
        label_visibility="collapsed",
    )  # fmt: skip
    if len(letters) > 2:
        others = dict(zip(state.LETTERS[1:], names[1:], strict=False))
        st.segmented_control(
            _("Compared with the first"), list(others), required=True, format_func=others.__getitem__,
            key=state.VIEW + "against", label_visibility="collapsed", persist_state="page",
        )  # fmt: skip
view = page_state.read_widgets()
other = min(state.LETTERS.index(view.against), len(letters) - 1)
rows = comparison.rows[other - 1]
layer_counts = status_counts(rows)
st.markdown(
    _("{first} → {second}: **{tally}**").format(
        first=plain(names[0]), second=plain(names[other]), tally=plain(tally(layer_counts))
    )
)
if layer_counts[Status.SAME] == len(rows):
    st.success(plain(same_layers(comparison.networks[0], comparison.networks[other])), icon=":material/check:")
with st.container(key="compare-diff"):
    pair = (comparison.networks[0], comparison.networks[other])
    html_tables.show(diff.diff(rows, pair, (names[0], names[other]), shown=view.layers, dark=dark), dark=dark)
    compare_rows.connect(rows, other, {"layers": list(LAYERS), "measures": list(MEASURES)}, dark=dark)

page_state.write_link()

if not is_cached():  # last, because it takes seconds and the user can read the rest meanwhile
    with progress, st.spinner(_("Published networks are being measured…")):
        landmarks()
    st.rerun()
