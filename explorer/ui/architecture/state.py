"""The state of the Architecture page: the network that a session edits, and how the page shows it.

A valid edit is written to the link. An edit that breaks a rule leaves link, network and numbers as they were.
"""

import logging
import time
from dataclasses import dataclass, field
from typing import Any, ClassVar

import streamlit as st

from explorer.analysis import Analysis, analyse
from explorer.errors import InputError
from explorer.families import PRESETS, NamedNetwork, Spec, resolve
from explorer.families.link import DEFAULT
from explorer.families.presets import own_names
from explorer.i18n import _
from explorer.specs.size import size_text
from explorer.ui.architecture.view import MAX_FOLDED, VIEW_FIELDS, WITHOUT_WIDGET, ArchitectureView
from explorer.ui.page_state import FieldsState, History, Link
from explorer.ui.shared import network_files
from explorer.ui.shared.network_files import NetworkFile
from explorer.ui.shared.networks import EDITED

log = logging.getLogger("explorer.ui")

# Prefixes of the keys of widgets, such as edit.image_size and view.batch.
EDIT = "edit."
VIEW = "view."
PRESET = EDIT + "preset"
OPENING_SECONDS = 10.0  # within this time after a file was opened, the browser may not know its link yet
FILE = "file"  # parameter of the link: name of the file that the page showed


@dataclass
class ArchitectureState(FieldsState[ArchitectureView]):
    """The Architecture page's state: the last valid network, its preset, and how the page shows it.

    Attributes:
        network: The network and the preset that it was made from.
        edit_problem: Error of the last edit.
        logged_problem: Last error in the log.
        revision: Number of times that the widgets were filled. Tables have it in their key because their state can't be
            assigned.
        history: Networks for undo and redo.
        file: Network from a file, which the page shows in place of the edited network; None if there is none.
        opened_at: Time at which it was opened.
    """

    NAME: ClassVar[str] = EDITED
    PAGE: ClassVar[str] = "architecture"
    PREFIX: ClassVar[str] = VIEW
    PREFIXES: ClassVar[tuple[str, ...]] = (EDIT, VIEW)
    WIDGETS: ClassVar[tuple[str, ...]] = tuple(
        name for name in ArchitectureView.model_fields if name not in WITHOUT_WIDGET
    )

    view: ArchitectureView = field(default_factory=ArchitectureView, kw_only=True)
    network: NamedNetwork = field(default_factory=lambda: NamedNetwork(resolve(DEFAULT), DEFAULT))
    edit_problem: str = ""
    logged_problem: str = ""
    revision: int = 0
    history: History[NamedNetwork] = field(default_factory=History)
    file: NetworkFile | None = None
    opened_at: float = 0.0

    @property
    def spec(self) -> Spec:
        """The network."""
        return self.network.spec

    @property
    def base(self) -> str:
        """The preset that the network was made from."""
        return self.network.base

    @property
    def analysis(self) -> Analysis:
        """The analysis of the network that the page shows."""
        return analyse(self.spec) if self.file is None else self.file.analysis

    @property
    def problem(self) -> str:
        """Error of the last edit; if there is none, the problems of the link."""
        return self.edit_problem or " ".join(self.link_problems)

    def begin(self) -> None:
        """Follow the link or read the widgets of the view. The network of a session's first run can't be undone."""
        is_first = not self.visit
        super().begin()
        if is_first:
            self.history = History()

    def open_link(self, link: Link) -> list[str]:
        """Set network and view from the link. A network is opened whole or not at all. A file is not in its link."""
        self.is_opened = False
        if FILE in link:
            try:
                self.file = network_files.find(link[FILE])
            except InputError as error:
                return [_("{key}: {problem}").format(key=FILE, problem=error)]
            self.is_opened = True
            return []
        try:
            network = NamedNetwork.from_link({key: text for key, text in link.items() if key not in VIEW_FIELDS})
            analyse(network.spec)  # torchvision may not know the name, or the model may not run at the size
        except InputError as error:
            return [str(error)]
        self.is_opened = True
        problems = super().open_link(link)
        if self.file is not None and time.monotonic() - self.opened_at < OPENING_SECONDS and network.spec == self.spec:
            return problems
        self.set_network(network)
        self.file = None
        return problems

    def to_link(self) -> Link:
        """Return the query parameters of network and view."""
        network = self.network.link if self.file is None else {FILE: self.file.name}
        return network | super().to_link()

    def widget_values(self) -> dict[str, Any]:
        """Return the preset, the network's fields and the view in the form that their widgets take."""
        fields = self.spec.to_dict() | {"image_size": size_text(self.spec.image_size)}
        # A file has no editor, and Streamlit doesn't show a value that was assigned before its widget is rendered.
        network = {} if self.file else {EDIT + key: value for key, value in fields.items()}
        return {PRESET: self.base, **network, **super().widget_values()}

    def fill(self) -> None:
        """Set every widget to its value in the network and the view."""
        self.revision += 1
        super().fill()

    def fill_missing(self) -> None:
        """Set the view's widgets without a value. Editors set their own widgets, some of which are no field."""
        if self.file is None and not any(EDIT + key in st.session_state for key in self.spec.to_dict()):
            self.fill()  # a run was interrupted before its editor, and Streamlit has dropped all its widgets
        for key, value in super().widget_values().items():
            st.session_state.setdefault(key, value)

    def set_network(self, network: NamedNetwork) -> None:
        """Replace the whole network. Undo leads back."""
        if network.spec != self.spec:
            self.history.record(self.network)
        self.network = network.linked

    def accept(self, spec: Spec) -> None:
        """Take a valid edit as the network. The first edit removes the problems of the link."""
        if spec != self.spec:
            self.link_problems = []
            old, new = self.spec.to_dict(), spec.to_dict()
            fields = frozenset(key for key in {*old, *new} if old.get(key) != new.get(key))
            self.history.record_edit(self.network, self.network._replace(spec=spec), fields)
        self.edit_problem = ""
        # The link may name another base; with the same base, the link opens exactly this screen.
        self.network = NamedNetwork(spec, self.base).linked

    def refuse(self, error: InputError) -> None:
        """Report an edit that breaks a rule, once in the log, and keep the last valid network."""
        self.edit_problem = str(error)
        if self.edit_problem != self.logged_problem:
            log.warning("refused: %s", self.edit_problem)
            self.logged_problem = self.edit_problem

    def is_changed(self) -> bool:
        """Whether there is anything to reset."""
        return bool(self.problem) or self.spec != resolve(self.base)

    def discard_problems(self) -> None:
        """Discard the errors of edit and link, and set the widgets to the last valid values."""
        self.edit_problem, self.link_problems = "", []
        self.fill()


