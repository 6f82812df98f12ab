"""Export of a comparison on the page: its tables as files."""

import streamlit as st

from explorer.analysis.comparison import Comparison
from explorer.exports.comparison_tables import COMPARISON_FORMATS
from explorer.i18n import _
from explorer.ui.compare.state import CompareState
from explorer.ui.shared.networks import full_title

FORMAT = "compare.export.format"
FILE = "comparison"


def render(page_state: CompareState, comparison: Comparison) -> None:
    """Render the menu with the choice of a format, the preview of text, and the download button."""
    menu = st.popover(_("Export"), icon=":material/download:", key="compare.export", on_change="rerun")
    if not menu.open:
        return
    with menu:
        name = st.selectbox(
            _("Export as"),
            list(COMPARISON_FORMATS),
            format_func=lambda key: COMPARISON_FORMATS[key].title(),
            key=FORMAT,
        )
        chosen = COMPARISON_FORMATS[name]
        data = chosen.make(comparison, [full_title(network) for network in page_state.networks])
        file = FILE + chosen.suffix
        st.download_button(
            _("Download {file}").format(file=file), data, file, chosen.media_type, key="compare.export.download",
            on_click="ignore", icon=":material/download:",
        )  # fmt: skip
        if chosen.is_text:
            st.code(data.decode(), language=None, wrap_lines=True)
