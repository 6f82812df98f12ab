"""Which images a network is asked about: from the gallery, the user's files or camera, or a data set."""

from functools import lru_cache

import streamlit as st

from explorer.errors import InputError
from explorer.i18n import _
from explorer.prediction import gallery
from explorer.prediction.pictures import Picture
from explorer.ui.predict import state, testsets, uploads
from explorer.ui.predict.encoded import address
from explorer.ui.predict.pictures import Shown, pictures
from explorer.ui.predict.view import Source
from explorer.ui.shared.text import plain
from explorer.weights.files import Card

SIDE = 72
KEY = "predict.source"  # of the widget: the view has none for what suits the network


def render(card: Card) -> list[Picture]:
    """Let the user choose images; at first one is chosen that suits the network."""
    names: dict[Source, str] = {
        "gallery": _("Gallery"),
        "upload": _("Upload"),
        "camera": _("Camera"),
        "data": _("Test images"),
    }
    source = state.asking().view.source or usual(card)
    st.session_state[KEY] = source
    st.segmented_control(
        _("Images"), list(names), required=True, format_func=names.__getitem__, key=KEY, on_change=_choose
    )
    match source:
        case "gallery":
            return _gallery(card)
        case "upload":
            return uploads.files()
        case "camera":
            return uploads.camera()
        case "data":
            return testsets.render(card)


def usual(card: Card) -> Source:
    """Where the images come from that suit a network: what it was trained on, where that is here."""
    return "data" if testsets.own(card) else "gallery"


def are_shared(card: Card) -> bool:
    """Whether the images are those that a link names, and not the user's own."""
    return (state.asking().view.source or usual(card)) in ("gallery", "data")


def empty(card: Card) -> str:
    """What to do where no image is chosen."""
    match state.asking().view.source or usual(card):
        case "upload":
            return _("Upload an image on the left, and see what the network says.")
        case "camera":
            return _("Take a picture on the left, and see what the network says.")
        case "data":
            return _("Choose a data set and an image on the left, and see what the network says.")
        case "gallery":
            return _("Choose an image on the left, and see what the network says.")


def _choose() -> None:
    state.change(source=st.session_state[KEY])


def _gallery(card: Card) -> list[Picture]:
    offered = gallery.samples_for(card)
    names = [sample.name for sample in offered]
    wanted = state.asking().view.image or (names[0],)
    chosen = []
    for name in wanted:
        try:
            chosen.append(gallery.picture(name))
        except InputError as error:
            st.warning(plain(str(error)), icon=":material/link_off:")
    pictures(
        [Shown(_thumbnail(sample.name), sample.title, sample.title) for sample in offered],
        key="predict.gallery", side=SIDE,
        chosen=names.index(wanted[0]) if len(wanted) == 1 and wanted[0] in names else None,
        on_pick=lambda place, _where: state.change(image=(names[place],)),
    )  # fmt: skip
    st.button(
        _("All of these"), icon=":material/select_all:", key="predict.all",
        on_click=lambda: state.change(image=tuple(names)),
    )  # fmt: skip
    return chosen


@lru_cache(maxsize=64)
def _thumbnail(name: str) -> str:
    try:
        return address(gallery.picture(name).pixels, 2 * SIDE)
    except InputError:  # it is said where the picture is chosen
        return ""
