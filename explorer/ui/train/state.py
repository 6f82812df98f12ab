"""The state of the Train page: its form, and what is wrong with what the widgets say.

What breaks a rule is explained beside its field, while the last good form stays.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.errors import InputError
from explorer.families import NamedNetwork
from explorer.i18n import _
from explorer.jobs.job import Resources, checked_name
from explorer.recipes import RECIPES
from explorer.ui.compare.networks import full_title
from explorer.ui.page_state import Link, PageState
from explorer.ui.train import fields
from explorer.ui.train.form import CELL, MAX_ROWS, ROW, Form, Table, checked, start_problems, weights_network

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


def _start() -> Form:
    """The network of the Architecture page, where this session has been there."""
    editing = st.session_state.get("editing")
    return Form(editing.network) if editing else Form()


@dataclass
class Training(PageState):
    """The Train page's state: the last good form, and what is wrong with what the widgets say.

    Attributes:
        form: The last good form.
        problems: What is wrong with the widgets, by field.
        refused: What was wrong with the last thing that was opened.
        refused_at: Where that is said: "dataset" or "network".
        said: What came of the last choice besides.
        table: The rows of the sweep as its widget was given them.
        revision: How often the widgets were filled.
        places: Places below fields, for what is found wrong with them once the rest of the page is known.
        wanted: The form that the user wants to train, until the page has seen whether it can be. It and ``sent`` stand
            here, for Streamlit may end a run of the page at any access to ``session_state``.
        sent: What came of the last press of the Train button.
    """

    NAME: ClassVar[str] = "training"
    PAGE: ClassVar[str] = "train"
    PREFIXES: ClassVar[tuple[str, ...]] = (PREFIX,)

    form: Form = field(default_factory=_start)
    problems: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    refused_at: str = ""
    said: str = ""
    table: Table = ()
    revision: int = 0
    places: dict[str, DeltaGenerator] = field(default_factory=dict)
    wanted: Form | None = None
    sent: Sent | None = None

    def begin(self) -> None:
        """Follow the link, or see what the widgets say."""
        super().begin()
        self.check_start()

    def check_start(self) -> None:
        """See that starting weights and frozen parts go with the network, which may have been changed since."""
        self.problems |= start_problems(self.form.spec, self.form.recipe) | self.problems

    def open_link(self, link: Link) -> list[str]:
        """Take over what of the link can be read."""
        self.form, problems = Form.read(link)
        return problems

    def to_link(self) -> Link:
        """The form."""
        return self.form.to_link()

    def widget_values(self) -> dict[str, Any]:
        """The form as its widgets hold it, but for the recipe and the sweep: those are filled as they are drawn."""
        form = self.form
        resources = {
            RESOURCES + key: float(value) if isinstance(value, int) else value
            for key, value in form.resources.model_dump().items()
        }
        return {NETWORK: form.base, DATASET: form.dataset, PRESET: form.preset, TITLE: form.title, **resources}

    def fill(self) -> None:
        """Give every widget the value that the form has."""
        self.problems.clear()
        self.table, self.revision = self.form.rows, self.revision + 1
        super().fill()
        fields.clear()
        for row in range(MAX_ROWS):
            for part in ("key", "values"):
                st.session_state.pop(f"{SWEEP}{row}.{part}", None)

    def read_widgets(self) -> None:
        """Take what the widgets say into the form, part by part."""
        form, before = self.form, self.form
        self.problems.clear()
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
        sweep = tuple((key, values.replace(";", ",")) for key, values in rows)
        form = replace(form, dataset=held.get(DATASET, form.dataset), sweep=sweep)
        if changes := held.get(table_key(self)):
            form = replace(form, rows=edited(self.table, changes))
        for problem in problems.values():
            log.warning("refused: %s", problem)
        self.form, self.problems = form, problems
        if form != before:
            self.link_problems, self.refused, self.said = [], "", ""


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
        network = NamedNetwork.resolved(text)
    except InputError as error:  # saved, and deleted since
        change(refused=str(error), at="network")
        return
    change(network=network.linked)


def open_preset() -> None:
    """Callback of the recipe's picker, and of the way back to the preset."""
    name = st.session_state[PRESET]
    change(preset=name, recipe=RECIPES[name].recipe)


def change_recipe(**values: object) -> None:
    """For callbacks: replace fields of the recipe that no widget of their own holds."""
    training = Training.of_session()
    training.read_widgets()
    change(recipe=training.form.recipe.changed(**values))


def open_weights(name: str | None, *, network: bool) -> None:
    """For callbacks: start from weights, or from none.

    Args:
        name: of the weights.
        network: take the network that they are of, too; what was frozen of the former one goes with it.
    """
    training = Training.of_session()
    training.read_widgets()
    recipe = training.form.recipe.changed(weights=name, **({"freeze": []} if network or name is None else {}))
    if name is None or not network:
        change(recipe=recipe)
        return
    try:
        found = weights_network(name)
    except InputError as error:  # deleted since
        change(refused=str(error), at="network")
        return
    change(recipe=recipe, network=found.linked)
    training.said = _("The network is that of the weights now: {name}.").format(name=full_title(found))


def want() -> None:
    """Callback of the Train button: what was typed as it was pressed counts."""
    training = Training.of_session()
    training.read_widgets()
    training.check_start()
    training.mark_user_action()
    training.wanted = training.form


def change(*, refused: str = "", at: str = "dataset", **parts: object) -> None:
    """For callbacks: replace parts of the form, in the widgets too.

    Args:
        refused: why something was not opened.
        at: where that is said: "dataset" or "network".
        **parts: of the form.
    """
    training = Training.of_session()
    training.mark_user_action()
    training.read_widgets()  # what was typed beside the change stays
    training.link_problems, training.refused, training.refused_at, training.said = [], refused, at, ""
    training.form = replace(training.form, **parts)  # type: ignore[arg-type]
    training.fill()


def link_with(network: NamedNetwork) -> dict[str, str]:
    """The page's link for another network: what else this session has chosen stays."""
    training: Training | None = st.session_state.get("training")
    if training is None:
        return network.link
    return replace(training.form, network=network).to_link()
