"""What the Train page asks for, as one value: the form that becomes jobs, and stands in the link."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from explorer.analysis import analyse
from explorer.data.catalogue import NAMES
from explorer.errors import InputError, StoreError, shown
from explorer.families import NamedNetwork, Spec, resolve
from explorer.families.link import BASE, FIELDS
from explorer.i18n import _
from explorer.jobs import launch, service
from explorer.jobs.job import Job, Resources, checked_name
from explorer.jobs.make import jobs as make_jobs
from explorer.jobs.store import Record, Status, store
from explorer.recipes import RECIPES, Recipe, assignments
from explorer.recipes.changes import MAX_SWEEP, assigned_text
from explorer.specs.link_text import check_length
from explorer.training.devices import choose_device
from explorer.training.start import fits, trainable
from explorer.ui.train import uploads
from explorer.weights import registry

NETWORK, DATASET, PRESET = "digits-cnn", "digits", "default"
UPLOADED = "uploaded:"  # before the name of a file that somebody has uploaded
MAX_LINK = 12_000
MAX_ROWS = 6  # fields that a sweep varies
MAX_COLUMNS = 12  # of the table of a sweep
OWN = ("dataset", "recipe", "title", "sweep", "rows")
CELL, ROW = "|", ";"  # between the cells and the rows of a table in a link

Table = tuple[tuple[str, ...], ...]  # the first row are the keys


@dataclass(frozen=True)
class Form:
    """The choices of the page.

    Attributes:
        network: the network and the preset that it was made from.
        dataset: a name, or that of an upload.
        preset: of the recipe.
        recipe: the preset's, with changes.
        resources: where to train.
        title: of the job; empty for one that network and data give.
        sweep: a grid: rows of a key and its values, as typed.
        rows: a table, whose rows need form no grid: the keys, then a row for each job, as typed.
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
        """What of the recipe is not its preset's."""
        before = RECIPES[self.preset].recipe.to_dict()
        return {key: value for key, value in self.recipe.to_dict().items() if value != before[key]}

    @property
    def varied(self) -> list[str]:
        """The rows of the sweep that say anything, as ``KEY=V1,V2`` texts."""
        return [f"{key}={values}" for key, values in self.sweep if values.strip()]

    @property
    def listed(self) -> list[dict[str, str]]:
        """The rows of the table: what their cells say by key, without those that are empty."""
        keys, *rows = self.rows or ((),)
        return [{key: cell for key, cell in zip(keys, row, strict=False) if cell.strip()} for row in rows]

    @property
    def data(self) -> str:
        """The data set as a job names it."""
        return path_of(self.dataset)

    def jobs(self) -> list[Job]:
        """What it asks for: one job, or one for each row and combination of the sweep.

        Raises:
            InputError: where the sweep breaks a rule, or a job starts from weights that don't belong to its network.
        """
        rows = self.listed if any(self.listed) else []
        made = make_jobs(
            self.network, self.data, self.recipe, self.resources, name=self.title, varied=self.varied, rows=rows
        )
        for job in made:
            if problems := start_problems(job.spec, job.recipe):
                raise InputError(next(iter(problems.values())))
        return made

    def to_link(self) -> dict[str, str]:
        """Query parameters of all that isn't the default."""
        link = self.network.link
        link |= {"dataset": self.dataset} if self.dataset != DATASET else {}
        link |= {"recipe": self.preset} if self.preset != PRESET else {}
        link |= {key: assigned_text(value) for key, value in self.changes.items()}
        plain = Resources().model_dump()
        link |= {key: str(value) for key, value in self.resources.model_dump().items() if value != plain[key]}
        link |= {"title": self.title} if self.title else {}
        link |= {"sweep": ";".join(map("=".join, self.sweep))} if self.sweep else {}
        return link | ({"rows": ROW.join(map(CELL.join, self.rows))} if self.rows else {})

    @classmethod
    def read(cls, link: Mapping[str, str]) -> tuple["Form", list[str]]:
        """The form of a link, and what is wrong with it: a part that can't be read stays at the default."""
        form, problems = cls(), []
        try:
            check_length(link, MAX_LINK)
        except InputError as error:
            return form, [str(error)]
        for part in (_network, _dataset, _preset, _resources, _title, _sweep, _rows):
            try:
                form = part(form, link)
            except InputError as error:
                problems.append(str(error))
        changes, _spec = assignments(f"{key}={text}" for key, text in link.items() if key in Recipe.model_fields)
        recipe, wrong = _changed(form.recipe, changes)
        form, problems = replace(form, recipe=recipe), problems + wrong
        strange = link.keys() - {BASE, *FIELDS, *OWN} - set(Recipe.model_fields) - set(Resources.model_fields)
        problems += [_("link, {key}: this page has no such setting").format(key=shown(key)) for key in sorted(strange)]
        return form, problems


def path_of(dataset: str) -> str:
    """What a job calls a data set of the page."""
    if dataset.startswith(UPLOADED):
        return str(uploads.path(dataset.removeprefix(UPLOADED)))
    return dataset


