"""The user's own images: uploaded files, drawings, and photographs from the camera.

Streamlit keeps uploads until the session ends. This module limits how many are used. Results are cached under the
session and the content of the file, because clients choose the ids of uploads. So no session sees the uploads of
another one. The cached results are dropped when the session ends.
"""

import hashlib
from collections import Counter
from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any

import streamlit as st
from torch import Tensor

from explorer.data import formats
from explorer.errors import InputError, printable
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.prediction import browser_images, caches
from explorer.prediction.caches import Owner
from explorer.prediction.networks import Network
from explorer.prediction.pictures import Picture
from explorer.ui.predict import state
from explorer.ui.predict.view import MAX_IMAGES
from explorer.ui.shared import drawing_field
from explorer.ui.shared.text import plain

MAX_FILE = 50  # MB
MAX_ALL = 200_000_000  # bytes of all images of a session together
LIVE = "predict.camera.live"  # of the widget
MAX_NAME = 80  # characters of a file's name


def files() -> list[Picture]:
    """Let the user upload files. If there are too many, the first ones are used."""
    uploaded = st.file_uploader(
        _("Photographs or drawings"), accept_multiple_files=True, max_upload_size=MAX_FILE, key="predict.files",
        on_change=state.mark_user_action,
        help=_(
            "{formats}: up to {size} MB each and {count} at a time. They stay on this server while this page is open, "
            "and nobody else sees them."
        ).format(formats=formats.IN_WORDS, size=MAX_FILE, count=MAX_IMAGES),
    )  # fmt: skip
    accepted = within_limits(uploaded)
    if len(accepted) < len(uploaded):
        st.warning(
            _(
                "{taken} of {given} images are used: at most {count}, and {size} together. The first that is "
                    "left out is {name}."
            )
            .format(
                taken=len(accepted), given=len(uploaded), count=MAX_IMAGES, size=bytes_short(MAX_ALL),
                name=plain(short_name(uploaded[len(accepted)].name)),
            ),
            icon=":material/filter_list:",
        )  # fmt: skip
    found = pictures(accepted)
    state.predict_state().select_new_upload(found)
    return found


def drawing(network: Network) -> list[Picture]:
    """Let the user draw. The network answers in the browser meanwhile, and here after a pause."""
    drawing_field.render(network, key="predict.drawing", on_drawing=_store_drawing)
    data = state.predict_state().drawing
    if data is None:
        return []
    return [browser_images.drawing(_("Your drawing"), ("drawing", owner(), hashlib.sha256(data).hexdigest()), data)]


def _store_drawing(data: bytes | None) -> None:
    state.mark_user_action()
    state.predict_state().drawing = data


def camera() -> list[Picture]:
    """Let the user take a picture, or choose the live camera, which has no pictures."""
    st.segmented_control(
        _("What to do with the camera"), [False, True], key=LIVE, required=True, default=False,
        label_visibility="collapsed", format_func=lambda live: _("Live") if live else _("One picture"),
    )  # fmt: skip
    if is_live():
        return []
    accepted = st.camera_input(_("Take a picture"), key="predict.camera", on_change=state.mark_user_action)
    st.caption(
        _("No camera, or it is not allowed here? Browsers give it to pages of this machine and to https only: upload a "
          "photograph instead.")
    )  # fmt: skip
    return [picture(accepted, 0, _("photograph"))] if accepted else []


def is_live() -> bool:
    """Return whether the user has chosen the live camera."""
    return bool(st.session_state.get(LIVE))


def within_limits(uploaded: Sequence[Any]) -> list[Any]:
    """Return the first files, as many as the limits allow."""
    accepted, total = [], 0
    for file in uploaded[:MAX_IMAGES]:
        total += file.size
        if total > MAX_ALL:
            break
        accepted.append(file)
    return accepted


def pictures(files: Sequence[Any]) -> list[Picture]:
    """Return the pictures of uploaded files. Two copies of a file are two pictures."""
    found: list[Picture] = []
    copies: Counter[Hashable] = Counter()
    for file in files:
        one = picture(file)
        found.append(picture(file, copies[one.key]) if copies[one.key] else one)
        copies[one.key] += 1
    return found


def picture(file: Any, copy: int = 0, name: str = "") -> Picture:
    """Return the picture of an uploaded file.

    Args:
        file: Streamlit's uploaded file.
        copy: Number of earlier copies of the file.
        name: Name to use instead of the file's.
    """
    title = name or short_name(file.name)
    if file.size > MAX_FILE * 2**20:
        return Picture(title, ("upload", owner(), "too large", file.size, copy), partial(_too_large, title, file.size))
    data = file.getvalue()
    return Picture.of_file(title, ("upload", owner(), hashlib.sha256(data).hexdigest(), copy), data)


@st.cache_resource(scope="session", max_entries=1, show_spinner=False, on_release=caches.drop)
def owner() -> Owner:
    """Return the owner of this session's uploads."""
    return Owner()


def short_name(name: str) -> str:
    """Return the name of a file in one line. A long name is shortened in the middle."""
    text = printable(name)
    return text if len(text) <= MAX_NAME else f"{text[: MAX_NAME - 20]}…{text[-19:]}"


def _too_large(name: str, size: int, _channels: int | None) -> Tensor:
    raise InputError(
        _("{place} has {size}; at most {limit} MB are allowed").format(
            place=name, size=bytes_short(size), limit=MAX_FILE
        )
    )
