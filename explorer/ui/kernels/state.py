"""The state of the Kernels page: the chosen section, and the fields of each section.

An edit that breaks a rule leaves link and figures as they were. The link leaves out defaults, so the address without
parameters opens the initial state.
"""

import logging
from dataclasses import dataclass, field
from typing import Any, ClassVar

import streamlit as st

from explorer.errors import InputError
from explorer.ui.kernels.link import DEFAULT, read_link, write_link
from explorer.ui.kernels.sections import SECTIONS
from explorer.ui.page_state import Link, PageFields, PageState
from explorer.ui.shared.sections.section import PREFIX, Section, widget_key

log = logging.getLogger("explorer.ui")

SHOW = PREFIX + "show"


@dataclass
class KernelsState(PageState):
    """The Kernels page's state.

    Attributes:
        show: Name of the chosen section.
        views: The last valid fields of each section.
        opened: Section and fields of the link that the user opened; None after an edit. Until then the link stays as
            the user wrote it.
        problem: Error of the last edit.
    """

    NAME: ClassVar[str] = "kernels"
    PAGE: ClassVar[str] = "kernels"
    PREFIXES: ClassVar[tuple[str, ...]] = (PREFIX,)
    EMPTY_LINK: ClassVar[bool] = True

    show: str = DEFAULT
    views: dict[str, PageFields] = field(
        default_factory=lambda: {name: section.view() for name, section in SECTIONS.items()}
    )
    opened: tuple[str, PageFields] | None = None
    problem: str = ""

    @property
    def chosen(self) -> tuple[str, PageFields]:
        """Name of the chosen section, and its fields."""
        return self.show, self.views[self.show]

    def open_link(self, link: Link) -> list[str]:
        """Set the section and its fields from the link. Fields that can't be read get their defaults."""
        self.show, view, problems = read_link(link)
        self.views[self.show] = view
        self.opened = self.chosen
        return problems

    def to_link(self) -> Link:
        """Return the query parameters: those of the opened link until the first edit, then those of the state."""
        return self.link if self.chosen == self.opened else write_link(*self.chosen)

    def widget_values(self) -> dict[str, Any]:
        """Return the section and its fields in the form that their widgets take."""
        return {SHOW: self.show, **{widget_key(self.show, name): value for name, value in self.views[self.show]}}

    def read_widgets(self) -> None:
        """Set the section from its widget. ``compute`` reads the other widgets."""
        self.show = st.session_state.get(SHOW, self.show)

    def start_visit(self) -> None:
        """Forget the opened link."""
        self.opened = None

    def compute(self, section: Section, values: dict[str, Any]) -> Any:
        """Return the result of the section for these widget values; if they are invalid, for the last valid ones."""
        try:
            view = section.view.parse(values)
            result = section.compute(view)
        except InputError as error:
            if self.problem != str(error):
                log.warning("refused: %s", error)
            self.problem = str(error)
            return section.compute(self.views[section.name])
        self.problem = ""
        self.views[section.name] = view
        if self.chosen != self.opened:
            self.link_problems, self.opened = [], None
        return result
