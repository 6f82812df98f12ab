"""A card for each network with its title, headline numbers, and their differences to the first network's."""

from functools import cache
from html import escape

import streamlit as st

from explorer.analysis import landmarks
from explorer.analysis.comparison import MIN_NETWORKS, Comparison
from explorer.analysis.comparison_words import format_difference, format_ratio, measure_name
from explorer.analysis.measures import Measure, Place, measures_at
from explorer.families import resolve
from explorer.families.link import to_text
from explorer.families.presets import own_names
from explorer.formatting import shape
from explorer.i18n import _
from explorer.ui.compare import state
from explorer.ui.compare.marks import legend_line, marks
from explorer.ui.shared import html_tables
from explorer.ui.shared.network_files import NetworkFile
from explorer.ui.shared.networks import file_options, full_title, network_options, title
from explorer.ui.shared.text import plain

SMALL = frozenset([Measure.RECEPTIVE_FIELD, Measure.DEPTH])  # an absolute difference is clearer than a percentage
CARD_WIDTH = 250  # pixels: four cards in a row, one on a phone
BOX_LETTERS = 30  # letters of the narrowest box for a network; a longer text stands below it too
METRICS, METRICS_NARROW = (3, 118), (2, 90)  # columns in a card, and their width in pixels
ARCHITECTURE = "../pages/architecture.py"


def options(page_state: state.CompareState) -> dict[str, str]:
    """Return the titles of the networks in the pickers, by texts for :func:`read_network`.

    torchvision's networks are included once torchvision has been imported for the landmarks.
    """
    titles = {network.text: full_title(network) for network in page_state.networks}
    titles |= file_options() | network_options()
    return titles | _own_names() if landmarks.is_cached() else titles


@cache
def _own_names() -> dict[str, str]:
    return {to_text(resolve(name), ""): title for name, title in own_names().items()}


def render(page_state: state.CompareState, comparison: Comparison, *, dark: bool) -> None:
    """Render the cards in a row that wraps."""
    choices = options(page_state)
    with st.grid(len(page_state.networks), min_column_width=CARD_WIDTH, gap="small"):
        for position, letter in enumerate(state.LETTERS[: len(page_state.networks)]):
            with st.container(border=True, key=f"network-{letter}", height="stretch"):
                _render_card(page_state, comparison, position, choices, dark=dark)


def _render_card(
    page_state: state.CompareState, comparison: Comparison, position: int, choices: dict[str, str], *, dark: bool
) -> None:
    letter, network = state.LETTERS[position], page_state.networks[position]
    name, mark = title(network), marks(dark=dark)[position]
    html_tables.show(f'<div class="who">{legend_line(mark)}<b>{letter.upper()} · {escape(name)}</b></div>', dark=dark)
    text = st.session_state[state.NETWORK + letter]  # may be a text that was refused
    st.selectbox(
        _("Network {letter}").format(letter=letter.upper()),
        list({**choices, text: text}),
        format_func=lambda text: choices.get(text, text),
        key=state.NETWORK + letter,
        on_change=state.choose_network,
        args=(letter,),
        accept_new_options=True,
        label_visibility="collapsed",
        placeholder=_("Choose, or paste a spec or a link"),
    )
    if letter in page_state.problems:
        st.error(
            plain(page_state.problems[letter]),
            title=_("Not a network: you see the last valid one"),
            icon=":material/error:",
        )
    if letter not in page_state.problems and len(whole := choices.get(text, text)) > BOX_LETTERS:
        st.caption(plain(whole))
    st.caption(_("Input {shape}").format(shape=shape(comparison.networks[position].input_shape)))
    columns, width = METRICS if len(page_state.networks) == MIN_NETWORKS else METRICS_NARROW
    with st.grid(columns, min_column_width=width, gap="xsmall"):
        for measure in measures_at(Place.CARDS):
            _metric(comparison, position, measure)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            ARCHITECTURE, label=_("Open in Architecture"), icon=":material/open_in_new:", query_params=_link(network)
        )
        if len(page_state.networks) > MIN_NETWORKS:
            st.button(
                _("Remove"), key=f"compare.remove.{letter}", type="tertiary", icon=":material/close:",
                on_click=state.remove_network, args=(letter,),
            )  # fmt: skip


def _link(network: state.Compared) -> dict[str, str]:
    return {"file": network.name} if isinstance(network, NetworkFile) else network.link


def _metric(comparison: Comparison, position: int, measure: Measure) -> None:
    first, numbers = comparison.totals[0], comparison.totals[position]
    format_delta = format_difference if measure in SMALL else format_ratio
    delta = format_delta(first, numbers, measure) if position else _("reference")
    exact = measure.definition.exact(numbers[measure])
    if position and (absolute := format_difference(first, numbers, measure)):
        exact = _("{count}; {difference} against the first network").format(count=exact, difference=absolute)
    st.metric(
        measure_name(measure),
        measure.definition.text(numbers[measure]),
        delta or None,
        delta_color="off",
        delta_arrow="off",
        help=plain(exact),
    )
