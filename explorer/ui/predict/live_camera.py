"""The live camera: the browser sends a frame, waits for the answer, and sends the next one.

So no queue of frames builds up, however slow the network or the connection is. A frame lives as long as the run that
answers it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from explorer.errors import InputError
from explorer.i18n import _
from explorer.prediction import browser_images, frames, ink
from explorer.prediction.cams import import_library
from explorer.prediction.maps import in_network_order
from explorer.prediction.networks import Network
from explorer.ui.predict import paint
from explorer.ui.predict.encoded import data_url
from explorer.ui.predict.reason import queue_notice
from explorer.ui.shared.text import plain

ASSETS = Path(__file__).parents[1] / "assets"
KEY = "predict.live"
OPACITY = 0.5  # of the heat over the picture
SEEN = 320  # pixels of the shown images

_mount = st.components.v2.component(
    "explorer_camera",
    html=(ASSETS / "live_camera.html").read_text(encoding="utf-8"),
    css="\n".join((ASSETS / f"{name}.css").read_text(encoding="utf-8") for name in ("answer_bars", "live_camera")),
    js="\n".join((ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in ("answer_bars", "live_camera")),
)


@dataclass(frozen=True)
class _Frame:
    """A frame of the camera: its number, and its image as a data URL."""

    number: int
    url: str


def render(network: Network, *, only: bool) -> None:
    """Render the live camera, and a network's answers.

    Args:
        network: Network to ask.
        only: Whether it is the only chosen network.
    """
    st.subheader(_("Live camera"), anchor=False)
    if not only:
        st.caption(_("Only {name} answers the live camera.").format(name=plain(network.name)))
    _live(network)


@st.fragment
def _live(network: Network) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        with_heat = st.toggle(_("Heat map"), key="predict.live.heat", help=_("Grad-CAM for the likeliest class."))
        only_ink = ink.framing_for(network.card) is not None and st.toggle(
            _("Find the ink"), value=True, key="predict.live.ink",
            help=_("Finds the strokes on any paper, and frames them like the network's own images."),
        )  # fmt: skip
    note = st.empty()
    frame = _sent_frame()
    answer: dict[str, Any] | None = None
    if frame is not None:
        if with_heat:
            import_library()
        try:
            found = frames.answer(
                network, browser_images.decode(frame.url, browser_images.JPEG), queue_notice(note), only_ink=only_ink,
                with_heat=with_heat,
            )  # fmt: skip
        except InputError as error:
            note.error(plain(str(error)), icon=":material/error:")
            answer = {"number": frame.number}
        else:
            note.empty()
            answer = {"number": frame.number, **_shown(network, found)}
    # The component comes last: the browser sends the next frame when it receives the answer, and that ends this run.
    _mount(
        key=KEY, data={"answer": answer, "classes": list(network.card.classes), "words": _words()},
        on_frame_change=lambda: None,
    )  # fmt: skip


def _sent_frame() -> _Frame | None:
    """Return the frame that started this run. None if something else started it."""
    state = st.session_state.get(KEY)
    match None if state is None else state.get("frame"):
        case {"number": int(number), "image": str(url)}:
            return _Frame(number, url)
    return None


def _shown(network: Network, answer: frames.FrameAnswer) -> dict[str, Any]:
    """Return an answer for the browser."""
    seen = in_network_order(answer.seen, network.card.inputs)
    heat = None if answer.heat is None else data_url(paint.overlay(seen, answer.heat, OPACITY), SEEN)
    return {
        "probabilities": [round(share, 6) for share in answer.probabilities.tolist()],
        "seen": data_url(seen, SEEN), "heat": heat, "ink": answer.has_ink,
    }  # fmt: skip


def _words() -> dict[str, str]:
    return {
        "start": _("Start the camera"),
        "stop": _("Stop"),
        "idle": _("The camera is off."),
        "starting": _("Waiting for the camera…"),
        "video": _("The camera's picture"),
        "seen": _("What the network sees"),
        "heat": _("Where it looked: yellow supports the likeliest class most"),
        "rate": _("{rate} answers a second"),
        "no_ink": _("No strokes found: the network sees the whole frame."),
        "privacy": _(
            "Frames go to the server that serves this page and to nobody else. They are answered and not stored."
        ),
        "insecure": _(
            "The browser gives the camera only to pages of this machine and to https. Open the page in one of these "
            "ways, or upload a photograph instead."
        ),
        "refused": _("The browser did not allow the camera. Allow it in the address bar, and start again."),
        "missing": _("No camera was found. Connect one and start again, or upload a photograph instead."),
        "busy": _("The camera can't be read; another program may use it. Close that program, and start again."),
        "ended": _("The camera has stopped sending pictures. Start it again."),
        "answer": _("{name}, {share}"),
        "unsure": _("Not sure: {name} ({share}) or {second} ({other})"),
    }
