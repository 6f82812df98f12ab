"""The state of the Runs page: from the link to the widgets and back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import streamlit as st

from explorer.jobs.store import Record, Status
from explorer.ui.linked import Linked
from explorer.ui.runs.view import MOST, View

VIEW = "runs.view."  # of the widgets' keys
TABLE = "runs.table"


@dataclass(slots=True)
class Watching(Linked[View]):
    """Kept in ``session_state``.

    Attributes:
        order: ids in the rows of the table, as the browser has them.
        statuses: of all runs when the page was last drawn as a whole.
        asking: what the user is asked before it is done, and for which runs.
        said: why what was clicked last could not be done.
    """

    PREFIX: ClassVar[str] = VIEW
    WIDGETS: ClassVar[tuple[str, ...]] = ("text", "status", "seeds", "settings", "measure", "log")

    order: list[str] = field(default_factory=list)
    statuses: dict[str, Status] = field(default_factory=dict)
    asking: tuple[str, tuple[str, ...]] = ("", ())
    said: str = ""


def watching() -> Watching:
    """The session's state."""
    state: Watching = st.session_state.setdefault("watching", Watching(View()))
    return state


def used() -> None:
    """Callback of every widget of the view."""
    watching().used = True


def change(**fields: object) -> None:
    """The user changes the view: in a callback."""
    watching().change(**fields)


def choose(jobs: Sequence[str], **view: object) -> None:
    """The user chooses runs, and what else of the view is given: in a callback."""
    change(job=tuple(jobs[:MOST]), **view)


def matching(records: Sequence[Record], view: View, words: dict[str, str]) -> list[Record]:
    """The runs that the filters let through.

    Args:
        records: all of them.
        view: with the filters.
        words: what the text is looked for in, by id.
    """
    wanted = view.text.strip().casefold().split()
    return [
        record
        for record in records
        if (not view.status or record.status in view.status)
        and (not view.sweep or record.sweep == view.sweep)
        and all(word in words[record.id] for word in wanted)
    ]
