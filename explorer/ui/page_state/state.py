"""The state of a page: from the link to the widgets and back.

The link is the only lasting form. A link that differs from the one that we wrote last was opened by the user, and
fills the widgets; what the widgets say is written to the link. What can't be read is said in words, while the last
good state stays, and a link that was refused stays in the address bar until the first edit.
"""

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NoReturn, Self, TypeVar

import pandas as pd
import streamlit as st

from explorer.errors import InputError
from explorer.ui.page_state.fields import PageFields
from explorer.ui.page_state.guard import Link, StaleLinkGuard, refresh, refreshed
from explorer.ui.shared import address

log = logging.getLogger("explorer.ui")

V = TypeVar("V", bound=PageFields)

VISIT = "page_state.visit"  # in session_state: the page that is open, and how many were opened so far


def arrive(page: str) -> None:
    """Note which page is open; to be called before each run of a page.

    A widget's key in ``session_state`` does not tell whether the page was left: a value that was given to a widget, and
    the run interrupted before the widget was drawn, stays there.
    """
    name, count = st.session_state.get(VISIT, (None, 0))
    if name != page:
        st.session_state[VISIT] = (page, count + 1)


def _visit() -> int:
    count: int = st.session_state[VISIT][1]
    return count


@dataclass
class PageState(ABC):
    """Kept in ``session_state``; a page makes its own kind of it and calls ``begin`` first and ``write_link`` last.

    Attributes:
        NAME: The name in ``session_state``.
        PAGE: The name of the page's script.
        PREFIXES: What the keys of the widgets begin with that hold parts of the state.
        PARAMETERS: The parameters that the page reads; none are all, so that the page can refuse strange ones.
        EMPTY_LINK: Whether the empty link says a state of the page: the one that it has at first.
        link: The link that says the state, as last written or opened.
        link_problems: What is wrong with the link that was opened, until something is changed.
        guard: The stale-link guard.
        stale: Whether the link that this run carries is older than the state.
        visit: The visit of a page for which the widgets were filled last.
    """

    NAME: ClassVar[str]
    PAGE: ClassVar[str]
    PREFIXES: ClassVar[tuple[str, ...]]
    PARAMETERS: ClassVar[frozenset[str] | None] = None
    EMPTY_LINK: ClassVar[bool] = False

    link: Link = field(default_factory=dict)
    link_problems: list[str] = field(default_factory=list)
    guard: StaleLinkGuard = field(default_factory=StaleLinkGuard)
    stale: bool = False
    visit: int = 0

    @classmethod
    def of_session(cls) -> Self:
        """The session's state, made where there is none yet."""
        state: Self | None = st.session_state.get(cls.NAME)
        if state is None:
            state = st.session_state[cls.NAME] = cls()
        return state

    @abstractmethod
    def open_link(self, link: Link) -> list[str]:
        """Take the state of a link over; what can't be read stays as it is or becomes the default.

        Returns:
            What is wrong with the link.
        """

    @abstractmethod
    def to_link(self) -> Link:
        """The query parameters that say the state."""

    @abstractmethod
    def held(self) -> dict[str, Any]:
        """The values that the widgets have to hold, by their keys."""

    def settle(self) -> None:  # noqa: B027  pages whose widgets speak as they are drawn need none
        """Take over what the widgets say, before any is drawn."""

    def come_back(self) -> None:  # noqa: B027  as above
        """Forget what holds only while the page is open: the user comes back from another one."""

    def begin(self) -> None:
        """Follow the link, or see what the widgets say; to be called before any widget of the page."""
        again, link, visit = refreshed(), self._shown(), _visit()
        arrives = visit != self.visit
        self.stale = not arrives and (again or self.guard.is_stale(link, self._widgets()))
        if link != self.link and not self.stale and (link or (self.EMPTY_LINK and not arrives)):
            self.follow(link)
        elif arrives:  # Streamlit has dropped the widgets when the page was left
            self.come_back()
            self.fill()
        else:
            self.settle()
            self.fill_missing()
        self.visit = visit

    def follow(self, link: Link) -> None:
        """Show what a link says that the user has opened."""
        self.link = link
        self.link_problems = self.open_link(link)
        for problem in self.link_problems:
            log.warning("refused: %s", problem)
        self.fill()

    def fill(self) -> None:
        """Give every widget the value that the state has."""
        for key, value in self.held().items():
            if key not in st.session_state or not _same(st.session_state[key], value):
                st.session_state[key] = value  # only where it differs: a widget that is drawn already can't be set

    def fill_missing(self) -> None:
        """Give the widgets a value that have none, as the last run did not draw them."""
        for key, value in self.held().items():
            st.session_state.setdefault(key, value)

    def acted(self) -> None:
        """For callbacks that change the state: the run comes from the user, whatever link it carries."""
        self.guard.acted = True

    def refresh(self) -> NoReturn:
        """Draw the whole page again, from a part of it."""
        refresh()

    def write_link(self) -> None:
        """Write the state to the address bar; a link that was refused stays there until something is changed."""
        self.guard.rest(self._widgets())
        if self.link_problems:
            return
        link = self.to_link()
        if link != (self.link if self.stale else self._shown()):
            address.write(link)  # where the run is interrupted here, the old link is the one that stands there
        if link != self.link:
            self.guard.replace(self.link)
            self.link = link

    def _shown(self) -> Link:
        link = address.ours()
        return link if self.PARAMETERS is None else {key: link[key] for key in link if key in self.PARAMETERS}

    def _widgets(self) -> dict[str, object]:
        return {
            str(key): value
            for key, value in st.session_state.items()
            if str(key).startswith(self.PREFIXES) and not isinstance(value, pd.DataFrame)
        }


