"""The stale-link guard: runs that are asked for before the browser knows the link that the edit before has led to.

Such a run still carries the old link; following that would take the edit before back. A step back in the browser
carries an old link too, but changes no widget.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import streamlit as st

from explorer.ui.shared import address

TYPING = 2.0  # seconds: edits that follow closer may be sent before the browser knows what came of the one before
REMEMBERED = 10  # links

REFRESHED = "page_state.refreshed"  # in session_state: the link of a run that no user has asked for

Link = dict[str, str]


@dataclass
class StaleLinkGuard:
    """A page's last links, and what its widgets said; kept in the session's state.

    Attributes:
        former: The last links, each with the time at which the next took its place.
        widgets: The widgets' values at the end of the last run.
        acted: Whether a callback has changed the state since: an edit that may leave no widget with another value.
    """

    former: list[tuple[Link, float]] = field(default_factory=list)
    widgets: Mapping[str, object] = field(default_factory=dict)
    acted: bool = False

    def is_stale(self, link: Link, widgets: Mapping[str, object]) -> bool:
        """Whether a run that carries an old link comes from an edit.

        Args:
            link: The link that the run carries.
            widgets: The widgets' values at its beginning. A widget that is not drawn has none, which is no edit.
        """
        if self.acted:  # a step back calls no callback
            return any(link == old for old, _replaced_at in self.former)
        known = [old for old, replaced_at in self.former if time.monotonic() - replaced_at < TYPING]
        return link in known and any(value != self.widgets.get(key) for key, value in widgets.items())

    def replace(self, link: Link) -> None:
        """Remember a link whose place another one takes."""
        self.former = [*self.former[1 - REMEMBERED :], (link, time.monotonic())]

    def rest(self, widgets: Mapping[str, object]) -> None:
        """Remember what the widgets say at the end of a run."""
        self.widgets, self.acted = widgets, False


def refresh() -> NoReturn:
    """Draw the whole page again without the user, for instance from a part of it that looks at something by the clock.

    The run may carry an old link, which :func:`refreshed` keeps the page from following.
    """
    st.session_state[REFRESHED] = address.ours()
    st.rerun()


def refreshed() -> bool:
    """Whether :func:`refresh` led to this run, whose link no user has opened then; asked once in a run."""
    return bool(st.session_state.pop(REFRESHED, None) == address.ours())
