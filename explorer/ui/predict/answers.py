"""What networks say about images: what is asked on the left, the answers and their reasons on the right."""

from collections.abc import Sequence

import streamlit as st

from explorer.errors import InputError
from explorer.i18n import _
from explorer.prediction import ink
from explorer.prediction.answers import Answer, ask
from explorer.prediction.networks import Network
from explorer.prediction.pictures import Picture
from explorer.ui.predict import answer, choose, several, sources, state, why
from explorer.ui.predict.reason import waiting
from explorer.ui.shared.text import plain
from explorer.workers import semaphore

SOON = 8  # images up to which no progress is shown


def render(*, dark: bool) -> None:
    """Choose networks and images, and see the answers."""
    left, right = st.columns([9, 20], gap="large")
    with left:
        entry = choose.entry()
        if entry is None or entry.card is None:
            return
        choose.card(entry)
        networks = [choose.loaded(entry, "first", choose.size(entry.card))]
        second = choose.beside()
        if second is not None:
            networks.append(choose.loaded(second, "second"))
        pictures = state.asking().turn(sources.render(entry.card), shared=sources.are_shared(entry.card))
    ready = [network for network in networks if network is not None]
    with right:
        if not pictures:
            st.info(sources.empty(entry.card), icon=":material/image_search:")
        elif ready:
            with semaphore.visit():
                _answers(ready, pictures, dark=dark)
        else:
            st.info(_("The answer appears here as soon as the weights are there."), icon=":material/download:")


def _answers(networks: Sequence[Network], pictures: Sequence[Picture], *, dark: bool) -> None:
    place = st.empty()
    try:
        said = [_ask(network, _for(network, pictures), place) for network in networks]
    except InputError as error:
        place.error(plain(str(error)), icon=":material/error:")
        return
    place.empty()
    rows = list(zip(*said, strict=True))
    opened = rows[several.render(rows)] if len(rows) > 1 else rows[0]
    state.asking().open(opened[0].picture)
    if opened[0].probabilities is None:
        st.error(plain(opened[0].error), icon=":material/broken_image:")
        return
    answer.render(opened, dark=dark)
    why.render(opened, dark=dark)


def _for(network: Network, pictures: Sequence[Picture]) -> list[Picture]:
    """The pictures as a network is asked about them: of some the strokes alone."""
    if ink.framing_for(network.card) is None:
        return list(pictures)
    return [ink.strokes_only(one, network.card) if state.asking().how(one).ink else one for one in pictures]


def _ask(network: Network, pictures: Sequence[Picture], place: "st.delta_generator.DeltaGenerator") -> list[Answer]:
    answers: list[Answer] = []

    def progress() -> None:
        place.progress(
            len(answers) / len(pictures),
            _("{done} of {count} images").format(done=len(answers), count=len(pictures)),
        )

    def wait(ahead: int) -> None:
        if answers:  # others go first between the batches
            progress()
        else:
            waiting(place)(ahead)

    for one in ask(network, pictures, wait):
        answers.append(one)
        if len(pictures) > SOON:
            progress()
    return answers