def preset_names() -> list[str]:
    """Names that an edit can start from: presets and torchvision's models."""
    return list(dict.fromkeys([*PRESETS, *own_names(), ArchitectureState.of_session().base]))


def open_preset() -> None:
    """Callback of the preset picker."""
    name = st.session_state[PRESET]
    base = name if name in preset_names() else DEFAULT
    open_network(NamedNetwork(resolve(base), base))


def reset() -> None:
    """Callback: return to the preset that the network was made from."""
    base = ArchitectureState.of_session().base
    open_network(NamedNetwork(resolve(base), base))


def open_network(network: NamedNetwork) -> None:
    """For callbacks: show another network, in the widgets too."""
    page_state = ArchitectureState.of_session()
    page_state.mark_user_action()
    page_state.set_network(network)
    page_state.file = None
    page_state.view = page_state.view.changed(layer="", folded=())
    page_state.discard_problems()


def open_file(file: NetworkFile) -> None:
    """For callbacks: show a network from a file."""
    page_state = ArchitectureState.of_session()
    page_state.mark_user_action()
    page_state.file = file
    page_state.opened_at = time.monotonic()
    page_state.view = page_state.view.changed(layer="", folded=())
    page_state.discard_problems()


def close_file() -> None:
    """Callback: return from the file to the network that was edited before."""
    open_network(ArchitectureState.of_session().network)


def undo() -> None:
    """Callback: discard an edit that was refused; if there is none, return to the network before the last change."""
    page_state = ArchitectureState.of_session()
    page_state.mark_user_action()
    if not page_state.problem:
        page_state.network = page_state.history.undo(page_state.network)
    page_state.discard_problems()


def redo() -> None:
    """Callback: return to the network that was undone last."""
    page_state = ArchitectureState.of_session()
    page_state.mark_user_action()
    page_state.network = page_state.history.redo(page_state.network)
    page_state.discard_problems()


def choose_layer(name: str) -> None:
    """For callbacks: show a layer close up. The empty name stands for no layer."""
    page_state = ArchitectureState.of_session()
    page_state.mark_user_action()
    page_state.view = page_state.view.changed(layer=name)


def set_folded_parts(folded: frozenset[str], layer: str) -> None:
    """For callbacks: fold these parts of the diagram, and choose a layer that stays visible."""
    page_state = ArchitectureState.of_session()
    page_state.mark_user_action()
    page_state.view = page_state.view.changed(folded=tuple(sorted(folded)[:MAX_FOLDED]), layer=layer)
