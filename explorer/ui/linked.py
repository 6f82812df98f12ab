"""A page's view, the widgets that hold parts of it, and the link that says so.

A link that differs from the one that we wrote last was opened by the user, unless a widget was used in the same
moment: its run may still carry the link that stood there before. What can't be read is said in words.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NoReturn, TypeVar

import streamlit as st

from explorer.errors import InputError
from explorer.ui import address
from explorer.ui.outrun import repeated
from explorer.ui.page_state import PageFields

log = logging.getLogger("explorer.ui")

V = TypeVar("V", bound=PageFields)


@dataclass(slots=True)
class Linked(Generic[V]):
    """Kept in ``session_state``.

    Attributes:
        PREFIX: of the keys of the widgets that hold a field of the view.
        WIDGETS: those fields: their widgets keep their options. The first is drawn whatever else is.
        view: what is shown.
        link: that says so, as last written.
        link_problem: what is wrong with the link that was opened.
        used: whether a widget led to this run of the script, or we did ourselves.
    """

    PREFIX: ClassVar[str]
    WIDGETS: ClassVar[tuple[str, ...]]

    view: V
    link: dict[str, str] = field(default_factory=dict)
    link_problem: str = ""
    used: bool = False

    def begin(self) -> None:
        """Follow the link, and see what the widgets say; to be called before any widget of the page."""
        self.used |= repeated()
        elsewhere = self.PREFIX + self.WIDGETS[0] not in st.session_state  # from another page: Streamlit dropped them
        if self._follow(elsewhere=elsewhere):
            self._fill()
        for name in self.WIDGETS:  # also those that were not drawn: of a section that was not open
            st.session_state.setdefault(self.PREFIX + name, self._held(name))
        self.look()
        self.used = False

    def look(self) -> V:
        """What the widgets say that is to be shown; what one says that can't be is as if it had not been said."""
        for name in self.WIDGETS:
            if self.PREFIX + name in st.session_state:
                with suppress(InputError):
                    self.show(self._with({name: st.session_state[self.PREFIX + name]}))
        return self.view

    def change(self, **fields: object) -> None:
        """The user changes the view otherwise than by its widgets: in a callback."""
        self.used = True
        self.look()  # a widget may have been used in the same moment
        self.correct(**fields)

    def correct(self, **fields: object) -> None:
        """Change the view where the user has not: before widgets of these fields are drawn."""
        self.show(self._with(fields))
        self._fill()

    def again(self) -> NoReturn:
        """Draw the whole page anew, from a part of it."""
        self.used = True
        st.rerun()

    def show(self, view: V) -> None:
        """Show something else: what was wrong with the link is over then."""
        if view != self.view:
            self.view, self.link_problem = view, ""

    def write_link(self) -> None:
        """Write the view to the address bar; a link that was refused stays there until something is changed."""
        if self.link_problem:
            return
        link = self.view.to_link()
        if link != self._shown():
            address.write(link)  # where the run is interrupted here, the old link is the one that stands there
        self.link = link

    def _follow(self, *, elsewhere: bool) -> bool:
        """Take the view over from the link, if the user has opened one.

        Args:
            elsewhere: whether the user comes back from another page, whose links lead here without parameters.

        Returns:
            Whether that was so.
        """
        link = self._shown()
        if link == self.link or self.used or (elsewhere and not link):
            return False
        self.link, self.link_problem = link, ""
        try:
            self.view = type(self.view).parse(dict(link))
        except InputError as error:
            self.link_problem = str(error)
            log.warning("refused: %s", error)
        return True

    def _fill(self) -> None:
        """Give every widget the value that the view has."""
        for name in self.WIDGETS:
            value = self._held(name)
            if st.session_state.get(self.PREFIX + name) != value:  # one that is drawn already can't be changed
                st.session_state[self.PREFIX + name] = value

    def _held(self, name: str) -> Any:
        """A field's value as its widget holds it."""
        value = getattr(self.view, name)
        return list(value) if isinstance(value, tuple) else value

    def _with(self, fields: dict[str, object]) -> V:
        return type(self.view).parse({**dict(self.view), **fields})

    def _shown(self) -> dict[str, str]:
        fields = type(self.view).model_fields
        return {key: text for key, text in address.ours().items() if key in fields}
