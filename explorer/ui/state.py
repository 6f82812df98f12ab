"""The network that a session is editing: from the link to the widgets and back.

The link (query parameters, :mod:`explorer.families.link` and :mod:`explorer.ui.view`) is the only lasting form. A
link that differs from the one that we wrote last was opened by the user and fills the widgets; an edit that
passes validation is written to the link. An edit that doesn't leaves link, network and numbers as they were.
"""

import logging
import time
from dataclasses import dataclass, field

import pandas as pd
import streamlit as st

from explorer.analysis import analyse
from explorer.errors import InputError
from explorer.families import PRESETS, Spec, resolve
from explorer.families.building import own_names, own_names_known
from explorer.families.link import BASE, DEFAULT, decode, encode
from explorer.ui import address
from explorer.ui.outrun import TYPING, Trail
from explorer.ui.view import MAX_FOLDED, PICKED, VIEW_FIELDS, View

log = logging.getLogger("explorer.ui")

PREFIX = "edit."  # of the widgets' keys: edit.image_size, edit.cfg, …
VIEW = "view."  # view.batch, view.optimizer, …
PRESET = PREFIX + "preset"
MAX_UNDO = 200


@dataclass(slots=True)
class History:
    """Networks to go back and forward to, each with the preset that it came from."""

    past: list[tuple[Spec, str]] = field(default_factory=list)
    future: list[tuple[Spec, str]] = field(default_factory=list)
    field: frozenset[str] = frozenset()
    changed_at: float = float("-inf")

    def edit(self, before: Spec, after: Spec, base: str) -> None:
        """Remember the network before an edit; one field that is typed in quickly is one step."""
        old, new = before.to_dict(), after.to_dict()
        fields = frozenset(key for key in {*old, *new} if old.get(key) != new.get(key))
        now = time.monotonic()
        if not (self.past and len(fields) == 1 and fields == self.field and now - self.changed_at < TYPING):
            self.leave(before, base)
        elif self.past[-1] == (after, base):  # typed and taken back: nothing to undo
            self.past.pop()
        self.future.clear()
        self.field, self.changed_at = fields, now

    def leave(self, spec: Spec, base: str) -> None:
        """Remember a network that is left as a whole."""
        self.past.append((spec, base))
        del self.past[:-MAX_UNDO]
        self.future.clear()
        self.field = frozenset()


@dataclass(slots=True)
class Editing:
    """Kept in ``session_state``: the last good network, the preset it came from, and the link that says so.

    ``revision`` counts how often the widgets were filled anew; tables, whose state can't be assigned, carry it in
    their key.
    """

    spec: Spec
    base: str
    link: dict[str, str]
    view: View = field(default_factory=View)
    problem: str = ""
    link_problem: str = ""
    logged: str = ""
    revision: int = 0
    history: History = field(default_factory=History)
    trail: Trail = field(default_factory=Trail)


def current() -> Editing:
    """The session's network; to be called before any widget of an editor."""
    link = address.ours()
    editing: Editing | None = st.session_state.get("editing")
    if editing is None:
        editing = st.session_state["editing"] = Editing(resolve(DEFAULT), DEFAULT, {})
        _follow(editing, link)
        editing.history = History()
    elif link not in ({}, editing.link) and not editing.trail.outran(link, _widgets()):
        _follow(editing, link)
    elif PRESET not in st.session_state:  # back from another page: Streamlit has dropped the widgets
        fill(editing)
    return editing


def _widgets() -> dict[str, object]:
    return {
        str(key): value
        for key, value in st.session_state.items()
        if str(key).startswith((PREFIX, VIEW)) and not isinstance(value, pd.DataFrame)
    }


def _follow(editing: Editing, link: dict[str, str]) -> None:
    editing.link = link
    editing.link_problem = ""
    try:
        spec, base = decode({key: text for key, text in link.items() if key not in VIEW_FIELDS})
        analyse(spec)  # torchvision may not know the name, or not run at the size
        editing.view = View.parse({key: text for key, text in link.items() if key in VIEW_FIELDS})
        _open(editing, spec, base)
    except InputError as error:
        refuse(editing, error)
        editing.link_problem = editing.problem
    fill(editing)


def _open(editing: Editing, spec: Spec, base: str) -> None:
    """Another network as a whole; undo leads back."""
    if spec != editing.spec:
        editing.history.leave(editing.spec, editing.base)
    editing.spec, editing.base = spec, base


def fill(editing: Editing) -> None:
    """Give every widget the value that the network has."""
    editing.revision += 1
    st.session_state[PRESET] = editing.base
    for key, value in editing.spec.to_dict().items():
        st.session_state[PREFIX + key] = value
    for key, value in editing.view:
        if key in PICKED:
            continue
        st.session_state[VIEW + key] = list(value) if isinstance(value, tuple) else value


