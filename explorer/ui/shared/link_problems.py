"""The problems of the link of the open page, in the same form on all pages."""

from collections.abc import Iterable

import streamlit as st

from explorer.errors import shown
from explorer.i18n import _
from explorer.ui.page_state import PageState
from explorer.ui.shared import address
from explorer.ui.shared.text import plain


def render(page_state: PageState, title: str) -> None:
    """Render the problems of the opened link, and parameters that the page does not know.

    Args:
        page_state: State of the page.
        title: Sentence about the content that the page shows instead.
    """
    if page_state.link_problems:
        lines = [plain(problem) for problem in page_state.link_problems]
        st.error(
            lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines),
            title=title,
            icon=":material/error:",
        )
    if page_state.PARAMETERS is not None:
        render_unknown(page_state.PARAMETERS)


def render_unknown(known: Iterable[str]) -> None:
    """Render a sentence if the link has other parameters than these."""
    if unknown := sorted(address.page_parameters().keys() - set(known)):
        names = ", ".join(map(shown, unknown))
        st.error(
            plain(_("link, {names}: this page has no such setting").format(names=names)),
            title=_("Parts of this link can't be read: you see the rest"),
            icon=":material/error:",
        )
