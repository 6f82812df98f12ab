"""The form of the Train page: from the link to the widgets and back.

As on the other pages the link is the only lasting form: one that differs from what we wrote last was opened by the
user and fills the widgets. What breaks a rule is explained beside its field, while the last good form stays.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.errors import InputError
from explorer.families import PRESETS, Spec, nearest, resolve
from explorer.families.link import encode
from explorer.i18n import _
from explorer.jobs.job import Resources, checked_name
from explorer.recipes import RECIPES
from explorer.ui import address
from explorer.ui.compare.entries import full_title, of_spec
from explorer.ui.outrun import Trail, repeated
from explorer.ui.train import fields
from explorer.ui.train.form import CELL, MAX_ROWS, ROW, Form, Table, checked, start_problems, weights_spec

log = logging.getLogger("explorer.ui")

PREFIX = "train."  # of the widgets' keys
NETWORK, DATASET, PRESET, TITLE = (PREFIX + name for name in ("network", "dataset", "preset", "title"))
RESOURCES = PREFIX + "resources."
SWEEP = PREFIX + "sweep."
TABLE = PREFIX + "rows."  # and how often the widgets were filled: a table's own changes can't be assigned


@dataclass(frozen=True)
class Sent:
    """What came of a press of the Train button.

    Attributes:
        form: that was submitted, or not.
        faults: that the widgets had then, by field.
        at: of a clock that only runs forward, in seconds.
        jobs: ids.
        problem: why it was not submitted.
    """

    form: Form
    faults: dict[str, str]
    at: float
    jobs: list[str]
    problem: str


@dataclass(slots=True)
class Training:
    """Kept in ``session_state``: the last good form, and what is wrong with what the widgets say.

    ``problems`` are by field, ``refused`` is what was wrong with the last thing that was opened, a "dataset" or a
    "network", ``said`` what came of the last choice besides. ``table`` are the rows of the sweep as its widget was
    given them, ``revision`` counts how often the widgets were filled anew. ``places`` are below fields, for what is
    found wrong with them once the rest of the page is known. ``wanted`` is the form that the user wants to train,
    until the page has seen whether it can be. It and ``sent``
    stand here, for Streamlit may end a run of the page at any access to ``session_state``.
    """

    form: Form
    link: dict[str, str] = field(default_factory=dict)
    link_problems: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    refused_at: str = ""
    said: str = ""
    table: Table = ()
    revision: int = 0
    places: dict[str, DeltaGenerator] = field(default_factory=dict)
    trail: Trail = field(default_factory=Trail)
    wanted: Form | None = None
    sent: Sent | None = None


def current() -> Training:
    """The session's form, with what its widgets say; to be called before any widget of the page."""
    link = address.ours()
    training: Training | None = st.session_state.get("training")
    if training is None:
        training = st.session_state["training"] = Training(_start())
        fill(training)
    again = repeated()  # whatever its link is, no user has opened it
    if link not in ({}, training.link) and not again and not training.trail.outran(link, _widgets()):
        training.form, training.link_problems = Form.read(link)
        training.link = link
        fill(training)
        for problem in training.link_problems:
            log.warning("refused: %s", problem)
    elif DATASET not in st.session_state:  # back from another page: Streamlit has dropped the widgets
        fill(training)
    else:
        _settle(training)
    _check_start(training)
    return training


def _check_start(training: Training) -> None:
    """See that starting weights and frozen parts go with the network, which may have been changed since."""
    form = training.form
    training.problems |= start_problems(form.spec, form.recipe) | training.problems


def _start() -> Form:
    """The network of the Architecture page, where this session has been there."""
    editing = st.session_state.get("editing")
    return Form(spec=editing.spec, base=editing.base) if editing else Form()


def _widgets() -> dict[str, object]:
    return {str(key): value for key, value in st.session_state.items() if str(key).startswith(PREFIX)}


def fill(training: Training) -> None:
    """Give every widget the value that the form has."""
    form = training.form
    training.problems.clear()
    training.table, training.revision = form.rows, training.revision + 1
    st.session_state[NETWORK] = form.base
    st.session_state[DATASET] = form.dataset
    st.session_state[PRESET] = form.preset
    st.session_state[TITLE] = form.title
    fields.clear()
    for key, value in form.resources.model_dump().items():
        st.session_state[RESOURCES + key] = float(value) if isinstance(value, int) else value
    for row in range(MAX_ROWS):
        for part in ("key", "values"):
            st.session_state.pop(f"{SWEEP}{row}.{part}", None)


