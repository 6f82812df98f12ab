"""The picture of the gallery that the user has chosen, from the click to the answer of the server.

The browser shows it at once. Small networks are asked about the whole gallery, so that their answers are there before
the click; of others the browser says that the answer is being computed.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from explorer.errors import InputError
from explorer.i18n import _
from explorer.prediction.answers import Answer, ask
from explorer.prediction.networks import Network
from explorer.prediction.pictures import Picture

ASSETS = Path(__file__).parents[1] / "assets"
MAX_MACS = 2_000_000_000  # of all pictures together, which take about a tenth of a second
NUMBER = "predict.picture.number"  # session_state key: number of the last choice that the browser has reported
SCRIPT = (ASSETS / "picture_choice.js").read_text(encoding="utf-8")
# The reasons belong to the last picture until those of the new one are there.
STYLE = """<style>
  body[data-explorer-pending] .st-key-predict-answer { display: none }
  body:not([data-explorer-pending]) [data-testid="stLayoutWrapper"]:has(> .st-key-predict-preview) { display: none }
  body[data-explorer-pending] .st-key-predict-why { opacity: 0.35 }
</style>"""

_mount = st.components.v2.component(
    "explorer_picture_preview",
    html='<div class="preview" role="status" hidden><h3></h3><img alt=""><p class="headline"></p><ol></ol></div>',
    css=(ASSETS / "picture_preview.css").read_text(encoding="utf-8"),
    js=SCRIPT + (ASSETS / "picture_preview.js").read_text(encoding="utf-8"),
)
_mount_answered = st.components.v2.component(
    "explorer_picture_answered", js=SCRIPT + (ASSETS / "picture_answered.js").read_text(encoding="utf-8")
)


def render(answers: Sequence[Answer | None], headline: Callable[[Answer], str], top: int) -> None:
    """Render the preview, which is empty until the user chooses another picture.

    Args:
        answers: Answers about the pictures of the gallery. None for those that are not known.
        headline: Function that returns an answer in a few words.
        top: Number of listed classes.
    """
    known = [
        answer
        and {
            "headline": headline(answer),
            "top": [(candidate.name, f"{candidate.probability:.2%}") for candidate in answer.top(top)],
        }
        for answer in answers
    ]
    _mount(key="predict.preview", data={"answers": known, "waiting": _("The answer is being computed…")})


def mark_answered() -> None:
    """Tell the browser that the answer about the chosen picture is on the page."""
    _mount_answered(key="predict.answered", data={"number": st.session_state.get(NUMBER, 0)})


def ask_ahead(network: Network, pictures: Sequence[Picture]) -> list[Answer | None]:
    """Return the answers of a network about the gallery, or no answer if that would take long."""
    none = [None] * len(pictures)
    if network.analysis.totals.macs * len(pictures) > MAX_MACS:
        return [*none]
    try:
        answers = list(ask(network, pictures, lambda _ahead: None))
    except InputError:  # it is shown with the answer that the user has asked for
        return [*none]
    return [None if answer.probabilities is None else answer for answer in answers]
