"""Learn: lessons that ask before they show. Without a lesson in the link, a gallery of all lessons.

The page is a fragment: a step runs and draws it alone, without the navigation and the bars around it.
"""

import streamlit as st

from explorer.i18n import _
from explorer.ui.learn import gallery, progress, state, steps
from explorer.ui.shared import link_problems


@st.fragment
def render() -> None:
    """Render the open lesson, or the gallery."""
    page_state = state.LearnState.of_session()
    page_state.begin()
    dark = st.context.theme.type == "dark"
    st.html(steps.STYLE)
    link_problems.render(page_state, _("Parts of this link can't be read: you see the default instead"))
    if page_state.name:
        steps.render(page_state, dark=dark)
        progress.record(page_state.name, page_state.step, len(page_state.lesson.steps))
    else:
        gallery.render(dark=dark)
        progress.show()
    page_state.write_link()


render()
