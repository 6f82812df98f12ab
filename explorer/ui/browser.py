"""Scripts that run in the browser on every page, in addition to Streamlit's."""

from pathlib import Path

import streamlit as st

from explorer.i18n import _

ASSETS = Path(__file__).parent / "assets"

_repaint = st.components.v2.component(
    "explorer_repaint",
    css=(ASSETS / "buttons.css").read_text(encoding="utf-8"),
    js=(ASSETS / "repaint.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)
_history = st.components.v2.component(
    "explorer_history", js=(ASSETS / "history.js").read_text(encoding="utf-8"), isolate_styles=False
)
_chart_files = st.components.v2.component(
    "explorer_chart_files",
    css=(ASSETS / "chart_files.css").read_text(encoding="utf-8"),
    js=(ASSETS / "chart_files.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def add_scripts() -> None:
    """Add the scripts to the page.

    The first one runs the page again when the user changes the theme: Streamlit changes its own colours at once, but
    the script learns about it only in its next run. With it comes the colour of text on buttons. The second one makes
    the opening of a page one entry of the history. The third one adds a button to each chart, which saves it as SVG,
    PNG or CSV.
    """
    # Among the elements that Streamlit does not lay out, such as passing messages. On the page, a skeleton would stand
    # for each until its script is loaded, and then everything below would jump.
    with st._event:
        _repaint(key="repaint", on_theme_change=lambda: None)
        _history(key="history")
        _chart_files(
            key="chart-files",
            data={
                "save": _("Save the chart"), "svg": _("Picture, SVG"), "png": _("Picture, PNG"), "csv": _("Data, CSV"),
            },
        )  # fmt: skip
