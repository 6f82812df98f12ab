"""The network that a session is editing: from the link to the widgets and back.

The link (query parameters, :mod:`explorer.specs.link` and :mod:`explorer.ui.view`) is the only lasting form. A
link that differs from the one that we wrote last was opened by the user and fills the widgets; an edit that
passes validation is written to the link. An edit that doesn't leaves link, network and numbers as they were.
"""

import logging
from dataclasses import dataclass, field

import streamlit as st

from explorer.analysis import analyse
from explorer.errors import InputError
from explorer.specs import PRESETS, Spec, ZooSpec, resolve
from explorer.specs.link import BASE, DEFAULT, FIELDS, decode, encode
from explorer.ui.view import VIEW_FIELDS, View

log = logging.getLogger("explorer.ui")

PREFIX = "edit."  # of the widgets' keys: edit.image_size, edit.cfg, …
VIEW = "view."  # view.batch, view.optimizer, …
PRESET = PREFIX + "preset"
ZOO = "torchvision"
OURS = FIELDS | VIEW_FIELDS | {BASE}
NOT_OURS = {"lang", "embed", "embed_options"}


@dataclass(slots=True)
class Editing:
    """Kept in ``session_state``: the last good network, the preset it came from, and the link that says so.

    ``revision`` counts how often the widgets were filled anew; tables, whose state can't be assigned, carry
    it in their key.
    """

    spec: Spec
    base: str
    link: dict[str, str]
    view: View = field(default_factory=View)
    problem: str = ""
    link_problem: str = ""
    logged: str = ""
    revision: int = 0


def current() -> Editing:
    """The session's network; to be called before any widget of an editor."""
    link = {key: st.query_params[key] for key in st.query_params if key in OURS}
    editing: Editing | None = st.session_state.get("editing")
    if editing is None:
        editing = st.session_state["editing"] = Editing(resolve(DEFAULT), DEFAULT, {})
        _follow(editing, {key: st.query_params[key] for key in st.query_params if key not in NOT_OURS})
    elif link not in ({}, editing.link):
        _follow(editing, link)
    elif PRESET not in st.session_state:  # back from another page: Streamlit has dropped the widgets
        fill(editing)
    return editing


def _follow(editing: Editing, link: dict[str, str]) -> None:
    editing.link = link
    editing.link_problem = ""
    try:
        spec, base = decode({key: text for key, text in link.items() if key not in VIEW_FIELDS})
        analyse(spec)  # torchvision may not know the name, or not run at the size
        editing.spec, editing.base = spec, base
        editing.view = View.parse({key: text for key, text in link.items() if key in VIEW_FIELDS})
    except InputError as error:
        refuse(editing, error)
        editing.link_problem = editing.problem
    fill(editing)


def fill(editing: Editing) -> None:
    """Give every widget the value that the network has."""
    editing.revision += 1
    st.session_state[PRESET] = ZOO if isinstance(editing.spec, ZooSpec) else editing.base
    for key, value in editing.spec.to_dict().items():
        st.session_state[PREFIX + key] = value
    for key, value in editing.view:
        st.session_state[VIEW + key] = list(value) if isinstance(value, tuple) else value


def open_preset() -> None:
    """Callback of the preset picker."""
    chosen = st.session_state[PRESET]
    st.session_state["editing"].base = f"{ZOO}:resnet50" if chosen == ZOO else chosen if chosen in PRESETS else DEFAULT
    reset()


def reset() -> None:
    """Callback: back to the preset that the network was made from."""
    editing: Editing = st.session_state["editing"]
    editing.spec, editing.link_problem = resolve(editing.base), ""
    editing.view = editing.view.model_copy(update={"layer": ""})
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
    editing.spec, editing.problem = spec, editing.link_problem


def refuse(editing: Editing, error: InputError) -> None:
    """An edit or link that breaks a rule: say so, once in the log, and keep the last good network."""
    editing.problem = str(error)
    if editing.problem != editing.logged:
        log.warning("refused: %s", editing.problem)
        editing.logged = editing.problem


def look(editing: Editing) -> View:
    """How the widgets say that the network is to be shown; what they can't say stays as it was."""
    chosen = {name: st.session_state[VIEW + name] for name in VIEW_FIELDS if VIEW + name in st.session_state}
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


def choose_layer(editing: Editing, name: str) -> None:
    """Show another layer close up; the empty name shows none."""
    st.session_state[VIEW + "layer"] = name
    editing.view = editing.view.model_copy(update={"layer": name})


def write_link(editing: Editing) -> None:
    """Write network and view to the address bar; a link that was refused stays there until the first edit."""
    link = encode(editing.spec, editing.base)
    editing.base = link[BASE]
    link |= editing.view.to_link()
    if editing.link_problem or (link == editing.link and BASE in st.query_params):
        return
    editing.link = link
    # In one step: each change of a parameter would be an entry of its own in the browser's history.
    st.query_params.from_dict({**{key: st.query_params[key] for key in set(st.query_params) & NOT_OURS}, **link})
