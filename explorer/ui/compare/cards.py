"""One card for each network: which it is, its headline numbers, and how they differ from the first's."""

from functools import cache
from html import escape

import streamlit as st

from explorer.analysis import landmarks
from explorer.analysis.comparison import LEAST, Comparison
from explorer.analysis.measures import Measure, Place, shown
from explorer.families import resolve
from explorer.families.building import own_names
from explorer.families.link import to_text
from explorer.formatting import shape
from explorer.i18n import _
from explorer.ui.compare import html, state
from explorer.ui.compare.entries import full_title, offered, title
from explorer.ui.compare.marks import marks, sample
from explorer.ui.compare.words import measure_name, more, relative
from explorer.ui.shared.text import plain

SMALL = frozenset([Measure.RECEPTIVE_FIELD, Measure.DEPTH])  # numbers that say more than percentages
CARD = 250  # pixels: four in a row, one on a phone
METRICS, METRICS_NARROW = (3, 118), (2, 90)  # columns in a card, and pixels
ARCHITECTURE = "../pages/architecture.py"


def options(comparing: state.Comparing) -> dict[str, str]:
    """What the pickers offer: texts that can be read, each with what it is called.

    torchvision's networks are among them from the time that it has been imported for the landmarks.
    """
    texts = {entry.text: full_title(entry) for entry in comparing.entries} | offered()
    return texts | _own_names() if landmarks.measured() else texts


@cache
def _own_names() -> dict[str, str]:
    return {to_text(resolve(name), ""): title for name, title in own_names().items()}


def render(comparing: state.Comparing, comparison: Comparison, *, dark: bool) -> None:
    """The cards in a row that wraps."""
    choices = options(comparing)
    with st.grid(len(comparing.entries), min_column_width=CARD, gap="small"):
        for position, letter in enumerate(state.LETTERS[: len(comparing.entries)]):
            with st.container(border=True, key=f"network-{letter}", height="stretch"):
                _render(comparing, comparison, position, choices, dark=dark)


def _render(
    comparing: state.Comparing, comparison: Comparison, position: int, choices: dict[str, str], *, dark: bool
) -> None:
    letter, entry = state.LETTERS[position], comparing.entries[position]
    name, mark = title(entry), marks(dark=dark)[position]
    html.show(f'<div class="who">{sample(mark)}<b>{letter.upper()} · {escape(name)}</b></div>', dark=dark)
    held = st.session_state[state.NETWORK + letter]  # may be a text that is no network
    st.selectbox(
        _("Network {letter}").format(letter=letter.upper()),
        list({**choices, held: held}),
        format_func=lambda text: choices.get(text, text),
        key=state.NETWORK + letter,
        on_change=state.choose,
        args=(letter,),
        accept_new_options=True,
        label_visibility="collapsed",
        placeholder=_("Choose, or paste a spec or a link"),
    )
    if letter in comparing.problems:
        st.error(
            plain(comparing.problems[letter]),
            title=_("Not a network: you see the last good one"),
            icon=":material/error:",
        )
    st.caption(_("Input {shape}").format(shape=shape(comparison.networks[position].input_shape)))
    columns, width = METRICS if len(comparing.entries) == LEAST else METRICS_NARROW
    with st.grid(columns, min_column_width=width, gap="xsmall"):
        for measure in shown(Place.CARDS):
            _metric(comparison, position, measure)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            ARCHITECTURE, label=_("Open in Architecture"), icon=":material/open_in_new:", query_params=entry.link
        )
        if len(comparing.entries) > LEAST:
            st.button(
                _("Remove"), key=f"compare.remove.{letter}", type="tertiary", icon=":material/close:",
                on_click=state.remove, args=(letter,),
            )  # fmt: skip


def _metric(comparison: Comparison, position: int, measure: Measure) -> None:
    first, numbers = comparison.totals[0], comparison.totals[position]
    apart = (more if measure in SMALL else relative)(first, numbers, measure) if position else _("reference")
    exact = measure.record.exact(numbers[measure])
    if position and (absolute := more(first, numbers, measure)):
        exact = _("{count}; {difference} against the first network").format(count=exact, difference=absolute)
    st.metric(
        measure_name(measure),
        measure.record.write(numbers[measure]),
        apart or None,
        delta_color="off",
        delta_arrow="off",
        help=plain(exact),
    )
