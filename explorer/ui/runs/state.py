"""The state of the Runs page: from the link to the widgets and back.

A link that differs from the one that we wrote last was opened by the user, unless a widget was used in the same
moment: its run may still carry the link that stood there before. What can't be read is said in words.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from explorer.errors import InputError
from explorer.jobs.store import Record, Status
from explorer.ui import address
from explorer.ui.runs.view import MOST, VIEW_FIELDS, View

log = logging.getLogger("explorer.ui")

VIEW = "runs.view."  # of the widgets' keys
TABLE = "runs.table"
WIDGETS = VIEW_FIELDS - {"job"}


@dataclass(slots=True)
class Watching:
    """Kept in ``session_state``.

    Attributes:
        view: what is shown.
        link: that says so, as last written.
        link_problem: what is wrong with the link that was opened.
        order: ids in the rows of the table, as the browser has them.
        statuses: of all runs when the page was last drawn as a whole.
        first: the section that opens by itself.
        used: whether a widget led to this run of the script, or we did ourselves.
        asking: what the user is asked before it is done, and for which runs.
        said: why what was clicked last could not be done.
    """

    view: View = field(default_factory=View)
    link: dict[str, str] = field(default_factory=dict)
    link_problem: str = ""
    order: list[str] = field(default_factory=list)
    statuses: dict[str, Status] = field(default_factory=dict)
    first: str = ""
    used: bool = False
    asking: tuple[str, tuple[str, ...]] = ("", ())
    said: str = ""


def watching() -> Watching:
    """The session's state."""
    state: Watching = st.session_state.setdefault("watching", Watching())
    return state


def current() -> Watching:
    """The session's state, after the link; to be called before any widget of the page."""
    state = watching()
    link = _shown()
    elsewhere = VIEW + "text" not in st.session_state  # back from another page: Streamlit has dropped the widgets
    if link != state.link and not state.used and (link or not elsewhere):
        _follow(state, link)
    elif elsewhere:
        fill(state)
    state.used = False
    return state


def _follow(state: Watching, link: dict[str, str]) -> None:
    state.link, state.link_problem = link, ""
    try:
        state.view = View.parse(dict(link))
    except InputError as error:
        state.link_problem = str(error)
        log.warning("refused: %s", error)
    fill(state)


def fill(state: Watching) -> None:
    """Give every widget the value that the view has."""
    for name in WIDGETS:
        value = getattr(state.view, name)
        st.session_state[VIEW + name] = list(value) if isinstance(value, tuple) else value


def used() -> None:
    """Callback of every widget of the view."""
    watching().used = True


def look(state: Watching) -> View:
    """What the widgets say that is to be shown."""
    chosen = {name: st.session_state[VIEW + name] for name in WIDGETS if VIEW + name in st.session_state}
    if isinstance(chosen.get("status"), list):
        chosen["status"] = tuple(chosen["status"])
    if chosen.get("show") == state.first:
        chosen["show"] = None
    view = View.parse({**dict(state.view), **chosen})
    if view != state.view:
        state.view, state.link_problem = view, ""
    return view


def choose(jobs: Sequence[str], **view: object) -> None:
    """Choose runs, and change what else of the view is given."""
    state = watching()
    state.used, state.link_problem = True, ""
    state.view = state.view.model_copy(update={"job": tuple(jobs[:MOST]), **view})
    fill(state)


def again() -> None:
    """Draw the whole page anew, from a part of it."""
    watching().used = True
    st.rerun()


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


def write_link(state: Watching) -> None:
    """Write the view to the address bar; a link that was refused stays there until something is changed."""
    if state.link_problem:
        return
    state.link = state.view.to_link()
    if state.link != _shown():
        address.write(state.link)


def _shown() -> dict[str, str]:
    return {key: text for key, text in address.ours().items() if key in VIEW_FIELDS}
