"""One state for every page: fields declared once, the link, the widgets, undo, and the guard for stale links.

A page declares its fields (:class:`PageFields`) and how they make a link (:class:`PageState`); the rest is here. Why
Streamlit's own parameters do not do this alone is told in ``docs/decisions/0003-page-state.md``.
"""

from explorer.ui.page_state.fields import PageFields
from explorer.ui.page_state.guard import REFRESHED, TYPING, Link, StaleLinkGuard, refresh, refreshed
from explorer.ui.page_state.history import History
from explorer.ui.page_state.state import FieldsState, PageState, arrive

__all__ = [
    "REFRESHED",
    "TYPING",
    "FieldsState",
    "History",
    "Link",
    "PageFields",
    "PageState",
    "StaleLinkGuard",
    "arrive",
    "refresh",
    "refreshed",
]
