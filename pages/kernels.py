"""Kernels: the effects of small kernels, strides and 1x1 convolutions, as figures with numbers.

The page shows one section at a time. The link contains the section and its fields.
"""

import streamlit as st

from explorer.i18n import _
from explorer.ui.kernels import state
from explorer.ui.kernels.sections import SECTIONS
from explorer.ui.shared import link_problems
from explorer.ui.shared.text import plain

page_state = state.KernelsState.of_session()
page_state.begin()
dark = st.context.theme.type == "dark"

with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    st.title(_("Kernels"), anchor=False, width="content")
    st.segmented_control(
        _("Show"), list(SECTIONS), required=True, label_visibility="collapsed", key=state.SHOW, wrap=True,
        format_func=lambda name: SECTIONS[name].title(),
    )  # fmt: skip

section = SECTIONS[page_state.show]
result = page_state.compute(section, section.controls())
if page_state.problem:
    st.error(plain(page_state.problem), title=_("The figure shows the last valid settings"), icon=":material/error:")
link_problems.render(page_state, _("Parts of this link can't be read: you see the default instead"))
section.render(result, dark=dark)
page_state.write_link()
