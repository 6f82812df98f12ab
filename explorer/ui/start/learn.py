"""Learn: a small experiment with 3x3 kernels, and what else there is to learn with."""

import streamlit as st

from explorer.analysis.kernels import Replacement, replacement, single
from explorer.drawing import vignettes
from explorer.i18n import _, ngettext
from explorer.ui.shared.figure import show_figure
from explorer.ui.start import parts, tour

COUNT = "start.kernels"
COUNTS = (1, 2, 3, 4, 5)
DEFAULT = 3
LESSON = "why-3x3"  # asks the question of this card


def render(*, dark: bool) -> None:
    """Render the card."""
    with parts.card("learn", _("Learn"), _("Why do networks stack small kernels?")):
        _render(dark=dark)
        with st.container(horizontal=True, vertical_alignment="center"):
            parts.link("learn", _("All lessons"), icon=":material/school:")
            parts.link("learn", _("This lesson"), {"lesson": LESSON})
            words = _("Take the tour")
            st.markdown(f"[:primary[**{words}**]](#{tour.ANCHOR})", width="content")


@st.fragment
def _render(*, dark: bool) -> None:
    st.session_state.setdefault(COUNT, DEFAULT)
    count = st.segmented_control(
        _("3×3 convolutions in a row"), COUNTS, key=COUNT, required=True, persist_state="session"
    )
    side = 1 + 2 * (count or DEFAULT)
    stack = replacement(side, Replacement.THREE)
    figure, facts = parts.figure_and_facts("learn")
    with figure:
        show_figure(vignettes.nested(side, stack, dark=dark), key="start-nested")
    with facts:
        st.markdown(
            ngettext(
                "{count} convolution sees **{side}×{side}** pixels.",
                "{count} convolutions in a row see **{side}×{side}** pixels.",
                len(stack.kernels),
            ).format(count=len(stack.kernels), side=side)
        )
        saved = 1 - stack.cells / single(side).cells
        st.markdown(
            _("They have {saved:.0%} fewer weights than one {side}×{side}, and a ReLU after each.").format(
                saved=saved, side=side
            )
            if saved > 0
            else _("Add another to see more of the image.")
        )
