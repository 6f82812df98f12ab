"""The network that a session is editing on the Architecture page.

An edit that passes validation is written to the link; one that doesn't leaves link, network and numbers as they were.
"""

import logging
from dataclasses import dataclass, field
from typing import Any, ClassVar

import streamlit as st

from explorer.analysis import analyse
from explorer.errors import InputError
from explorer.families import PRESETS, NamedNetwork, Spec, resolve
from explorer.families.building import are_own_names_loaded, own_names
from explorer.families.link import DEFAULT
from explorer.ui.architecture.view import MAX_FOLDED, PICKED, VIEW_FIELDS, ArchitectureView
from explorer.ui.page_state import FieldsState, History, Link

log = logging.getLogger("explorer.ui")

PREFIX = "edit."  # of the widgets' keys: edit.image_size, edit.cfg, …
VIEW = "view."  # view.batch, view.optimizer, …
KEYS = (PREFIX, VIEW)
PRESET = PREFIX + "preset"


@dataclass
class Editing(FieldsState[ArchitectureView]):
    """The Architecture page's state: the last good network, the preset it came from, and how it is shown.

    Attributes:
        network: The network and the preset that it was made from.
        problem: What is wrong with the last edit.
        logged: The problem that was logged last.
        revision: How often the widgets were filled; tables, whose state can't be assigned, carry it in their key.
        history: The networks to go back and forward to.
    """

    NAME: ClassVar[str] = "editing"
    PAGE: ClassVar[str] = "architecture"
    PREFIX: ClassVar[str] = VIEW
    PREFIXES: ClassVar[tuple[str, ...]] = KEYS
    WIDGETS: ClassVar[tuple[str, ...]] = tuple(name for name in ArchitectureView.model_fields if name not in PICKED)

    view: ArchitectureView = field(default_factory=ArchitectureView, kw_only=True)
    network: NamedNetwork = field(default_factory=lambda: NamedNetwork(resolve(DEFAULT), DEFAULT))
    problem: str = ""
    logged: str = ""
    revision: int = 0
    history: History[NamedNetwork] = field(default_factory=History)

    @property
    def spec(self) -> Spec:
        """The network."""
        return self.network.spec

    @property
    def base(self) -> str:
        """The preset that the network was made from."""
        return self.network.base

    @property
    def fault(self) -> str:
        """What is wrong with the last edit, or else with the link."""
        return self.problem or " ".join(self.link_problems)

    def begin(self) -> None:
        """Follow the link, or see what the widgets of the view say; what a session opens first can't be undone."""
        first = not self.visit
        super().begin()
        if first:
            self.history = History()

    def open_link(self, link: Link) -> list[str]:
        """Take network and view over, both or neither."""
        try:
            network = NamedNetwork.from_link({key: text for key, text in link.items() if key not in VIEW_FIELDS})
            analyse(network.spec)  # torchvision may not know the name, or not run at the size
            self.view = ArchitectureView.parse({key: text for key, text in link.items() if key in VIEW_FIELDS})
        except InputError as error:
            return [str(error)]
        self.open(network)
        return []

    def to_link(self) -> Link:
        """Network and view."""
        return self.network.link | super().to_link()

    def held(self) -> dict[str, Any]:
        """The preset, the network's settings and the view, as their widgets hold them."""
        network = {PREFIX + key: value for key, value in self.spec.to_dict().items()}
        return {PRESET: self.base, **network, **super().held()}

    def fill(self) -> None:
        """Give every widget the value that the network has."""
        self.revision += 1
        super().fill()

    def fill_missing(self) -> None:
        """Give the view's widgets the values that they lost; an editor sees to its own, some of which it makes up."""
        for key, value in super().held().items():
            st.session_state.setdefault(key, value)

    def open(self, network: NamedNetwork) -> None:
        """Another network as a whole; undo leads back."""
        if network.spec != self.spec:
            self.history.leave(self.network)
        self.network = network.linked

    def accept(self, spec: Spec) -> None:
        """A valid edit: it becomes the network.

        The error of a link that was refused stays until the first edit.
        """
        if spec != self.spec:
            self.link_problems = []
            old, new = self.spec.to_dict(), spec.to_dict()
            fields = frozenset(key for key in {*old, *new} if old.get(key) != new.get(key))
            self.history.edit(self.network, self.network._replace(spec=spec), fields)
        self.problem = ""
        # The base that the link will say, so that this screen is the one that its address opens.
        self.network = NamedNetwork(spec, self.base).linked

    def refuse(self, error: InputError) -> None:
        """An edit that breaks a rule: say so, once in the log, and keep the last good network."""
        self.problem = str(error)
        if self.problem != self.logged:
            log.warning("refused: %s", self.problem)
            self.logged = self.problem

    def is_changed(self) -> bool:
        """Whether there is anything to reset."""
        return bool(self.fault) or self.spec != resolve(self.base)

    def forgive(self) -> None:
        """Forget what is wrong with edit and link, in the widgets too."""
        self.problem, self.link_problems = "", []
        self.fill()


def starts() -> list[str]:
    """What an edit can start from: presets, and every model of torchvision.

    torchvision takes a second to import: until the server has done so, the models are left out.
    """
    known = own_names() if are_own_names_loaded() else ()
    return list(dict.fromkeys([*PRESETS, *known, Editing.of_session().base]))


def open_preset() -> None:
    """Callback of the preset picker."""
    chosen = st.session_state[PRESET]
    base = chosen if chosen in starts() else DEFAULT
    show(NamedNetwork(resolve(base), base))


def reset() -> None:
    """Callback: back to the preset that the network was made from."""
    base = Editing.of_session().base
    show(NamedNetwork(resolve(base), base))


def show(network: NamedNetwork) -> None:
    """For callbacks: another network altogether, in the widgets too."""
    editing = Editing.of_session()
    editing.acted()
    editing.open(network)
    editing.view = editing.view.changed(layer="", folded=())
    editing.forgive()


def undo() -> None:
    """Callback: back to the network before the last change; an edit that was refused goes first."""
    editing = Editing.of_session()
    editing.acted()
    if not editing.fault:
        editing.network = editing.history.undo(editing.network)
    editing.forgive()


def redo() -> None:
    """Callback: forward to the network that was undone."""
    editing = Editing.of_session()
    editing.acted()
    editing.network = editing.history.redo(editing.network)
    editing.forgive()


def current_view(editing: Editing) -> ArchitectureView:
    """How the widgets say that the network is to be shown; what they can't say stays as it was."""
    return editing.read_widgets()


def choose_layer(name: str) -> None:
    """For callbacks: show a layer close up; the empty name is the first."""
    editing = Editing.of_session()
    editing.acted()
    editing.view = editing.view.changed(layer=name)


def fold(folded: frozenset[str], layer: str) -> None:
    """For callbacks: other parts of the diagram are folded, and the layer that is still drawn is shown."""
    editing = Editing.of_session()
    editing.acted()
    editing.view = editing.view.changed(folded=tuple(sorted(folded)[:MAX_FOLDED]), layer=layer)
