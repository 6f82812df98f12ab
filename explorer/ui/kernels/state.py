"""The Kernels page's state: from the link to the widgets and back.

As on the Architecture page the link is the only lasting form, and an edit that breaks a rule leaves link and
picture as they were. What is the default is left out, so the page's bare address is its first picture.
"""

import logging
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from explorer.errors import InputError
from explorer.ui import address
from explorer.ui.kernels.link import DEFAULT, read_link, write_link
from explorer.ui.kernels.section import PREFIX, Section, widget_key
from explorer.ui.kernels.sections import SECTIONS
from explorer.ui.link_settings import LinkSettings
from explorer.ui.outrun import Trail

log = logging.getLogger("explorer.ui")

SHOW = PREFIX + "show"


@dataclass(slots=True)
class Session:
    """Kept in ``session_state``: the chosen section, the last good settings of each, and what the link says.

    ``synced`` is the state that the address bar stands for, None where it stands for none; a link that was refused
    in part stays there, with its problems, until the first edit.
    """

    show: str = DEFAULT
    settings: dict[str, LinkSettings] = field(
        default_factory=lambda: {name: s.settings() for name, s in SECTIONS.items()}
    )
    link: dict[str, str] = field(default_factory=dict)
    synced: tuple[str, LinkSettings] | None = None
    problem: str = ""
    link_problems: list[str] = field(default_factory=list)
    trail: Trail = field(default_factory=Trail)

    @property
    def state(self) -> tuple[str, LinkSettings]:
        """What the link has to say."""
        return self.show, self.settings[self.show]


def current() -> Session:
    """The session's state; to be called before any widget of the page."""
    link = address.ours()
    session: Session | None = st.session_state.get("kernels")
    if session is None:
        session = st.session_state["kernels"] = Session()
        _follow(session, link)
    elif SHOW in st.session_state and (link == session.link or session.trail.outran(link, _widgets())):
        session.show = st.session_state[SHOW]
    elif SHOW in st.session_state or link:
        _follow(session, link)
    else:  # back from another page: Streamlit has dropped the widgets, and the link
        session.link, session.synced = {}, None
    st.session_state[SHOW] = session.show
    for name, value in session.settings[session.show]:
        # Streamlit has dropped the widgets of sections that weren't shown.
        st.session_state.setdefault(widget_key(session.show, name), value)
    return session


def _widgets() -> dict[str, object]:
    return {str(key): value for key, value in st.session_state.items() if str(key).startswith(PREFIX)}


def _follow(session: Session, link: dict[str, str]) -> None:
    session.show, settings, session.link_problems = read_link(link)
    session.settings[session.show] = settings
    session.link, session.synced = link, session.state
    for problem in session.link_problems:
        log.warning("refused: %s", problem)
    for name, value in settings:
        st.session_state[widget_key(session.show, name)] = value


def settle(session: Session, section: Section, values: dict[str, Any]) -> Any:
    """What the section makes of its widgets' values; where they break a rule, of the last good settings."""
    try:
        settings = section.settings.parse(values)
        result = section.work(settings)
    except InputError as error:
        if session.problem != str(error):
            log.warning("refused: %s", error)
        session.problem = str(error)
        return section.work(session.settings[section.name])
    session.problem = ""
    session.settings[section.name] = settings
    if session.state != session.synced:
        session.link_problems = []
    return result


def write(session: Session) -> None:
    """Write the state to the address bar, once it differs from what stands there."""
    session.trail.rest(_widgets())
    if session.state == session.synced:
        return
    session.trail.replace(session.link)
    session.link, session.synced = write_link(*session.state), session.state
    address.write(session.link)
