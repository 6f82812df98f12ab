"""Kernels: what small kernels, strides and 1x1 convolutions buy, as pictures with their numbers.

One section is shown at a time; the section and its settings live in the link.
"""

import streamlit as st

from explorer.i18n import _
from explorer.ui.kernels import state
from explorer.ui.kernels.sections import SECTIONS
from explorer.ui.shared.text import plain

session = state.KernelsState.of_session()
session.begin()
dark = st.context.theme.type == "dark"

with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    st.title(_("Kernels"), anchor=False, width="content")
    st.segmented_control(
        _("Show"), list(SECTIONS), required=True, label_visibility="collapsed", key=state.SHOW, wrap=True,
        format_func=lambda name: SECTIONS[name].title(),
    )  # fmt: skip

section = SECTIONS[session.show]
result = session.work(section, section.controls())
if session.problem:
    st.error(plain(session.problem), title=_("The picture is that of the last good settings"), icon=":material/error:")
if session.link_problems:
    st.error(
        "\n".join(f"- {plain(problem)}" for problem in session.link_problems),
        title=_("Parts of this link can't be read: you see the default instead"),
        icon=":material/error:",
    )
section.render(result, dark=dark)
session.write_link()