@dataclass
class FieldsState(PageState, Generic[V]):
    """The state of a page of fields, some of which have widgets of their own.

    A widget that may be hidden while its page is open is drawn with ``persist_state="page"``: without it Streamlit
    would bring the value back that the widget was first filled with.

    Attributes:
        PREFIX: What the keys of the fields' widgets begin with.
        WIDGETS: The fields that have a widget.
        view: The fields' values.
    """

    PREFIX: ClassVar[str]
    WIDGETS: ClassVar[tuple[str, ...]]

    view: V = field(kw_only=True)

    def open_link(self, link: Link) -> list[str]:
        """Take the link's fields over, all or none."""
        try:
            self.view = type(self.view).parse(link)
        except InputError as error:
            return [str(error)]
        return []

    def to_link(self) -> Link:
        """The query parameters of the fields that aren't at their default."""
        return self.view.to_link()

    def held(self) -> dict[str, Any]:
        """The fields' values as their widgets hold them."""
        values = {self.PREFIX + name: getattr(self.view, name) for name in self.WIDGETS}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

    def settle(self) -> None:
        """Take over what the widgets say."""
        self.read_widgets()

    def read_widgets(self) -> V:
        """The fields as the widgets say them."""
        for name in self.WIDGETS:
            if self.PREFIX + name in st.session_state:
                value = st.session_state[self.PREFIX + name]
                if isinstance(value, float) and value.is_integer():  # number inputs hold floats, to refuse 1.5 in words
                    value = int(value)
                try:
                    self.show(self.view.changed(**{name: value}))
                except InputError as error:
                    self.refuse(error)
        return self.view

    def refuse(self, error: InputError) -> None:
        """Note that a widget says what is not allowed; the field stays as it was."""

    def change(self, **values: object) -> None:
        """The user changes fields otherwise than by their widgets: in a callback."""
        self.acted()
        self.read_widgets()  # a widget may have been used in the same moment
        self.correct(**values)

    def correct(self, **values: object) -> None:
        """Change fields where the user has not: before their widgets are drawn."""
        self.show(self.view.changed(**values))
        self.fill()

    def show(self, view: V) -> None:
        """Show something else: what was wrong with the link is over then."""
        if view != self.view:
            self.view, self.link_problems = view, []


def _same(held: object, value: object) -> bool:
    return not isinstance(held, pd.DataFrame) and held == value
