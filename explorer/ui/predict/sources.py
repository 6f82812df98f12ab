"""The choice of images: gallery, the user's files, drawing or camera, or a data set."""

from functools import lru_cache

import streamlit as st

from explorer.errors import InputError
from explorer.i18n import _
from explorer.prediction import gallery, ink
from explorer.prediction.networks import Network
from explorer.prediction.pictures import Picture
from explorer.ui.predict import state, testsets, uploads
from explorer.ui.predict.encoded import data_url
from explorer.ui.predict.picture_grid import GridItem, picture_grid
from explorer.ui.predict.view import Source
from explorer.ui.shared.text import plain
from explorer.weights.files import Card

SIDE = 72
# All sources are visible in a narrow column, which would hide some of them behind a scroll.
STYLE = """<style>
  .st-key-predict-source [role="radiogroup"] { flex-wrap: wrap; gap: 4px }
  .st-key-predict-source button { padding-inline: 0.5rem; margin: 0; border-width: 1px; border-radius: 6px }
  .st-key-predict-source button[aria-checked="false"] {
    border-color: color-mix(in srgb, currentColor 22%, transparent) !important;
  }
</style>"""
KEY = "predict.source"  # of the widget: the view's field is None for the default


def render(card: Card, network: Network | None) -> list[Picture]:
    """Let the user choose images. The default suits the network.

    Args:
        card: Card of the first network.
        network: First network. None if it is not loaded.
    """
    names: dict[Source, str] = {
        "gallery": _("Gallery"),
        "upload": _("Upload"),
        "draw": _("Draw"),
        "camera": _("Camera"),
        "data": _("Test images"),
    }
    source = _source(card)
    offered = [one for one in names if one != "draw" or ink.framing_for(card)]
    st.session_state[KEY] = source
    st.html(STYLE)
    st.segmented_control(_("Images"), offered, required=True, format_func=names.__getitem__, key=KEY, on_change=_choose)
    match source:
        case "gallery":
            return _gallery(card)
        case "upload":
            return uploads.files()
        case "draw":
            return uploads.drawing(network) if network is not None else []
        case "camera":
            return uploads.camera()
        case "data":
            return testsets.render(card)


def _source(card: Card) -> Source:
    """Return the chosen source. The default is the training data, or the gallery if this server does not have them."""
    source = state.predict_state().view.source
    if source is not None and (source != "draw" or ink.framing_for(card)):
        return source
    return "data" if testsets.training_data(card) else "gallery"


def are_from_link(card: Card) -> bool:
    """Return whether the link names the images, so that they are not the user's own."""
    return _source(card) in ("gallery", "data")


def ahead(card: Card) -> list[Picture]:
    """Return the pictures that the user may choose next: those of the gallery."""
    if _source(card) != "gallery":
        return []
    return [gallery.picture(sample.name) for sample in gallery.samples_for(card)]


def are_live(card: Card) -> bool:
    """Return whether the network answers a live camera."""
    return _source(card) == "camera" and uploads.is_live()


def hint(card: Card) -> str:
    """Return a hint on how to choose an image."""
    match _source(card):
        case "upload":
            return _("Upload an image on the left, and see what the network says.")
        case "draw":
            return _("Draw in the field, and see what the network says.")
        case "camera":
            return _("Take a picture on the left, and see what the network says.")
        case "data":
            return _("Choose a data set and an image on the left, and see what the network says.")
        case "gallery":
            return _("Choose an image on the left, and see what the network says.")


def _choose() -> None:
    state.change(source=st.session_state[KEY])


def _gallery(card: Card) -> list[Picture]:
    samples = gallery.samples_for(card)
    names = [sample.name for sample in samples]
    chosen_names = state.predict_state().view.image or (names[0],)
    chosen = []
    for name in chosen_names:
        try:
            chosen.append(gallery.picture(name))
        except InputError as error:
            st.warning(plain(str(error)), icon=":material/link_off:")
    picture_grid(
        [GridItem(_thumbnail(sample.name), sample.title, sample.title) for sample in samples],
        key="predict.gallery", side=SIDE, strip=True, previews=True,
        chosen=names.index(chosen_names[0]) if len(chosen_names) == 1 and chosen_names[0] in names else None,
        on_pick=lambda index: state.change(image=(names[index],)),
    )  # fmt: skip
    st.button(
        _("All of these"), icon=":material/select_all:", key="predict.all",
        on_click=lambda: state.change(image=tuple(names)),
    )  # fmt: skip
    return chosen


@lru_cache(maxsize=64)
def _thumbnail(name: str) -> str:
    try:
        return data_url(gallery.picture(name).pixels, 2 * SIDE)
    except InputError:  # the error is shown when the picture is chosen
        return ""
