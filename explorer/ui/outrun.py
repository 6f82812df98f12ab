"""Runs that are asked for before the browser knows the link that the edit before them has led to.

They still carry the old link; following that would take the edit before back. A step back in the browser carries an
old link too, but changes no widget.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from explorer.ui.page_state.guard import REFRESHED as REPEATED
from explorer.ui.page_state.guard import refresh as again
from explorer.ui.page_state.guard import refreshed as repeated

__all__ = ["REPEATED", "TYPING", "Trail", "again", "repeated"]

TYPING = 2.0  # seconds: edits that follow closer may be sent before the browser knows what came of the one before
REMEMBERED = 10  # links

Link = dict[str, str]


@dataclass(slots=True)
class Trail:
    """A page's last links, and what its widgets said; kept in the session's state.

    Attributes:
        former: the last links, each with the time at which the next took its place.
        widgets: their values at the end of the last run.
        used: whether something has been done since that leaves no widget with another value: set in its callback.
    """

    former: list[tuple[Link, float]] = field(default_factory=list)
    widgets: Mapping[str, object] = field(default_factory=dict)
    used: bool = False

    def outran(self, link: Link, widgets: Mapping[str, object]) -> bool:
        """Whether a run that carries an old link comes from an edit.

        Args:
            link: that the run carries.
            widgets: their values at its beginning. One that is not drawn any more has none, which is no edit.
        """
        if self.used:  # a step back does nothing else
            return any(link == old for old, _replaced_at in self.former)
        known = [old for old, replaced_at in self.former if time.monotonic() - replaced_at < TYPING]
        return link in known and any(value != self.widgets.get(key) for key, value in widgets.items())

    def replace(self, link: Link) -> None:
        """Remember a link that another one takes the place of."""
        self.former = [*self.former[1 - REMEMBERED :], (link, time.monotonic())]

    def rest(self, widgets: Mapping[str, object]) -> None:
        """Remember what the widgets say at the end of a run."""
        self.widgets, self.used = widgets, False
