"""The chosen runs, from the click to the details from the server.

The browser marks them in the table at once, and shows what the table knows of them: name, status, results and curve.
"""

from pathlib import Path

import streamlit as st

from explorer.drawing.kinds import SERIES, series_colour
from explorer.i18n import _
from explorer.ui.runs import state
from explorer.ui.shared.choice_script import choice_script

ASSETS = Path(__file__).parents[1] / "assets"
SCRIPT = choice_script("run_choice")
# The details belong to the last choice until those of the new one are there.
STYLE = """<style>
  body[data-explorer-runs-pending] .st-key-runs-head { display: none }
  body:not([data-explorer-runs-pending]) [data-testid="stLayoutWrapper"]:has(> .st-key-runs-preview-place) {
    display: none }
  body[data-explorer-runs-pending] .st-key-runs-details { opacity: 0.3; pointer-events: none }
</style>"""

_mount = st.components.v2.component(
    "explorer_run_preview",
    html='<div class="preview" role="status" hidden><h2></h2><ul></ul><figure hidden><figcaption></figcaption>'
    '<div class="plot"><span></span><span></span><svg viewBox="0 0 100 100" preserveAspectRatio="none" '
    'aria-hidden="true"></svg></div></figure></div>',
    css=(ASSETS / "run_preview.css").read_text(encoding="utf-8"),
    js=SCRIPT + (ASSETS / "run_preview.js").read_text(encoding="utf-8"),
)
_mount_answered = st.components.v2.component(
    "explorer_run_answered", js=SCRIPT + (ASSETS / "run_answered.js").read_text(encoding="utf-8")
)


def render(*, dark: bool) -> None:
    """Renders the preview, which is empty until the user makes another choice."""
    st.html(STYLE)
    labels = {
        "best": _("validation"),
        "test": _("test"),
        "curve": _("Top-1 on the validation images"),
        "count": _("{count} runs"),
        "empty": _("No run is chosen"),
    }
    with st.container(key="runs-preview-place"):
        _mount(
            key="runs-preview",
            data={"labels": labels, "colours": [series_colour(place, dark=dark) for place in range(len(SERIES))]},
        )


def mark_answered() -> None:
    """Tells the browser that the details of the choice are on the page."""
    _mount_answered(key="runs-answered", data={"number": state.RunsState.of_session().choice_number})
