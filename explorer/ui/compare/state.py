"""The state of the Compare page.

One parameter of the link for each network, ``a`` to ``d``, and a few for how they are shown. What can't be read is
said in words, and the last good networks stay.
"""

import logging
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

import streamlit as st

from explorer.analysis import analyse
from explorer.analysis.comparison import LEAST, MOST, Comparison, compare
from explorer.errors import InputError
from explorer.families import NamedNetwork
from explorer.i18n import _
from explorer.ui.compare.cases import Case, cases
from explorer.ui.compare.entries import find, read
from explorer.ui.compare.view import CompareView
from explorer.ui.page_state import FieldsState, Link

log = logging.getLogger("explorer.ui")

LETTERS = "abcd"[:MOST]
NETWORK = "compare.network."  # of the widgets' keys: compare.network.a, …
VIEW = "compare.view."
CASE = "compare.case"
NEXT = ("resnet50", "vgg16", "googlenet", "resnet18")  # to start from when a network is added


def _entries(case: Case) -> list[NamedNetwork]:
    return [NamedNetwork(contestant.spec, contestant.base) for contestant in case.contestants]


@dataclass
class Comparing(FieldsState[CompareView]):
    """The Compare page's state: the last good networks and how they are shown.

    Attributes:
        entries: The networks.
        problems: What is wrong with the texts that stand in the pickers, by letter.
    """

    NAME: ClassVar[str] = "comparing"
    PAGE: ClassVar[str] = "compare"
    PREFIX: ClassVar[str] = VIEW
    PREFIXES: ClassVar[tuple[str, ...]] = (NETWORK, VIEW, CASE)
    PARAMETERS: ClassVar[frozenset[str]] = frozenset([*LETTERS, *CompareView.model_fields])
    WIDGETS: ClassVar[tuple[str, ...]] = tuple(CompareView.model_fields)

    view: CompareView = field(default_factory=CompareView, kw_only=True)
    entries: list[NamedNetwork] = field(default_factory=lambda: _entries(cases()[0]))
    problems: dict[str, str] = field(default_factory=dict)

    def open_link(self, link: Link) -> list[str]:
        """Take networks and view over, all or none."""
        self.problems.clear()
        try:
            if (count := len(link.keys() & set(LETTERS))) < LEAST:
                raise InputError(
                    _("link: a comparison takes {least} to {most} networks, not {count}").format(
                        count=count, least=LEAST, most=MOST
                    )
                )
            entries = [_read(letter, link[letter]) for letter in LETTERS if letter in link]
            view = CompareView.parse({key: text for key, text in link.items() if key in CompareView.model_fields})
        except InputError as error:
            return [str(error)]
        self.entries, self.view = entries, view
        return []

    def to_link(self) -> Link:
        """One parameter for each network, and the view."""
        return {letter: entry.text for letter, entry in zip(LETTERS, self.entries, strict=False)} | super().to_link()

    def held(self) -> dict[str, Any]:
        """The networks' texts and the view; a refused text stays where it stands."""
        networks = {NETWORK + letter: entry.text for letter, entry in zip(LETTERS, self.entries, strict=False)}
        good = {key: text for key, text in networks.items() if key.removeprefix(NETWORK) not in self.problems}
        return good | super().held()

    def come_back(self) -> None:
        """Show the last good networks in the pickers."""
        self.problems.clear()

    def begin(self) -> None:
        """Follow the link, or see what the widgets say; the case that is compared is marked as such."""
        super().begin()
        case = matching_case(self)
        st.session_state[CASE] = case.name if case else None

    def read_widgets(self) -> CompareView:
        """The view as the widgets say it; a size that is none is as if there were none, which ``compared`` says."""
        super().read_widgets()
        try:
            _size()
        except InputError:
            self.show(self.view.changed(size=None))
        return self.view


def _read(letter: str, text: str) -> NamedNetwork:
    try:
        return read(text)
    except InputError as error:
        raise InputError(_("network {letter}: {problem}").format(letter=letter.upper(), problem=error)) from None


def matching_case(comparing: Comparing) -> Case | None:
    """The case whose networks are compared, if any."""
    specs = [entry.spec for entry in comparing.entries]
    return next((case for case in cases() if specs == [contestant.spec for contestant in case.contestants]), None)


def open_case() -> None:
    """Callback of the cases."""
    comparing = Comparing.of_session()
    chosen = next((case for case in cases() if case.name == st.session_state[CASE]), None)
    if chosen:  # else the case that is open was clicked again
        comparing.entries, comparing.link_problems = _entries(chosen), []
        comparing.problems.clear()
        comparing.fill()


def choose(letter: str) -> None:
    """Callback of a network's picker; a text that can't be read stays there, beside what is wrong with it."""
    comparing = Comparing.of_session()
    try:
        entry = find(st.session_state[NETWORK + letter] or "")
    except InputError as error:
        comparing.problems[letter] = str(error)
        log.warning("refused: %s", error)
        return
    comparing.entries[LETTERS.index(letter)] = entry
    comparing.problems.pop(letter, None)
    comparing.link_problems = []
    st.session_state[NETWORK + letter] = entry.text


def add() -> None:
    """Callback: one more network."""
    comparing = Comparing.of_session()
    present = [entry.start for entry in comparing.entries]
    comparing.acted()
    comparing.entries.append(read(next(name for name in NEXT if name not in present)))
    comparing.link_problems = []
    comparing.fill()


def remove(letter: str) -> None:
    """Callback: one network less; those after it move up, and with them the texts that were refused."""
    comparing = Comparing.of_session()
    comparing.acted()
    del comparing.entries[LETTERS.index(letter)]
    comparing.problems.pop(letter, None)
    for after, before in pairwise(LETTERS[LETTERS.index(letter) :]):
        if before in comparing.problems:
            comparing.problems[after] = comparing.problems.pop(before)
            st.session_state[NETWORK + after] = st.session_state[NETWORK + before]
    comparing.link_problems = []
    comparing.fill()


def _size() -> int | None:
    """The common size that stands in its field.

    Raises:
        InputError: where it is none.
    """
    size = st.session_state.get(VIEW + "size")
    return CompareView.parse({"size": int(size) if isinstance(size, float) and size.is_integer() else size}).size


def compared(comparing: Comparing) -> tuple[Comparison, str]:
    """The networks side by side, at the common size if there is one, and what keeps them from it.

    Networks that can't take the size are compared at their own, all of them.
    """
    specs = [entry.spec for entry in comparing.entries]
    problem = ""
    comparing.read_widgets()
    try:
        size = _size()
        if size is not None:
            return compare([analyse(spec.changed(image_size=size)) for spec in specs]), ""
    except InputError as error:
        problem = str(error)
        log.warning("refused: %s", error)
    return compare([analyse(spec) for spec in specs]), problem
