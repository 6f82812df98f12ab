"""The state of the Train page: its form, and the problems of its widgets.

An invalid value gets an error message next to its field, and the form keeps the last valid value.
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
from explorer.jobs.job import Resources, check_name
from explorer.recipes import RECIPES
from explorer.ui.page_state import Link, PageState
from explorer.ui.shared.networks import EDITED, full_title
from explorer.ui.shared.train_form import (
    CELL,
    MAX_ROWS,
    ROW,
    SESSION,
    Form,
    Table,
    check_resources,
    start_problems,
    weights_network,
)
from explorer.ui.train import fields

log = logging.getLogger("explorer.ui")

PREFIX = "train."  # prefix of the widgets' keys
NETWORK, DATASET, PRESET, TITLE = (PREFIX + name for name in ("network", "dataset", "preset", "title"))
RESOURCES = PREFIX + "resources."
SWEEP = PREFIX + "sweep."
TABLE = PREFIX + "rows."  # followed by the revision: only a new key resets the edits of a table


@dataclass(frozen=True)
class Submission:
    """Result of a click on the Train button.

    Attributes:
        form: Form at the click.
        problems: Problems of the widgets at the click, by field.
        time: Time of the click, in seconds of a monotonic clock.
        jobs: Ids of the submitted jobs.
        problem: Reason why the form was not submitted. Empty if it was.
    """

    form: Form
    problems: dict[str, str]
    time: float
    jobs: list[str]
    problem: str

    def is_current(self, training: "Training") -> bool:
        """Returns whether form and problems have not changed since the click."""
        return (self.form, self.problems) == (training.form, training.problems)


def _initial_form() -> Form:
    """Returns a form with the network of the Architecture page, if this session has opened that page."""
    editing = st.session_state.get(EDITED)
    return Form(editing.network) if editing else Form()


@dataclass
class Training(PageState):
    """The state of the Train page.

    Attributes:
        form: Last valid form.
        problems: Problems of the widgets, by field.
        error: Error of the last action, such as opening a network.
        error_place: Place of that error: ``dataset`` or ``network``.
        notice: Sentence about a side effect of the last action.
        table: Table of the sweep when its widget was filled.
        revision: Number of times that the widgets were filled.
        containers: Containers below the fields, for problems that the page finds later.
        requested: Form to submit, until the page has checked it. It is stored here, like ``submission``, because
            Streamlit may end a run of the page at any access to ``session_state``.
        submission: Result of the last click on the Train button.
    """

    NAME: ClassVar[str] = SESSION
    PAGE: ClassVar[str] = "train"
    PREFIXES: ClassVar[tuple[str, ...]] = (PREFIX,)

    form: Form = field(default_factory=_initial_form)
    problems: dict[str, str] = field(default_factory=dict)
    error: str = ""
    error_place: str = ""
    notice: str = ""
    table: Table = ()
    revision: int = 0
    containers: dict[str, DeltaGenerator] = field(default_factory=dict)
    requested: Form | None = None
    submission: Submission | None = None

    def begin(self) -> None:
        """Opens the link, or reads the widgets."""
        super().begin()
        self.check_start()

    def check_start(self) -> None:
        """Checks that starting weights and frozen parts belong to the network, which may have changed."""
        self.problems |= start_problems(self.form.spec, self.form.recipe) | self.problems

    def open_link(self, link: Link) -> list[str]:
        """Opens the parts of the link that can be read. Returns the problems of the others."""
        self.form, problems = Form.from_link(link)
        return problems

    def to_link(self) -> Link:
        """Returns the form as a link."""
        return self.form.to_link()

    def widget_values(self) -> dict[str, Any]:
        """Returns the values of the widgets, except for recipe and sweep, which are filled when they are rendered."""
        form = self.form
        resources = {
            RESOURCES + key: float(value) if isinstance(value, int) else value
            for key, value in form.resources.model_dump().items()
        }
        return {NETWORK: form.base, DATASET: form.dataset, PRESET: form.preset, TITLE: form.title, **resources}

    def fill(self) -> None:
        """Sets all widgets to the values of the form."""
        self.problems.clear()
        self.table, self.revision = self.form.rows, self.revision + 1
        super().fill()
        fields.clear()
        for row in range(MAX_ROWS):
            for part in ("key", "values"):
                st.session_state.pop(f"{SWEEP}{row}.{part}", None)

    def read_widgets(self) -> None:
        """Reads the widgets into the form, part by part."""
        form, before = self.form, self.form
        self.problems.clear()
        recipe, problems = fields.read_widgets(form.recipe)
        form = replace(form, recipe=recipe)
        try:
            form = replace(form, resources=check_resources(_resources(form.resources)))
        except InputError as error:
            problems[str(error).partition(":")[0]] = str(error)
        try:
            form = replace(form, title=check_name(st.session_state.get(TITLE, form.title)))
        except InputError as error:
            problems["title"] = str(error)
        widgets = st.session_state
        sweep = tuple((key, values.replace(";", ",")) for key, values in sweep_rows(form))
        form = replace(form, dataset=widgets.get(DATASET, form.dataset), sweep=sweep)
        if changes := widgets.get(table_key(self)):
            form = replace(form, rows=apply_edits(self.table, changes))
        for problem in problems.values():
            log.warning("refused: %s", problem)
        self.form, self.problems = form, problems
        if form != before:
            self.link_problems, self.error, self.notice = [], "", ""


def sweep_rows(form: Form) -> tuple[tuple[str, str], ...]:
    """Returns the rows of the sweep's grid with the present values of the widgets."""
    widgets = st.session_state
    return tuple(
        (widgets.get(f"{SWEEP}{row}.key", key), widgets.get(f"{SWEEP}{row}.values", values))
        for row, (key, values) in enumerate(form.sweep)
    )


