"""Predict: answers of networks about images with reasons, tests on data sets, and the list of weights.

The link contains the shown networks, images and reasons.
"""

import streamlit as st

from explorer.i18n import _
from explorer.ui.predict import answers, choose, evaluation, state, weights_list
from explorer.ui.shared import link_problems

predict_state = state.predict_state()
predict_state.begin()
dark = st.context.theme.type == "dark"

with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    st.title(_("Predict"), anchor=False, width="content")
    sections = {"predict": _("Images"), "test": _("Test set"), "weights": _("Weights")}
    st.segmented_control(
        _("Show"), list(sections), required=True, format_func=sections.__getitem__, key=state.VIEW_PREFIX + "show",
        label_visibility="collapsed", persist_state="page",
    )  # fmt: skip
link_problems.render(predict_state, _("Parts of this link can't be read: you see the default instead"))

match predict_state.view.show:
    case "predict":
        answers.render(dark=dark)
    case "test":
        evaluation.render(choose.first_entry(), dark=dark)
    case "weights":
        weights_list.render()
predict_state.write_link()
