"""The form of the Train page, as one value. It becomes jobs and is stored in the link."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from explorer.analysis import analyse
from explorer.data import uploads
from explorer.data.catalogue import NAMES
from explorer.errors import InputError, StoreError, shown
from explorer.families import NamedNetwork, Spec, resolve
from explorer.families.link import BASE, FIELDS
from explorer.i18n import _
from explorer.jobs import launch, service
from explorer.jobs.job import Job, Resources, check_name
from explorer.jobs.make import make_jobs
from explorer.jobs.store import Record, Status, store
from explorer.recipes import RECIPES, Recipe, parse_assignments
from explorer.recipes.changes import MAX_SWEEP, assignment_text
from explorer.specs.link_text import check_length
from explorer.training.devices import choose_device
from explorer.training.start import match_specs, trainable
from explorer.weights import registry

SESSION = "training"  # in session_state: the state of the Train page
NETWORK, DATASET, PRESET = "digits-cnn", "digits", "default"
UPLOADED = "uploaded:"  # prefix of the names of uploads
MAX_LINK = 12_000
MAX_ROWS = 6  # fields that a sweep's grid varies
MAX_COLUMNS = 12  # of a sweep's table
OWN_PARAMETERS = ("dataset", "recipe", "title", "sweep", "rows")
CELL, ROW = "|", ";"  # separators of cells and rows of a table in a link

Table = tuple[tuple[str, ...], ...]  # the first row contains the keys


@dataclass(frozen=True)
class Form:
    """The fields of the form.

    Attributes:
        network: Network, and the preset that it was made from.
        dataset: Name of a data set, or of an upload with the prefix ``uploaded:``.
        preset: Name of the recipe's preset.
        recipe: Recipe: the preset with the user's changes.
        resources: Resources of the job.
        title: Name of the job. Empty for the default name.
        sweep: Grid of a sweep: keys with their values, as typed.
        rows: Table of a sweep: the keys, then one row for each job, as typed.
    """

    network: NamedNetwork = field(default_factory=lambda: NamedNetwork(resolve(NETWORK), NETWORK))
    dataset: str = DATASET
    preset: str = PRESET
    recipe: Recipe = field(default_factory=Recipe)
    resources: Resources = field(default_factory=Resources)
    title: str = ""
    sweep: tuple[tuple[str, str], ...] = ()
    rows: Table = ()

    @property
    def spec(self) -> Spec:
        """The network."""
        return self.network.spec

    @property
    def base(self) -> str:
        """The preset that the network was made from."""
        return self.network.start

    @property
    def changes(self) -> dict[str, Any]:
        """Fields of the recipe that differ from the preset."""
        before = RECIPES[self.preset].recipe.to_dict()
        return {key: value for key, value in self.recipe.to_dict().items() if value != before[key]}

    @property
    def varied(self) -> list[str]:
        """Rows of the grid that have values, as ``KEY=V1,V2`` texts."""
        return [f"{key}={values}" for key, values in self.sweep if values.strip()]

    @property
    def table_rows(self) -> list[dict[str, str]]:
        """Rows of the table as values by key, without empty cells."""
        keys, *rows = self.rows or ((),)
        return [{key: cell for key, cell in zip(keys, row, strict=False) if cell.strip()} for row in rows]

    @property
    def data(self) -> str:
        """Name or path of the data set, as a job stores it."""
        return path_of(self.dataset)

    def jobs(self) -> list[Job]:
        """Returns one job, or one for each row and combination of the sweep.

        Raises:
            InputError: If the sweep is invalid, or a job's starting weights don't belong to its network.
        """
        rows = self.table_rows if any(self.table_rows) else []
        jobs = make_jobs(
            self.network, self.data, self.recipe, self.resources, name=self.title, varied=self.varied, rows=rows
        )
        for job in jobs:
            if problems := start_problems(job.spec, job.recipe):
                raise InputError(next(iter(problems.values())))
        return jobs

    def to_link(self) -> dict[str, str]:
        """Returns the query parameters of all values that differ from the default."""
        link = self.network.link
        link |= {"dataset": self.dataset} if self.dataset != DATASET else {}
        link |= {"recipe": self.preset} if self.preset != PRESET else {}
        link |= {key: assignment_text(value) for key, value in self.changes.items()}
        plain = Resources().model_dump()
        link |= {key: str(value) for key, value in self.resources.model_dump().items() if value != plain[key]}
        link |= {"title": self.title} if self.title else {}
        link |= {"sweep": ";".join(map("=".join, self.sweep))} if self.sweep else {}
        return link | ({"rows": ROW.join(map(CELL.join, self.rows))} if self.rows else {})

    @classmethod
    def from_link(cls, link: Mapping[str, str]) -> tuple["Form", list[str]]:
        """Returns the form of a link, and its problems. A part that can't be read keeps its default."""
        form, problems = cls(), []
        try:
            check_length(link, MAX_LINK)
        except InputError as error:
            return form, [str(error)]
        for part in (_read_network, _read_dataset, _read_preset, _read_resources, _read_title, _read_sweep, _read_rows):
            try:
                form = part(form, link)
            except InputError as error:
                problems.append(str(error))
        changes, _spec = parse_assignments(f"{key}={text}" for key, text in link.items() if key in Recipe.model_fields)
        recipe, recipe_problems = _read_recipe(form.recipe, changes)
        form, problems = replace(form, recipe=recipe), problems + recipe_problems
        unknown = (
            link.keys() - {BASE, *FIELDS, *OWN_PARAMETERS} - set(Recipe.model_fields) - set(Resources.model_fields)
        )
        problems += [_("link, {key}: this page has no such setting").format(key=shown(key)) for key in sorted(unknown)]
        return form, problems