def starts() -> list[str]:
    """What an edit can start from: presets, and every model of torchvision.

    torchvision takes a second to import: until the server has done so, the models are left out.
    """
    known = own_names() if own_names_known() else ()
    base = st.session_state["editing"].base
    return list(dict.fromkeys([*PRESETS, *known, base]))


def open_preset() -> None:
    """Callback of the preset picker."""
    chosen = st.session_state[PRESET]
    base = chosen if chosen in starts() else DEFAULT
    show(resolve(base), base)


def reset() -> None:
    """Callback: back to the preset that the network was made from."""
    base = st.session_state["editing"].base
    show(resolve(base), base)


def show(spec: Spec, base: str) -> None:
    """For callbacks: another network altogether, in the widgets too."""
    editing: Editing = st.session_state["editing"]
    _open(editing, spec, base)
    editing.problem = editing.link_problem = ""
    editing.view = editing.view.model_copy(update={"layer": "", "folded": ()})
    fill(editing)


def undo() -> None:
    """Callback: back to the network before the last change; an edit that was refused goes first."""
    editing: Editing = st.session_state["editing"]
    if editing.problem:
        editing.problem = editing.link_problem = ""
        fill(editing)
        return
    _travel(st.session_state["editing"].history.past, st.session_state["editing"].history.future)


def redo() -> None:
    """Callback: forward to the network that was undone."""
    _travel(st.session_state["editing"].history.future, st.session_state["editing"].history.past)


def _travel(there: list[tuple[Spec, str]], back: list[tuple[Spec, str]]) -> None:
    editing: Editing = st.session_state["editing"]
    if there:
        back.append((editing.spec, editing.base))
        editing.spec, editing.base = there.pop()
        editing.history.field = frozenset()  # the next edit is a step of its own
    editing.problem = editing.link_problem = ""
    fill(editing)


def is_changed(editing: Editing) -> bool:
    """Whether there is anything to reset."""
    return bool(editing.problem) or editing.spec != resolve(editing.base)


def accept(editing: Editing, spec: Spec) -> None:
    """A valid edit: it becomes the network.

    The error of a link that was refused stays until the first edit.
    """
    if spec != editing.spec:
        editing.link_problem = ""
        editing.history.edit(editing.spec, spec, editing.base)
    editing.spec, editing.problem = spec, editing.link_problem
    # What the link will say, so that this screen is the one that its address opens.
    editing.base = encode(spec, editing.base)[BASE]


def refuse(editing: Editing, error: InputError) -> None:
    """An edit or link that breaks a rule: say so, once in the log, and keep the last good network."""
    editing.problem = str(error)
    if editing.problem != editing.logged:
        log.warning("refused: %s", editing.problem)
        editing.logged = editing.problem


def look(editing: Editing) -> View:
    """How the widgets say that the network is to be shown; what they can't say stays as it was."""
    chosen = {name: st.session_state[VIEW + name] for name in VIEW_FIELDS - PICKED if VIEW + name in st.session_state}
    batch = chosen.get("batch")
    if isinstance(batch, float) and batch.is_integer():  # number inputs hold floats, so that they can refuse 1.5
        chosen["batch"] = int(batch)
    try:
        view = View.parse({**dict(editing.view), **chosen})
    except InputError as error:
        refuse(editing, error)
    else:
        if view != editing.view and editing.link_problem:  # an edit too: the address bar follows again
            editing.problem = editing.problem.replace(editing.link_problem, "")
            editing.link_problem = ""
        editing.view = view
    return editing.view


def choose_layer(name: str) -> None:
    """For callbacks: show a layer close up; the empty name is the first."""
    editing: Editing = st.session_state["editing"]
    editing.view = editing.view.model_copy(update={"layer": name})


def fold(folded: frozenset[str], layer: str) -> None:
    """For callbacks: other parts of the diagram are folded, and the layer that is still drawn is shown."""
    editing: Editing = st.session_state["editing"]
    editing.view = editing.view.model_copy(update={"folded": tuple(sorted(folded)[:MAX_FOLDED]), "layer": layer})


def write_link(editing: Editing) -> None:
    """Write network and view to the address bar; a link that was refused stays there until the first edit."""
    link = encode(editing.spec, editing.base)
    editing.base = link[BASE]
    link |= editing.view.to_link()
    editing.trail.rest(_widgets())
    if editing.link_problem or (link == editing.link and BASE in st.query_params):
        return
    editing.trail.replace(editing.link)
    editing.link = link
    address.write(link)