def _settle(training: Training) -> None:
    """Take what the widgets say into the form, part by part."""
    form, before = training.form, training.form
    training.problems.clear()
    recipe, problems = fields.settle(form.recipe)
    form = replace(form, recipe=recipe)
    try:
        form = replace(form, resources=checked(_resources(form.resources)))
    except InputError as error:
        problems[str(error).partition(":")[0]] = str(error)
    try:
        form = replace(form, title=checked_name(st.session_state.get(TITLE, form.title)))
    except InputError as error:
        problems["title"] = str(error)
    held = st.session_state
    rows = [
        (held.get(f"{SWEEP}{row}.key", key), held.get(f"{SWEEP}{row}.values", values))
        for row, (key, values) in enumerate(form.sweep)
    ]
    form = replace(form, dataset=held[DATASET], sweep=tuple((key, values.replace(";", ",")) for key, values in rows))
    if changes := held.get(table_key(training)):
        form = replace(form, rows=edited(training.table, changes))
    for problem in problems.values():
        log.warning("refused: %s", problem)
    training.form, training.problems = form, problems
    if form != before:
        training.link_problems, training.refused, training.said = [], "", ""


def table_key(training: Training) -> str:
    """Of the widget that holds the rows of the sweep."""
    return f"{TABLE}{training.revision}"


def edited(table: Table, changes: Mapping[str, Any]) -> Table:
    """A table with what its widget says was changed in it: in cells, by rows more, and by rows less."""
    keys, *rows = table or ((),)
    found = [dict(zip(keys, row, strict=True)) for row in rows]
    for place, cells in changes["edited_rows"].items():
        found[int(place)] |= cells
    kept = [row for place, row in enumerate(found) if place not in changes["deleted_rows"]]
    kept += [{key: value for key, value in row.items() if key in keys} for row in changes["added_rows"]]
    return (tuple(keys), *(tuple(_cell(row.get(key)) for key in keys) for row in kept)) if keys else ()


def _cell(value: object) -> str:
    """What a link can hold of a cell."""
    return "" if value is None else str(value).replace(CELL, " ").replace(ROW, ",").strip()


def _resources(now: Resources) -> Resources:
    said = {key: st.session_state.get(RESOURCES + key, value) for key, value in now.model_dump().items()}
    return Resources.parse({key: fields.whole(value) for key, value in said.items()})


def open_network() -> None:
    """Callback of the network's picker."""
    text = st.session_state[NETWORK]
    try:
        spec = resolve(text)
    except InputError as error:  # saved, and deleted since
        change(refused=str(error), at="network")
        return
    change(spec=spec, base=text if text in PRESETS else nearest(spec))


def open_preset() -> None:
    """Callback of the recipe's picker, and of the way back to the preset."""
    name = st.session_state[PRESET]
    change(preset=name, recipe=RECIPES[name].recipe)


def change_recipe(**values: object) -> None:
    """For callbacks: replace fields of the recipe that no widget of their own holds."""
    training: Training = st.session_state["training"]
    _settle(training)
    change(recipe=training.form.recipe.changed(**values))


def open_weights(name: str | None, *, network: bool) -> None:
    """For callbacks: start from weights, or from none.

    Args:
        name: of the weights.
        network: take the network that they are of, too; what was frozen of the former one goes with it.
    """
    training: Training = st.session_state["training"]
    _settle(training)
    recipe = training.form.recipe.changed(weights=name, **({"freeze": []} if network or name is None else {}))
    if name is None or not network:
        change(recipe=recipe)
        return
    try:
        entry = of_spec(weights_spec(name))
    except InputError as error:  # deleted since
        change(refused=str(error), at="network")
        return
    change(recipe=recipe, spec=entry.spec, base=entry.base)
    training.said = _("The network is that of the weights now: {name}.").format(name=full_title(entry))


def want() -> None:
    """Callback of the Train button: what was typed as it was pressed counts."""
    training: Training = st.session_state["training"]
    _settle(training)
    _check_start(training)
    training.wanted, training.trail.used = training.form, True


def change(*, refused: str = "", at: str = "dataset", **parts: object) -> None:
    """For callbacks: replace parts of the form, in the widgets too.

    Args:
        refused: why something was not opened.
        at: where that is said: "dataset" or "network".
        **parts: of the form.
    """
    training: Training = st.session_state["training"]
    training.trail.used = True
    _settle(training)  # what was typed beside the change stays
    training.link_problems, training.refused, training.refused_at, training.said = [], refused, at, ""
    training.form = replace(training.form, **parts)  # type: ignore[arg-type]
    fill(training)


def link_with(spec: Spec, base: str) -> dict[str, str]:
    """The page's link for another network: what else this session has chosen stays."""
    training: Training | None = st.session_state.get("training")
    if training is None:
        return encode(spec, base)
    return replace(training.form, spec=spec, base=base).to_link()


def write_link(training: Training) -> None:
    """Write the form to the address bar; a link that was refused in part stays there until the first edit."""
    link = training.form.to_link()
    training.trail.rest(_widgets())
    if training.link_problems or (link == training.link and address.ours()):
        return
    training.trail.replace(training.link)
    training.link = link
    address.write(link)