def link_with(network: NamedNetwork) -> dict[str, str]:
    """Returns the link of the Train page with another network and the other choices of this session."""
    form: Form | None = getattr(st.session_state.get(SESSION), "form", None)
    return network.link if form is None else replace(form, network=network).to_link()


def data_title(name: str) -> str:
    """Returns the name of a data set for people."""
    if name in NAMES:
        return NAMES[name].title
    return _("{name}, uploaded").format(name=name.removeprefix(UPLOADED))


def path_of(dataset: str) -> str:
    """Returns the name or path of a data set, as a job stores it."""
    if dataset.startswith(UPLOADED):
        return str(uploads.path(dataset.removeprefix(UPLOADED)))
    return dataset


def check_resources(resources: Resources) -> Resources:
    """Returns the resources unchanged if this machine has them.

    Raises:
        InputError: If it does not. Names the missing resource.
    """
    launch.check(resources)
    choose_device(resources.device, resources.processes - 1)
    return resources


def records(statuses: Iterable[Status] | None = None) -> list[Record]:
    """Returns the jobs of this server, all or with some statuses. Empty if the store fails; the queue shows why."""
    try:
        service.check_runner()
        return store().records(statuses)
    except StoreError:
        return []


def weights_network(weights: str) -> NamedNetwork:
    """Returns the network of weights: of registered weights by name, or of a run, which may have no weights yet.

    Refuses paths, because a link must not read the server's files.

    Raises:
        InputError: If there are no such weights, or their file is damaged.
    """
    entry = registry.find_entry(weights)
    if entry and entry.card:
        return entry.card.network
    record = next((record for record in records() if record.id == weights), None)
    if record and not entry:
        return record.network
    if entry:
        raise InputError(_("weights: {name}: {fault}").format(name=shown(weights), fault=entry.fault))
    raise InputError(_("weights: there are none called {value} on this server").format(value=shown(weights)))


def start_problems(spec: Spec, recipe: Recipe) -> dict[str, str]:
    """Returns the problems of starting weights and frozen parts, by field: they may belong to another network."""
    problems = {}
    try:
        if recipe.weights is not None:
            match_specs(spec, weights_network(recipe.weights).spec, recipe.weights)
    except InputError as error:
        problems["weights"] = str(error)
    try:
        trainable(spec, recipe.freeze)
    except InputError as error:
        problems["freeze"] = str(error)
    return problems


