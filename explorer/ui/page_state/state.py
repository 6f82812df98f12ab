"""The state of a page, which connects its link and its widgets.

If a link differs from the one that the page wrote last, the user has opened it, and it fills the widgets. At the end of
a run, the page writes the values of its widgets to the link. If a link can't be read, the page shows the reason and the
last valid state, and the link stays in the address bar until the first edit.
"""

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NoReturn, Self, TypeVar

import pandas as pd
import streamlit as st

from explorer.errors import InputError
from explorer.specs.size import SIZE_TEXT, typed_text
from explorer.ui import session_reads
from explorer.ui.page_state.fields import PageFields
from explorer.ui.page_state.guard import Link, StaleLinkGuard, consume_refresh, refresh
from explorer.ui.shared import address

log = logging.getLogger("explorer.ui")

V = TypeVar("V", bound=PageFields)

LAST_VISIT = "page_state.visit"  # session_state key: name of the open page, and number of visits so far


def record_visit(page: str) -> None:
    """Record which page is open. Must be called before each run of a page.

    A widget's key in ``session_state`` doesn't show whether the user has left the page in between: the key also stays
    if a run assigned a value to it and was interrupted before it rendered the widget.
    """
    name, count = st.session_state.get(LAST_VISIT, (None, 0))
    if name != page:
        st.session_state[LAST_VISIT] = (page, count + 1)


def _visit_number() -> int:
    number: int = st.session_state[LAST_VISIT][1]
    return number


@dataclass
class PageState(ABC):
    """Base of the page states in ``session_state``. A page calls ``begin`` first and ``write_link`` last.

    Attributes:
        NAME: Key of the state in ``session_state``.
        PAGE: Name of the page's script.
        PREFIXES: Prefixes of the keys of all widgets that show a part of the state.
        PARAMETERS: Parameters that the page reads. None means all parameters, so that the page can refuse unknown ones.
        EMPTY_LINK: Whether the empty link stands for the page's initial state.
        link: Link of the state, as last written or opened.
        link_problems: Problems of the opened link, until the first edit.
        guard: The stale-link guard.
        is_stale: Whether the link of this run is older than the state.
        visit: Number of the visit in which the widgets were last filled; 0 before the first one.
    """

    NAME: ClassVar[str]
    PAGE: ClassVar[str]
    PREFIXES: ClassVar[tuple[str, ...]]
    PARAMETERS: ClassVar[frozenset[str] | None] = None
    EMPTY_LINK: ClassVar[bool] = False

    link: Link = field(default_factory=dict)
    link_problems: list[str] = field(default_factory=list)
    guard: StaleLinkGuard = field(default_factory=StaleLinkGuard)
    is_stale: bool = False
    visit: int = 0

    @classmethod
    def of_session(cls) -> Self:
        """Return the session's state, and create it if there is none yet."""
        state: Self | None = st.session_state.get(cls.NAME)
        if state is None:
            state = st.session_state[cls.NAME] = cls()
        return state

    @abstractmethod
    def open_link(self, link: Link) -> list[str]:
        """Set the state from a link. Parts that can't be read stay as they are or become the default.

        Returns:
            Problems of the link.
        """

    @abstractmethod
    def to_link(self) -> Link:
        """Return the query parameters that reproduce the state."""

    @abstractmethod
    def widget_values(self) -> dict[str, Any]:
        """Return the values that the widgets must show, by the keys of the widgets."""

    @abstractmethod
    def read_widgets(self) -> object:
        """Set the state from the widgets."""

    def start_visit(self) -> None:  # noqa: B027  most pages have nothing to discard
        """Discard what is only valid during one visit. Called when the user returns to the page without a new link."""

    def begin(self) -> None:
        """Follow the link or read the widgets. Must be called before the page renders a widget."""
        is_refresh, link, visit = consume_refresh(), self._current_link(), _visit_number()
        is_new_visit = visit != self.visit
        self.is_stale = not is_new_visit and (is_refresh or self.guard.is_stale(link, self._current_widgets()))
        if link != self.link and not self.is_stale and (link or (self.EMPTY_LINK and not is_new_visit)):
            self.follow(link)
        elif is_new_visit:  # Streamlit removed the widgets when the user left the page
            self.start_visit()
            self.fill()
        else:
            self.read_widgets()
            self.fill_missing()
        self.visit = visit

    def follow(self, link: Link) -> None:
        """Show the state of a link that the user has opened."""
        self.link = link
        self.link_problems = self.open_link(link)
        for problem in self.link_problems:
            log.warning("refused: %s", problem)
        self.fill()

    def fill(self) -> None:
        """Set every widget to its value in the state."""
        for key, value in self.widget_values().items():
            # Equal values are skipped because Streamlit refuses an assignment to a widget that is already rendered.
            if key not in st.session_state or not _same(st.session_state[key], value):
                st.session_state[key] = value

    def fill_missing(self) -> None:
        """Set the widgets without a value: those that the last run did not render."""
        for key, value in self.widget_values().items():
            st.session_state.setdefault(key, value)

    def mark_user_action(self) -> None:
        """For callbacks that change the state: the user has started this run, even if its link is an old one."""
        self.guard.user_acted = True

    def refresh(self) -> NoReturn:
        """Run the whole page again, from a fragment."""
        refresh()

    def write_link(self) -> None:
        """Write the state to the address bar. A link that was refused stays there until the first edit."""
        self.guard.end_run(self._current_widgets())
        if self.link_problems:
            return
        link = self.to_link()
        if link != self._current_link():
            # If this run is interrupted here, self.link is still the link in the address bar. Otherwise it may be
            # newer: Streamlit drops what a run has sent if the next request comes at that moment. That request has
            # the older link, so its run writes the link again. The browser skips a link that it has already.
            address.write(link)
        if link != self.link:
            self.guard.add_former_link(self.link)
            self.link = link

    def _current_link(self) -> Link:
        link = address.page_parameters()
        return link if self.PARAMETERS is None else {key: link[key] for key in link if key in self.PARAMETERS}

    def _current_widgets(self) -> dict[str, object]:
        values = session_reads.values_of(self.PREFIXES)
        return {key: value for key, value in values.items() if not isinstance(value, pd.DataFrame)}


