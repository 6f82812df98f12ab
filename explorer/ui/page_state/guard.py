"""The stale-link guard recognises a run that an edit started and that still carries an older link.

The browser learns the new link of an edit when the run of that edit ends. A second edit before that starts a run with
the old link. To follow the old link would undo the first edit. How long this takes depends on how busy the server is.
A step back in the browser carries an old link too, but the browser says that it is one, and it changes no widget.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from explorer.ui.shared import address

MAX_FORMER_LINKS = 10

REFRESH_LINK = "page_state.refreshed"  # session_state key: the link of a run that the page itself asked for

Link = dict[str, str]


@dataclass
class StaleLinkGuard:
    """The last links of a page, and the widget values at the end of its last run.

    Attributes:
        former_links: The last links that others have replaced.
        widgets: Values of the widgets at the end of the last run.
        user_acted: Whether a callback has changed the state since then. Such an edit may change no widget value.
    """

    former_links: list[Link] = field(default_factory=list)
    widgets: Mapping[str, object] = field(default_factory=dict)
    user_acted: bool = False

    def is_stale(self, link: Link, widgets: Mapping[str, object]) -> bool:
        """Whether an edit started this run and the link of the run is an old one.

        Args:
            link: Link of the run.
            widgets: Values of the widgets at the start of the run, without hidden widgets.
        """
        if link not in self.former_links:
            return False
        if self.user_acted:  # a step back calls no callback
            return True
        return not _is_step_back() and any(value != self.widgets.get(key) for key, value in widgets.items())

    def add_former_link(self, link: Link) -> None:
        """Remember a link that another one replaces now."""
        self.former_links = [*self.former_links[1 - MAX_FORMER_LINKS :], link]

    def end_run(self, widgets: Mapping[str, object]) -> None:
        """Remember the values of the widgets at the end of a run."""
        self.widgets, self.user_acted = widgets, False


def _is_step_back() -> bool:
    """Whether the user has stepped back or forward in the browser's history."""
    context = get_script_run_ctx(suppress_warning=True)
    return bool(context and context.is_history_navigation)


def refresh() -> NoReturn:
    """Run the whole page again without the user, for instance from a fragment that polls.

    The run may carry an old link. :func:`consume_refresh` tells the page not to follow it.
    """
    st.session_state[REFRESH_LINK] = address.page_parameters()
    st.rerun()


def consume_refresh() -> bool:
    """Whether :func:`refresh` started this run. Only the first call in a run can return true."""
    return bool(st.session_state.pop(REFRESH_LINK, None) == address.page_parameters())
