"""The section on images: networks and images on the left, answers and their reasons on the right."""

from collections.abc import Sequence
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.errors import InputError
from explorer.i18n import _
from explorer.prediction import ink
from explorer.prediction.answers import Answer, ask
from explorer.prediction.networks import Network
from explorer.prediction.pictures import Picture
from explorer.ui.predict import answer, answer_table, choose, live_camera, preview, sources, state, why
from explorer.ui.predict.reason import queue_notice
from explorer.ui.shared.text import plain
from explorer.workers import semaphore

PROGRESS_ABOVE = 8  # images above which a progress bar is shown
# On a phone the answer follows the choice of the images. What is seldom changed comes after it.
STYLE = """<style>
  @media (max-width: 640px) {
    .st-key-predict-page > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] { gap: 1rem }
    .st-key-predict-page > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"]
      > [data-testid="stColumn"]:first-child,
    .st-key-predict-page > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"]
      > [data-testid="stColumn"]:first-child > [data-testid="stVerticalBlock"] { display: contents }
    [data-testid="stLayoutWrapper"]:has(> .st-key-predict-options) { order: 1 }
    [data-testid="stLayoutWrapper"]:has(> [class*="st-key-predict-looks"]) { order: 1 }
  }
</style>"""


def render(*, dark: bool) -> None:
    """Render the choice of networks and images, and the answers."""
    st.html(STYLE + preview.STYLE)
    with st.container(key="predict-page"):
        left, right = st.columns([9, 20], gap="large")
    with left:
        entry = choose.first_entry()
        if entry is None or entry.card is None:
            return
        with st.container(key="predict-options"):
            choose.render_card(entry)
            networks = [choose.load_network(entry, "first", choose.image_size(entry.card))]
            second_entry = choose.second_entry()
            if second_entry is not None:
                networks.append(choose.load_network(second_entry, "second"))
        pictures = state.predict_state().adjust(
            sources.render(entry.card, networks[0]), shared=sources.are_from_link(entry.card)
        )
    loaded = [network for network in networks if network is not None]
    with right:
        if loaded and sources.are_live(entry.card):
            live_camera.render(loaded[0], only=len(loaded) == 1)
        elif not pictures:
            st.info(sources.hint(entry.card), icon=":material/image_search:")
        elif loaded:
            place = st.container(key="predict-preview")
            with semaphore.visit():
                _answers(loaded, pictures, place, dark=dark)
                with place:
                    _render_preview(loaded, sources.ahead(entry.card))
        else:
            st.info(_("The answer appears here as soon as the weights are there."), icon=":material/download:")


def _render_preview(networks: Sequence[Network], pictures: Sequence[Picture]) -> None:
    """Render what the browser shows of the pictures of the gallery as soon as the user chooses one."""
    if not pictures:
        return
    known: Sequence[Answer | None] = [None] * len(pictures)
    if len(networks) == 1:
        adjusted = state.predict_state().adjust(pictures, shared=False)
        known = preview.ask_ahead(networks[0], _prepare(networks[0], adjusted))
    preview.render(known, partial(answer.headline, markdown=False), state.predict_state().view.top)


def _answers(networks: Sequence[Network], pictures: Sequence[Picture], place: DeltaGenerator, *, dark: bool) -> None:
    """Render the answers and their reasons. ``place`` is that of the preview, which ends with the answers."""
    with st.container(key="predict-answer"):
        selected = _answer(networks, pictures, dark=dark)
    with place:
        preview.mark_answered()
    if selected is not None:
        with st.container(key="predict-why"):
            why.render(selected, dark=dark)


def _answer(networks: Sequence[Network], pictures: Sequence[Picture], *, dark: bool) -> Sequence[Answer] | None:
    """Render the answers, and return those about the selected picture. None if it can't be read."""
    placeholder = st.empty()
    try:
        answers_by_network = [_ask_network(network, _prepare(network, pictures), placeholder) for network in networks]
    except InputError as error:
        placeholder.error(plain(str(error)), icon=":material/error:")
        return None
    placeholder.empty()
    rows = list(zip(*answers_by_network, strict=True))
    selected = rows[answer_table.render(rows)] if len(rows) > 1 else rows[0]
    state.predict_state().connect_switches(selected[0].picture)
    if selected[0].probabilities is None:
        st.error(plain(selected[0].error), icon=":material/broken_image:")
        return None
    answer.render(selected, dark=dark)
    return selected


def _prepare(network: Network, pictures: Sequence[Picture]) -> list[Picture]:
    """Return the pictures for a network. Drawings are reduced to their strokes, and others if the user wants it."""
    if ink.framing_for(network.card) is None:
        return list(pictures)
    adjustment = state.predict_state().adjustment
    return [ink.strokes_only(one, network.card) if one.is_drawing or adjustment(one).ink else one for one in pictures]


def _ask_network(network: Network, pictures: Sequence[Picture], placeholder: DeltaGenerator) -> list[Answer]:
    answers: list[Answer] = []

    def progress() -> None:
        placeholder.progress(
            len(answers) / len(pictures),
            _("{done} of {count} images").format(done=len(answers), count=len(pictures)),
        )

    def wait(ahead: int) -> None:
        if answers:  # other sessions compute between the batches
            progress()
        else:
            queue_notice(placeholder)(ahead)

    for one in ask(network, pictures, wait):
        answers.append(one)
        if len(pictures) > PROGRESS_ABOVE:
            progress()
    return answers