def table_key(training: Training) -> str:
    """Returns the key of the widget of the sweep's table."""
    return f"{TABLE}{training.revision}"


def apply_edits(table: Table, changes: Mapping[str, Any]) -> Table:
    """Returns a table with the edits of its widget: changed cells, added rows and deleted rows."""
    keys, *rows = table or ((),)
    found = [dict(zip(keys, row, strict=True)) for row in rows]
    for place, cells in changes["edited_rows"].items():
        found[int(place)] |= cells
    edited = [row for place, row in enumerate(found) if place not in changes["deleted_rows"]]
    edited += [{key: value for key, value in row.items() if key in keys} for row in changes["added_rows"]]
    return (tuple(keys), *(tuple(_cell_text(row.get(key)) for key in keys) for row in edited)) if keys else ()


def _cell_text(value: object) -> str:
    """Returns the text of a cell without the characters that separate cells and rows in a link."""
    return "" if value is None else str(value).replace(CELL, " ").replace(ROW, ",").strip()


def _resources(resources: Resources) -> Resources:
    values = {key: st.session_state.get(RESOURCES + key, value) for key, value in resources.model_dump().items()}
    return Resources.parse({key: fields.as_integer(value) for key, value in values.items()})


def open_network() -> None:
    """Callback of the choice of the network."""
    text = st.session_state[NETWORK]
    try:
        network = NamedNetwork.resolved(text)
    except InputError as error:  # a saved network that was deleted
        change(error=str(error), place="network")
        return
    change(network=network.linked)


def open_preset() -> None:
    """Callback of the choice of the recipe, and of Reset."""
    name = st.session_state[PRESET]
    change(preset=name, recipe=RECIPES[name].recipe)


def change_recipe(**values: object) -> None:
    """Replaces fields of the recipe that have no widget of their own. For callbacks."""
    training = Training.of_session()
    training.read_widgets()
    change(recipe=training.form.recipe.changed(**values))


def open_weights(name: str | None, *, network: bool) -> None:
    """Chooses the starting weights. For callbacks.

    Args:
        name: Name of the weights. None for random weights.
        network: Whether to open the network of the weights, too. This removes the frozen parts of the former network.
    """
    training = Training.of_session()
    training.read_widgets()
    recipe = training.form.recipe.changed(weights=name, **({"freeze": []} if network or name is None else {}))
    if name is None or not network:
        change(recipe=recipe)
        return
    try:
        found = weights_network(name)
    except InputError as error:  # the weights were deleted
        change(error=str(error), place="network")
        return
    change(recipe=recipe, network=found.linked)
    training.notice = _("The network is that of the weights now: {name}.").format(name=full_title(found))


def request_training() -> None:
    """Callback of the Train button. Reads the widgets first, so that the last typed value counts."""
    training = Training.of_session()
    training.read_widgets()
    training.check_start()
    training.mark_user_action()
    training.requested = training.form


def change(*, error: str = "", place: str = "dataset", **parts: object) -> None:
    """Replaces parts of the form and the values of its widgets. For callbacks.

    Args:
        error: Error of the action, if it failed.
        place: Place of that error: ``dataset`` or ``network``.
        **parts: New parts of the form.
    """
    training = Training.of_session()
    training.mark_user_action()
    training.read_widgets()  # keeps values typed since the last run
    training.link_problems, training.error, training.error_place, training.notice = [], error, place, ""
    training.form = replace(training.form, **parts)  # type: ignore[arg-type]
    training.fill()
