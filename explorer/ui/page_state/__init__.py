"""The state of a page: its fields, link, widgets, undo history and stale-link guard, the same way for every page.

A page declares its fields (:class:`PageFields`) and how they make a link (:class:`PageState`); the rest is here.
``docs/decisions/0003-page-state.md`` explains why Streamlit's own parameters are not enough.
"""

from explorer.ui.page_state.fields import PageFields
from explorer.ui.page_state.guard import REFRESH_LINK, Link, StaleLinkGuard, consume_refresh, refresh
from explorer.ui.page_state.history import History
from explorer.ui.page_state.state import FieldsState, PageState, record_visit

__all__ = [
    "REFRESH_LINK",
    "FieldsState",
    "History",
    "Link",
    "PageFields",
    "PageState",
    "StaleLinkGuard",
    "consume_refresh",
    "record_visit",
    "refresh",
]
