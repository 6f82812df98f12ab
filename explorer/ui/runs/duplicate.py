"""The link that opens the Train page with the settings of a run."""

from dataclasses import replace
from pathlib import Path

from explorer.data import uploads
from explorer.errors import InputError
from explorer.families import NamedNetwork
from explorer.jobs import service
from explorer.jobs.job import Resources
from explorer.jobs.store import Record
from explorer.recipes import RECIPES, Recipe
from explorer.ui.shared.train_form import UPLOADED, Form


def train_link(record: Record) -> dict[str, str]:
    """Returns the query parameters of the Train page.

    The link also contains data that the page does not offer, such as a folder of the server or a deleted upload. The
    page then shows an error and opens with its default data.
    """
    network, recipe = _submitted(record)
    form = Form(network, recipe=recipe, resources=Resources.parse(record.resources))
    form = replace(form, preset=min(RECIPES, key=lambda name: len(replace(form, preset=name).changes)))
    return replace(form, dataset=_dataset(record.dataset)).to_link()


def _submitted(record: Record) -> tuple[NamedNetwork, Recipe]:
    """Returns network and recipe as submitted. Those of the record contain values measured on the data of the run."""
    if job := service.submitted_job(record.id):
        return job.network, job.recipe
    return record.submitted_network, Recipe.parse(record.recipe)


def _dataset(path: str) -> str:
    name = Path(path).name
    try:
        return UPLOADED + name if uploads.path(name) == Path(path) else path
    except InputError:  # not an upload
        return path
