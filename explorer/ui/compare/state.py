"""The state of the Compare page.

The link has a parameter for each network, ``a`` to ``d``, and the fields of the view. If a text can't be read, the page
shows the error and keeps the last valid networks.
"""

import logging
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from explorer.analysis import Analysis, analyse
from explorer.analysis.comparison import MAX_NETWORKS, MIN_NETWORKS, Comparison, compare
from explorer.errors import InputError
from explorer.families import NamedNetwork
from explorer.i18n import _
from explorer.specs.size import Size, height_width
from explorer.ui.compare.view import CompareView
from explorer.ui.page_state import FieldsState, Link
from explorer.ui.shared import network_files
from explorer.ui.shared.cases import Case, cases
from explorer.ui.shared.network_files import NetworkFile
from explorer.ui.shared.networks import find_network, read_network

log = logging.getLogger("explorer.ui")

LETTERS = "abcd"[:MAX_NETWORKS]
# Prefixes of the keys of widgets, such as compare.network.a and compare.view.size.
NETWORK = "compare.network."
VIEW = "compare.view."
CASE = "compare.case"
UPLOAD = "compare.upload"
ADD_FILE = "compare.file"  # the menu
ADDED = ("resnet50", "vgg16", "googlenet", "resnet18")  # a new network is the first of these that is not there yet


Compared = NamedNetwork | NetworkFile


def _networks(case: Case) -> list[Compared]:
    return [NamedNetwork(network.spec, network.base) for network in case.networks]


@dataclass
class CompareState(FieldsState[CompareView]):
    """The Compare page's state: the last valid networks, and how the page shows them.

    Attributes:
        networks: The networks.
        problems: Errors of the texts in the pickers, by letter.
        file_problem: Error of the last file.
    """

    NAME: ClassVar[str] = "comparing"
    PAGE: ClassVar[str] = "compare"
    PREFIX: ClassVar[str] = VIEW
    PREFIXES: ClassVar[tuple[str, ...]] = (NETWORK, VIEW, CASE)
    PARAMETERS: ClassVar[frozenset[str]] = frozenset([*LETTERS, *CompareView.model_fields])
    WIDGETS: ClassVar[tuple[str, ...]] = tuple(name for name in CompareView.model_fields if name != "layer")

    view: CompareView = field(default_factory=CompareView, kw_only=True)
    networks: list[Compared] = field(default_factory=lambda: _networks(cases()[0]))
    problems: dict[str, str] = field(default_factory=dict)
    file_problem: str = ""

    def open_link(self, link: Link) -> list[str]:
        """Set networks and view from the link. If fewer networks than two can be read, the page keeps its networks."""
        self.problems.clear()
        problems = super().open_link(link)
        letters = [letter for letter in LETTERS if letter in link]
        if len(letters) < MIN_NETWORKS:
            problems.append(
                _("link: a comparison takes {least} to {most} networks, not {count}").format(
                    count=len(letters), least=MIN_NETWORKS, most=MAX_NETWORKS
                )
            )
        networks = []
        for letter in letters:
            try:
                networks.append(_read_parameter(letter, link[letter]))
            except InputError as error:
                problems.append(str(error))
        self.is_opened = len(networks) >= MIN_NETWORKS
        if self.is_opened:
            self.networks = networks
        return problems

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
        """Discard refused texts and files, so that the pickers show the last valid networks."""
        self.problems.clear()
        self.file_problem = ""

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


def _read_parameter(letter: str, text: str) -> Compared:
    try:
        return _find(text) if text.startswith(network_files.PREFIX) else read_network(text)
    except InputError as error:
        raise InputError(_("network {letter}: {problem}").format(letter=letter.upper(), problem=error)) from None


def _find(text: str) -> Compared:
    """Return the network that a text in a picker describes.

    Raises:
        InputError: If it is none.
    """
    if text.startswith(network_files.PREFIX):
        return network_files.find(text.removeprefix(network_files.PREFIX))
    return find_network(text)


def matching_case(page_state: CompareState) -> Case | None:
    """Return the case of the compared networks, if there is one."""
    specs = [network.spec for network in page_state.networks if isinstance(network, NamedNetwork)]
    if len(specs) < len(page_state.networks):
        return None
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
        network = _find(st.session_state[NETWORK + letter] or "")
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
    present = [network.start for network in page_state.networks if isinstance(network, NamedNetwork)]
    page_state.mark_user_action()
    page_state.networks.append(read_network(next(name for name in ADDED if name not in present)))
    page_state.link_problems = []
    page_state.fill()


def add_upload() -> None:
    """Callback: add the file of the uploader."""
    file = st.session_state[UPLOAD]
    if file is not None and add_file(file):
        st.session_state[ADD_FILE] = False


def add_file(file: UploadedFile) -> bool:
    """For callbacks: add a network from a file, and return whether that worked.

    It takes the place of the last network if there are already as many as there can be.
    """
    page_state = CompareState.of_session()
    try:
        network = network_files.open_file(file.name, file.getbuffer())
    except InputError as error:
        page_state.file_problem = _("{file}: {problem}").format(file=file.name, problem=error)
        log.warning("refused: %s", page_state.file_problem)
        return False
    page_state.mark_user_action()
    page_state.file_problem, page_state.link_problems = "", []
    del page_state.networks[MAX_NETWORKS - 1 :]
    page_state.networks.append(network)
    page_state.problems.pop(LETTERS[len(page_state.networks) - 1], None)
    page_state.fill()
    return True


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
    problem = ""
    page_state.read_widgets()
    try:
        size = _size()
        if size is not None:
            return compare([_analysis(network, size) for network in page_state.networks]), ""
    except InputError as error:
        problem = str(error)
        log.warning("refused: %s", error)
    return compare([_analysis(network) for network in page_state.networks]), problem


def _analysis(network: Compared, size: int | Size | None = None) -> Analysis:
    """Return the analysis of a network, with images of another size if one is given.

    Raises:
        InputError: If the network can't take the size.
    """
    if isinstance(network, NamedNetwork):
        return analyse(network.spec if size is None else network.spec.changed(image_size=size))
    image = network.analysis.image
    if size is not None and image != height_width(size):
        raise InputError(
            _("{file}: a file keeps its image size, {height}×{width}").format(
                file=network.name, height=image.height, width=image.width
            )
        )
    return network.analysis