def checked(resources: Resources) -> Resources:
    """The same, where this machine has them.

    Raises:
        InputError: naming what it has not.
    """
    launch.check(resources)
    choose_device(resources.device, resources.processes - 1)
    return resources


def records(statuses: Iterable[Status] | None = None) -> list[Record]:
    """The jobs of this server, all or of some statuses; none while the store can't be read, which the queue says."""
    try:
        service.keep_awake()
        return store().records(statuses)
    except StoreError:
        return []


def weights_network(weights: str) -> NamedNetwork:
    """The network of weights: those in the list by their names, and runs, which may have none yet.

    A path is none: it would be one of the server's files.

    Raises:
        InputError: where there are none such, or their file is broken.
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
    """What is wrong with starting weights and frozen parts of a network, by field: they may belong to another one."""
    problems = {}
    try:
        if recipe.weights is not None:
            fits(spec, weights_network(recipe.weights).spec, recipe.weights)
    except InputError as error:
        problems["weights"] = str(error)
    try:
        trainable(spec, recipe.freeze)
    except InputError as error:
        problems["freeze"] = str(error)
    return problems


def _network(form: Form, link: Mapping[str, str]) -> Form:
    given = {key: text for key, text in link.items() if key in FIELDS | {BASE}}
    if not given and (weights := link.get("weights")):  # theirs; what is wrong with them is said of the recipe
        with suppress(InputError):
            return replace(form, network=weights_network(weights).linked)
    if not given:
        return form
    network = NamedNetwork.from_link(given)
    analyse(network.spec)  # torchvision may not know the name, or not run at the size
    return replace(form, network=network)


def _dataset(form: Form, link: Mapping[str, str]) -> Form:
    name = link.get("dataset", DATASET)
    if name.startswith(UPLOADED):
        uploads.check(name.removeprefix(UPLOADED))
    elif name not in NAMES:
        raise InputError(
            _("link, dataset: {value} is not one of {known}").format(value=shown(name), known=", ".join(NAMES))
        )
    return replace(form, dataset=name)


def _preset(form: Form, link: Mapping[str, str]) -> Form:
    preset = link.get("recipe", PRESET)
    if preset not in RECIPES:
        raise InputError(
            _("link, recipe: {value} is not one of {known}").format(value=shown(preset), known=", ".join(RECIPES))
        )
    return replace(form, preset=preset, recipe=RECIPES[preset].recipe)


def _changed(recipe: Recipe, changes: dict[str, Any]) -> tuple[Recipe, list[str]]:
    """The recipe with those changes that break no rule and contradict no other, and what is wrong with the rest."""
    problems: list[str] = []
    while fault := _fault(recipe, changes):
        at_fault = [key for key in changes if _fault(recipe, _without(changes, [key])) != fault]
        at_fault = at_fault or list(changes)  # each of some alone would be wrong in the same words
        many = _("{problem}; left out: {keys}")
        problems.append(many.format(problem=fault, keys=", ".join(at_fault)) if len(at_fault) > 1 else fault)
        changes = _without(changes, at_fault)
    return recipe.changed(**changes), problems


def _without(changes: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    return {key: value for key, value in changes.items() if key not in keys}


def _fault(recipe: Recipe, changes: dict[str, Any]) -> str:
    """What is wrong with the changes; nothing where they can be made."""
    try:
        recipe.changed(**changes)
        if changes.get("weights") is not None:
            weights_network(changes["weights"])
    except InputError as error:
        return str(error)
    return ""


def _resources(form: Form, link: Mapping[str, str]) -> Form:
    given: dict[str, Any] = {key: text for key, text in link.items() if key in Resources.model_fields}
    for key in given.keys() - {"device"}:
        if given[key].isascii() and given[key].isdigit() and len(given[key]) < 10:
            given[key] = int(given[key])
    return replace(form, resources=checked(Resources.parse(given)))


def _title(form: Form, link: Mapping[str, str]) -> Form:
    return replace(form, title=checked_name(link.get("title", "")))


def _sweep(form: Form, link: Mapping[str, str]) -> Form:
    rows = [row.partition("=") for row in link.get("sweep", "").split(";") if row]
    if len(rows) > MAX_ROWS:
        raise InputError(_("link, sweep: more than {limit} fields").format(limit=MAX_ROWS))
    return replace(form, sweep=tuple((key.strip(), values) for key, _equals, values in rows))


def _rows(form: Form, link: Mapping[str, str]) -> Form:
    table = tuple(tuple(cell.strip() for cell in row.split(CELL)) for row in link.get("rows", "").split(ROW) if row)
    if table and len(table[0]) > MAX_COLUMNS:
        raise InputError(_("link, rows: more than {limit} columns").format(limit=MAX_COLUMNS))
    if len(table) > MAX_SWEEP + 1:
        raise InputError(_("link, rows: more than the {limit} jobs of a sweep").format(limit=MAX_SWEEP))
    if table and (not all(table[0]) or len(set(table[0])) < len(table[0])):
        raise InputError(_("link, rows: the first row has an empty key, or one twice"))
    if any(len(row) != len(table[0]) for row in table):
        raise InputError(_("link, rows: a row has more or fewer cells than there are keys"))
    return replace(form, rows=table)
