"""Predict: what networks say about images and why, how good they are, and the list of their weights.

Which networks, images and reasons are shown stands in the link.
"""

import streamlit as st

from explorer.i18n import _
from explorer.ui.predict import answers, choose, evaluation, shelf, state
from explorer.ui.shared.text import plain

asking = state.asking()
asking.begin()
dark = st.context.theme.type == "dark"

with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    st.title(_("Predict"), anchor=False, width="content")
    sections = {"predict": _("Images"), "test": _("Test set"), "weights": _("Weights")}
    st.segmented_control(
        _("Show"), list(sections), required=True, format_func=sections.__getitem__, key=state.VIEW + "show",
        label_visibility="collapsed", persist_state="page",
    )  # fmt: skip
if asking.link_problems:
    st.error(
        plain(" ".join(asking.link_problems)),
        title=_("This link can't be opened: you see the default instead"),
        icon=":material/error:",
    )

match asking.view.show:
    case "predict":
        answers.render(dark=dark)
    case "test":
        evaluation.render(choose.entry(), dark=dark)
    case "weights":
        shelf.render()
asking.write_link()
