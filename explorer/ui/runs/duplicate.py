"""The link that opens the Train page with what a run was told."""

from dataclasses import replace
from pathlib import Path

from explorer.data.catalogue import NAMES
from explorer.jobs.job import Resources
from explorer.jobs.store import Record
from explorer.recipes import RECIPES, Recipe
from explorer.specs import parse_spec
from explorer.ui.compare.entries import of_spec
from explorer.ui.train import uploads
from explorer.ui.train.form import UPLOADED, Form


def train_link(record: Record) -> dict[str, str]:
    """Query parameters of the Train page.

    Images in a folder of the server that was named on the command line have no place in a link: the page starts
    from its own.
    """
    entry = of_spec(parse_spec(record.spec))
    recipe = Recipe.parse(record.recipe)
    form = Form(spec=entry.spec, base=entry.base, recipe=recipe, resources=Resources.parse(record.resources))
    form = replace(form, preset=min(RECIPES, key=lambda name: len(replace(form, preset=name).changes)))
    return replace(form, dataset=_dataset(record.dataset, form.dataset)).to_link()


def _dataset(told: str, otherwise: str) -> str:
    if told in NAMES:
        return told
    name = Path(told).name
    return UPLOADED + name if name in uploads.names() and uploads.path(name) == Path(told) else otherwise