@dataclass
class FieldsState(PageState, Generic[V]):
    """The state of a page that consists of fields.

    A widget that may be hidden while its page is open needs ``persist_state="page"``. Without it, Streamlit restores
    the value that the widget was first filled with.

    Attributes:
        PREFIX: Prefix of the keys of the fields' widgets.
        WIDGETS: Names of the fields that have a widget.
        view: Values of the fields.
        is_opened: Whether the page shows the content of the opened link, at least in part.
    """

    PREFIX: ClassVar[str]
    WIDGETS: ClassVar[tuple[str, ...]]

    view: V = field(kw_only=True)
    is_opened: bool = field(default=True, kw_only=True)

    def open_link(self, link: Link) -> list[str]:
        """Set the fields from the link. A field whose text can't be read gets its default."""
        fields = type(self.view).model_fields
        self.view, problems = type(self.view).read({key: link[key] for key in link if key in fields}, self.PAGE)
        return problems

    def to_link(self) -> Link:
        """Return the query parameters of all fields that differ from their default."""
        return self.view.to_link()

    def widget_values(self) -> dict[str, Any]:
        """Return the values of the fields in the form that their widgets take."""
        values = {self.PREFIX + name: getattr(self.view, name) for name in self.WIDGETS}
        fields = type(self.view).model_fields
        sizes = {self.PREFIX + name for name in self.WIDGETS if SIZE_TEXT in fields[name].metadata}
        return {
            key: typed_text(value) if key in sizes else list(value) if isinstance(value, tuple) else value
            for key, value in values.items()
        }

    def read_widgets(self) -> V:
        """Set the fields from the widgets, and return the fields."""
        for name in self.WIDGETS:
            if self.PREFIX + name in st.session_state:
                value = st.session_state[self.PREFIX + name]
                known = getattr(self.view, name)
                if value == (list(known) if isinstance(known, tuple) else known):
                    continue  # most widgets have not changed, and checking a value takes a while
                if isinstance(value, float) and value.is_integer():  # number inputs return floats
                    value = int(value)
                try:
                    self.set_view(self.view.changed(**{name: value}))
                except InputError as error:
                    self.refuse(error)
        return self.view

    def refuse(self, error: InputError) -> None:
        """Handle a widget value that is not allowed. The field stays as it was."""

    def change(self, **values: object) -> None:
        """Change fields in a callback of the user that belongs to none of their widgets."""
        self.mark_user_action()
        self.read_widgets()  # a widget may have been used in the same moment
        self.correct(**values)

    def correct(self, **values: object) -> None:
        """Change fields without the user, before their widgets are rendered."""
        self.set_view(self.view.changed(**values))
        self.fill()

    def set_view(self, view: V) -> None:
        """Set the view. If it differs, the problems of the link are no longer shown."""
        if view != self.view:
            self.view, self.link_problems = view, []


def _same(current: object, value: object) -> bool:
    return not isinstance(current, pd.DataFrame) and current == value
