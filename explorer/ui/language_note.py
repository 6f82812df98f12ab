"""A note above the page if the link asks for a language that the app does not have."""

import streamlit as st

from explorer.errors import shown
from explorer.i18n import _, find_language, language, languages
from explorer.ui.shared.text import plain


def render() -> None:
    """Render the note. Nothing if the link names no language, or one that the app has."""
    wanted = st.query_params.get("lang")
    if not wanted or find_language(wanted):
        return
    st.info(
        _("The link asks for the language {wanted}. This app has: {languages}. You see {language}.").format(
            wanted=plain(shown(wanted)), languages=", ".join(sorted(languages())), language=language()
        ),
        icon=":material/translate:",
    )
