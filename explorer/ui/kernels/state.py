"""The Kernels page's state: the chosen section, and the settings of each.

An edit that breaks a rule leaves link and picture as they were. What is the default is left out of the link, so the
page's bare address is its first picture.
"""

import logging
from dataclasses import dataclass, field
from typing import Any, ClassVar

import streamlit as st

from explorer.errors import InputError
from explorer.ui.kernels.link import DEFAULT, read_link, write_link
from explorer.ui.kernels.section import PREFIX, Section, widget_key
from explorer.ui.kernels.sections import SECTIONS
from explorer.ui.page_state import Link, PageFields, PageState

log = logging.getLogger("explorer.ui")

SHOW = PREFIX + "show"


@dataclass
class KernelsState(PageState):
    """The Kernels page's state.

    Attributes:
        show: The chosen section.
        settings: The last good settings of each section.
        opened: Section and settings that the user's link says, which stays as it was written; none after an edit.
        problem: What is wrong with the last edit.
    """

    NAME: ClassVar[str] = "kernels"
    PAGE: ClassVar[str] = "kernels"
    PREFIXES: ClassVar[tuple[str, ...]] = (PREFIX,)
    EMPTY_LINK: ClassVar[bool] = True

    show: str = DEFAULT
    settings: dict[str, PageFields] = field(
        default_factory=lambda: {name: section.settings() for name, section in SECTIONS.items()}
    )
    opened: tuple[str, PageFields] | None = None
    problem: str = ""

    @property
    def chosen(self) -> tuple[str, PageFields]:
        """The chosen section and its settings."""
        return self.show, self.settings[self.show]

    def open_link(self, link: Link) -> list[str]:
        """Take over what of the link can be read."""
        self.show, settings, problems = read_link(link)
        self.settings[self.show] = settings
        self.opened = self.chosen
        return problems

    def to_link(self) -> Link:
        """Section and settings; the user's own link until the first edit."""
        return self.link if self.chosen == self.opened else write_link(*self.chosen)

    def held(self) -> dict[str, Any]:
        """The section, and its settings as their widgets hold them."""
        return {SHOW: self.show, **{widget_key(self.show, name): value for name, value in self.settings[self.show]}}

    def settle(self) -> None:
        """Open the section that is chosen."""
        self.show = st.session_state[SHOW]

    def come_back(self) -> None:
        """Show the section as it was left; nothing is said of a link any more."""
        self.opened = None

    def work(self, section: Section, values: dict[str, Any]) -> Any:
        """What the section makes of its widgets' values; where they break a rule, of the last good settings."""
        try:
            settings = section.settings.parse(values)
            result = section.work(settings)
        except InputError as error:
            if self.problem != str(error):
                log.warning("refused: %s", error)
            self.problem = str(error)
            return section.work(self.settings[section.name])
        self.problem = ""
        self.settings[section.name] = settings
        if self.chosen != self.opened:
            self.link_problems, self.opened = [], None
        return result