def _read_network(form: Form, link: Mapping[str, str]) -> Form:
    parameters = {key: text for key, text in link.items() if key in FIELDS | {BASE}}
    if not parameters and (weights := link.get("weights")):  # _read_recipe reports problems of the weights
        with suppress(InputError):
            return replace(form, network=weights_network(weights).linked)
    if not parameters:
        return form
    network = NamedNetwork.from_link(parameters)
    analyse(network.spec)  # raises if torchvision has no such network, or it can't run at this size
    return replace(form, network=network)


def _read_dataset(form: Form, link: Mapping[str, str]) -> Form:
    name = link.get("dataset", DATASET)
    if name.startswith(UPLOADED):
        uploads.check(name.removeprefix(UPLOADED))
    elif name not in NAMES:
        raise InputError(
            _("link, dataset: {value} is not one of {known}").format(value=shown(name), known=", ".join(NAMES))
        )
    return replace(form, dataset=name)


def _read_preset(form: Form, link: Mapping[str, str]) -> Form:
    preset = link.get("recipe", PRESET)
    if preset not in RECIPES:
        raise InputError(
            _("link, recipe: {value} is not one of {known}").format(value=shown(preset), known=", ".join(RECIPES))
        )
    return replace(form, preset=preset, recipe=RECIPES[preset].recipe)


def _read_recipe(recipe: Recipe, changes: dict[str, Any]) -> tuple[Recipe, list[str]]:
    """Returns the recipe with all valid changes, and the problems of the others. Leaves out changes that contradict."""
    problems: list[str] = []
    while problem := _problem(recipe, changes):
        wrong = [key for key in changes if _problem(recipe, _without(changes, [key])) != problem]
        wrong = wrong or list(changes)  # several changes cause the same problem, each alone
        many = _("{problem}; left out: {keys}")
        problems.append(many.format(problem=problem, keys=", ".join(wrong)) if len(wrong) > 1 else problem)
        changes = _without(changes, wrong)
    return recipe.changed(**changes), problems


def _without(changes: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    return {key: value for key, value in changes.items() if key not in keys}


def _problem(recipe: Recipe, changes: dict[str, Any]) -> str:
    """Returns the first problem of the changes. Empty if there is none."""
    try:
        recipe.changed(**changes)
        if changes.get("weights") is not None:
            weights_network(changes["weights"])
    except InputError as error:
        return str(error)
    return ""


def _read_resources(form: Form, link: Mapping[str, str]) -> Form:
    parameters: dict[str, Any] = {key: text for key, text in link.items() if key in Resources.model_fields}
    for key in parameters.keys() - {"device"}:
        if parameters[key].isascii() and parameters[key].isdigit() and len(parameters[key]) < 10:
            parameters[key] = int(parameters[key])
    return replace(form, resources=check_resources(Resources.parse(parameters)))


def _read_title(form: Form, link: Mapping[str, str]) -> Form:
    return replace(form, title=check_name(link.get("title", "")))


def _read_sweep(form: Form, link: Mapping[str, str]) -> Form:
    rows = [row.partition("=") for row in link.get("sweep", "").split(";") if row]
    if len(rows) > MAX_ROWS:
        raise InputError(_("link, sweep: more than {limit} fields").format(limit=MAX_ROWS))
    return replace(form, sweep=tuple((key.strip(), values) for key, _equals, values in rows))


def _read_rows(form: Form, link: Mapping[str, str]) -> Form:
    table = tuple(tuple(cell.strip() for cell in row.split(CELL)) for row in link.get("rows", "").split(ROW) if row)
    if table and len(table[0]) > MAX_COLUMNS:
        raise InputError(_("link, rows: more than {limit} columns").format(limit=MAX_COLUMNS))
    if len(table) > MAX_SWEEP + 1:
        raise InputError(_("link, rows: more than the {limit} jobs of a sweep").format(limit=MAX_SWEEP))
    if table and (not all(table[0]) or len(set(table[0])) < len(table[0])):
        raise InputError(_("link, rows: the first row has an empty or a repeated key"))
    if any(len(row) != len(table[0]) for row in table):
        raise InputError(_("link, rows: a row has more or fewer cells than there are keys"))
    return replace(form, rows=table)
