"""The section on reasons for an answer."""

from collections.abc import Callable, Sequence
from typing import get_args

import streamlit as st

from explorer.errors import InputError
from explorer.i18n import _
from explorer.prediction.answers import Answer
from explorer.ui.predict import filters, heat, maps, reach, state
from explorer.ui.predict.reason import Case
from explorer.ui.predict.view import Whose, Why
from explorer.ui.shared.text import plain

WHOSE = "predict.whose"  # of the widget: its options change with the networks
# On a phone the sections fit in one line, and so do the three inputs for a unit.
NARROW = """<style>
  @media (max-width: 480px) {
    .st-key-predict-view-why button { padding-inline: 0.36rem }
    .st-key-predict-unit > * { flex-basis: 90px; min-width: 0 }
  }
</style>"""


def render(answers: Sequence[Answer], *, dark: bool) -> None:
    """Render the reasons for an answer.

    Args:
        answers: Answers of the networks about one picture.
        dark: Whether the page is dark.
    """
    titles: dict[Why, str] = {
        "cam": _("Where it looked"),
        "occlusion": _("Occlusion"),
        "maps": _("Feature maps"),
        "filters": _("Filters"),
        "reach": _("Reach"),
    }
    sections: dict[Why, Callable[[Case], None]] = {
        "cam": heat.render_cams, "occlusion": heat.render_occlusion, "maps": maps.render, "filters": filters.render,
        "reach": reach.render,
    }  # fmt: skip
    st.html(NARROW)
    answer = _choose_answer(answers)
    st.segmented_control(
        _("Reasons"), list(titles), format_func=titles.__getitem__, key=state.VIEW_PREFIX + "why", persist_state="page",
        required=True, label_visibility="collapsed",
    )  # fmt: skip
    view = state.predict_state().read_widgets()
    if answer.probabilities is None:
        st.error(plain(answer.error), icon=":material/broken_image:")
        return
    try:
        sections[view.why](Case(answer.network, answer.picture, answer.probabilities, view, dark))
    except InputError as error:
        st.error(plain(str(error)), icon=":material/error:")


def _choose_answer(answers: Sequence[Answer]) -> Answer:
    """Let the user choose the network whose answer is explained, if there are two."""
    if len({answer.network.name for answer in answers}) == 1:
        st.header(_("Why"), anchor=False)
        return answers[0]
    both: dict[Whose, Answer] = dict(zip(get_args(Whose), answers, strict=True))
    whose = state.predict_state().view.whose

    def choose() -> None:
        if (wanted := st.session_state[WHOSE]) in both:
            state.change(whose=wanted)

    st.session_state[WHOSE] = whose
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        title = _("Why {name} says so").format(name=plain(both[whose].network.name))
        st.header(title, anchor=False, width="content")
        st.segmented_control(
            _("Network that is explained"), list(both), format_func=lambda one: both[one].network.name, key=WHOSE,
            on_change=choose, required=True, label_visibility="collapsed",
        )  # fmt: skip
    return both[whose]
