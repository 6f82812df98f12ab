"""The state of the Compare page.

The link has a parameter for each network, ``a`` to ``d``, and the fields of the view. If a text can't be read, the page
shows the error and keeps the last valid networks.
"""

import logging
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

import streamlit as st

from explorer.analysis import analyse
from explorer.analysis.comparison import MAX_NETWORKS, MIN_NETWORKS, Comparison, compare
from explorer.errors import InputError
from explorer.families import NamedNetwork
from explorer.i18n import _
from explorer.specs.size import Size
from explorer.ui.compare.view import CompareView
from explorer.ui.page_state import FieldsState, Link
from explorer.ui.shared.cases import Case, cases
from explorer.ui.shared.networks import find_network, read_network

log = logging.getLogger("explorer.ui")

LETTERS = "abcd"[:MAX_NETWORKS]
# Prefixes of the keys of widgets, such as compare.network.a and compare.view.size.
NETWORK = "compare.network."
VIEW = "compare.view."
CASE = "compare.case"
ADDED = ("resnet50", "vgg16", "googlenet", "resnet18")  # a new network is the first of these that is not there yet


def _networks(case: Case) -> list[NamedNetwork]:
    return [NamedNetwork(network.spec, network.base) for network in case.networks]


@dataclass
class CompareState(FieldsState[CompareView]):
    """The Compare page's state: the last valid networks, and how the page shows them.

    Attributes:
        networks: The networks.
        problems: Errors of the texts in the pickers, by letter.
    """

    NAME: ClassVar[str] = "comparing"
    PAGE: ClassVar[str] = "compare"
    PREFIX: ClassVar[str] = VIEW
    PREFIXES: ClassVar[tuple[str, ...]] = (NETWORK, VIEW, CASE)
    PARAMETERS: ClassVar[frozenset[str]] = frozenset([*LETTERS, *CompareView.model_fields])
    WIDGETS: ClassVar[tuple[str, ...]] = tuple(name for name in CompareView.model_fields if name != "layer")

    view: CompareView = field(default_factory=CompareView, kw_only=True)
    networks: list[NamedNetwork] = field(default_factory=lambda: _networks(cases()[0]))
    problems: dict[str, str] = field(default_factory=dict)

    def open_link(self, link: Link) -> list[str]:
        """Set networks and view from the link, all or none."""
        self.problems.clear()
        try:
            if (count := len(link.keys() & set(LETTERS))) < MIN_NETWORKS:
                raise InputError(
                    _("link: a comparison takes {least} to {most} networks, not {count}").format(
                        count=count, least=MIN_NETWORKS, most=MAX_NETWORKS
                    )
                )
            networks = [_read_parameter(letter, link[letter]) for letter in LETTERS if letter in link]
            view = CompareView.parse({key: text for key, text in link.items() if key in CompareView.model_fields})
        except InputError as error:
            return [str(error)]
        self.networks, self.view = networks, view
        return []

    def to_link(self) -> Link:
        """Return the query parameters of networks and view."""
        networks = {letter: network.text for letter, network in zip(LETTERS, self.networks, strict=False)}
        return networks | super().to_link()

    def widget_values(self) -> dict[str, Any]:
        """Return the networks' texts and the view in the form that their widgets take, without refused texts."""
        networks = {
            NETWORK + letter: network.text
            for letter, network in zip(LETTERS, self.networks, strict=False)
            if letter not in self.problems
        }
        return networks | super().widget_values()

    def start_visit(self) -> None:
        """Discard refused texts, so that the pickers show the last valid networks."""
        self.problems.clear()

    def begin(self) -> None:
        """Follow the link or read the widgets, and mark the case of the networks."""
        super().begin()
        case = matching_case(self)
        st.session_state[CASE] = case.name if case else None

    def read_widgets(self) -> CompareView:
        """Set the view from the widgets. An invalid size counts as none; :func:`compare_networks` reports it."""
        super().read_widgets()
        try:
            _size()
        except InputError:
            self.set_view(self.view.changed(size=None))
        return self.view


def _read_parameter(letter: str, text: str) -> NamedNetwork:
    try:
        return read_network(text)
    except InputError as error:
        raise InputError(_("network {letter}: {problem}").format(letter=letter.upper(), problem=error)) from None


def matching_case(page_state: CompareState) -> Case | None:
    """Return the case of the compared networks, if there is one."""
    specs = [network.spec for network in page_state.networks]
    return next((case for case in cases() if specs == [network.spec for network in case.networks]), None)


def open_case() -> None:
    """Callback of the picker of cases."""
    page_state = CompareState.of_session()
    chosen = next((case for case in cases() if case.name == st.session_state[CASE]), None)
    if chosen:  # a click on the open case chooses none
        page_state.networks, page_state.link_problems = _networks(chosen), []
        page_state.problems.clear()
        page_state.fill()


def choose_network(letter: str) -> None:
    """Callback of a network's picker. A text that can't be read stays there, next to its error."""
    page_state = CompareState.of_session()
    try:
        network = find_network(st.session_state[NETWORK + letter] or "")
    except InputError as error:
        page_state.problems[letter] = str(error)
        log.warning("refused: %s", error)
        return
    page_state.networks[LETTERS.index(letter)] = network
    page_state.problems.pop(letter, None)
    page_state.link_problems = []
    st.session_state[NETWORK + letter] = network.text


def add_network() -> None:
    """Callback: add a network."""
    page_state = CompareState.of_session()
    present = [network.start for network in page_state.networks]
    page_state.mark_user_action()
    page_state.networks.append(read_network(next(name for name in ADDED if name not in present)))
    page_state.link_problems = []
    page_state.fill()


def remove_network(letter: str) -> None:
    """Callback: remove a network. Later networks and refused texts move up."""
    page_state = CompareState.of_session()
    page_state.mark_user_action()
    del page_state.networks[LETTERS.index(letter)]
    page_state.problems.pop(letter, None)
    for new, old in pairwise(LETTERS[LETTERS.index(letter) :]):
        if old in page_state.problems:
            page_state.problems[new] = page_state.problems.pop(old)
            st.session_state[NETWORK + new] = st.session_state[NETWORK + old]
    page_state.link_problems = []
    page_state.fill()


def _size() -> int | Size | None:
    """Return the common input size from its widget.

    Raises:
        InputError: If it is not a valid size.
    """
    return CompareView.parse({"size": st.session_state.get(VIEW + "size")}).size


def compare_networks(page_state: CompareState) -> tuple[Comparison, str]:
    """Return the comparison at the common input size, and the error of that size.

    Without a common size, or if a network can't take it, every network has its own size.
    """
    specs = [network.spec for network in page_state.networks]
    problem = ""
    page_state.read_widgets()
    try:
        size = _size()
        if size is not None:
            return compare([analyse(spec.changed(image_size=size)) for spec in specs]), ""
    except InputError as error:
        problem = str(error)
        log.warning("refused: %s", error)
    return compare([analyse(spec) for spec in specs]), problem
