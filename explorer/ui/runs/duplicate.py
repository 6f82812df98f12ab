"""The link that opens the Train page with what a run was told."""

from dataclasses import replace
from pathlib import Path

from explorer.errors import InputError
from explorer.families import NamedNetwork
from explorer.jobs import service
from explorer.jobs.job import Resources
from explorer.jobs.store import Record
from explorer.recipes import RECIPES, Recipe
from explorer.ui.train import uploads
from explorer.ui.train.form import UPLOADED, Form


def train_link(record: Record) -> dict[str, str]:
    """Query parameters of the Train page.

    Data that the page does not offer, a folder of the server or an upload that is gone, stand in the link all the same:
    the page says that it has no such data and starts from its own.
    """
    network, recipe = _told(record)
    form = Form(network, recipe=recipe, resources=Resources.parse(record.resources))
    form = replace(form, preset=min(RECIPES, key=lambda name: len(replace(form, preset=name).changes)))
    return replace(form, dataset=_dataset(record.dataset)).to_link()


def _told(record: Record) -> tuple[NamedNetwork, Recipe]:
    """Network and recipe as submitted: a record's hold what was measured on its data, and would pin that for others."""
    if job := service.submitted(record.id):
        return job.network, job.recipe
    return record.submitted_network, Recipe.parse(record.recipe)


def _dataset(told: str) -> str:
    name = Path(told).name
    try:
        return UPLOADED + name if uploads.path(name) == Path(told) else told
    except InputError:  # it never was an upload
        return told
