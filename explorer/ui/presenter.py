"""The presenter view, which enlarges any page for a projector. It runs in the browser alone."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit import config

from explorer.classroom.members import are_offered
from explorer.i18n import _

ASSETS = Path(__file__).parent / "assets"

_presenter = st.components.v2.component(
    "explorer_presenter",
    js="".join((ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in ("presenter_start", "presenter")),
    isolate_styles=False,
)
_CSS, _PAGE_CSS = ((ASSETS / f"{name}.css").read_text(encoding="utf-8") for name in ("presenter_bar", "presenter"))


def render(pages: Sequence[tuple[str, str]]) -> None:
    """Add the button and the keys of the presenter view to the page.

    Args:
        pages: Path and title of every page, in the order of the arrow keys.
    """
    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    words = {
        "enter": _("Present"),
        "hint": _("Presenter view: large type for a projector. Key: p"),
        "leave": _("Leave presenter view (p)"),
        "edit": _("Editor"),
        "editHint": _("Shows or hides the fields that change the page"),
        "next": _("Next. Keys: → and Page Down"),
        "back": _("Back. Keys: ← and Page Up"),
    }
    with st._event:  # among the elements that Streamlit does not lay out: the browser draws the bar by itself
        _presenter(
            key="presenter",
            data={
                "pages": [list(page) for page in pages], "words": words, "css": _CSS, "page_css": _PAGE_CSS,
                "base": f"/{base}" if base else "",
                "classes": are_offered(),
            },
        )  # fmt: skip
