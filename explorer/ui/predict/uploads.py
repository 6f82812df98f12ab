"""Images that the user brings: files, or what the camera sees.

Streamlit keeps what is uploaded as long as the session lives; here are the bounds on what is done with it. What is
computed of a file is kept under its session and its content: the id that comes with an upload is the client's own
choice, and no session sees what another one has brought. All of it is dropped when the session ends.
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
from explorer.prediction import caches
from explorer.prediction.caches import Owner
from explorer.prediction.pictures import Picture
from explorer.ui.predict import state
from explorer.ui.predict.view import MOST
from explorer.ui.shared.text import plain

MAX_FILE = 50  # MB
MAX_ALL = 200_000_000  # bytes of all images of a session that are looked at
LONGEST = 80  # characters of a file's name that are shown


def files() -> list[Picture]:
    """Let the user give files; of too many the first."""
    given = st.file_uploader(
        _("Photographs or drawings"), accept_multiple_files=True, max_upload_size=MAX_FILE, key="predict.files",
        on_change=state.acted,
        help=_(
            "{formats}: up to {size} MB each and {count} at a time. They stay on this server while this page is open, "
            "and nobody else sees them."
        ).format(formats=formats.IN_WORDS, size=MAX_FILE, count=MOST),
    )  # fmt: skip
    taken = within(given)
    if len(taken) < len(given):
        st.warning(
            _(
                "{taken} of {given} images are looked at: at most {count}, and {size} together. The first that is left "
                "out is {name}."
            )
            .format(
                taken=len(taken), given=len(given), count=MOST, size=bytes_short(MAX_ALL),
                name=plain(named(given[len(taken)].name)),
            ),
            icon=":material/filter_list:",
        )  # fmt: skip
    brought = pictures(taken)
    state.asking().bring(brought)
    return brought


def camera() -> list[Picture]:
    """Let the user take a picture."""
    taken = st.camera_input(_("Take a picture"), key="predict.camera", on_change=state.acted)
    st.caption(
        _("No camera, or it is not allowed here? Browsers give it to pages of this machine and to https only: upload a "
          "photograph instead.")
    )  # fmt: skip
    return [picture(taken, 0, _("photograph"))] if taken else []


def within(given: Sequence[Any]) -> list[Any]:
    """The first files, as many as the bounds allow."""
    taken, total = [], 0
    for file in given[:MOST]:
        total += file.size
        if total > MAX_ALL:
            break
        taken.append(file)
    return taken


def pictures(files: Sequence[Any]) -> list[Picture]:
    """The pictures of uploaded files; the same file twice is two of them."""
    found: list[Picture] = []
    times: Counter[Hashable] = Counter()
    for file in files:
        one = picture(file)
        found.append(picture(file, times[one.key]) if times[one.key] else one)
        times[one.key] += 1
    return found


def picture(file: Any, time: int = 0, name: str = "") -> Picture:
    """The picture of an uploaded file.

    Args:
        file: as Streamlit gives it.
        time: how often the same was given before.
        name: that stands in the place of the file's.
    """
    called = name or named(file.name)
    if file.size > MAX_FILE * 2**20:
        return Picture(
            called, ("upload", owner(), "too large", file.size, time), partial(_too_large, called, file.size)
        )
    data = file.getvalue()
    return Picture.of_file(called, ("upload", owner(), hashlib.sha256(data).hexdigest(), time), data)


@st.cache_resource(scope="session", max_entries=1, show_spinner=False, on_release=caches.drop)
def owner() -> Owner:
    """Whose the uploads of this session are."""
    return Owner()


def named(name: str) -> str:
    """The name of a file on one line, its end kept."""
    text = printable(name)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 20]}…{text[-19:]}"


def _too_large(name: str, size: int, _channels: int | None) -> Tensor:
    raise InputError(
        _("{place} has {size}; {limit} MB are the most").format(place=name, size=bytes_short(size), limit=MAX_FILE)
    )
