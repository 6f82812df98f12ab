"""Published curves and results for the network and data of a run."""

import json
from collections.abc import Sequence
from functools import lru_cache

import streamlit as st

from explorer.analysis.publications import trainings
from explorer.analysis.published_results import PublishedTraining
from explorer.families import parse_spec
from explorer.i18n import _
from explorer.jobs.compare import Point
from explorer.jobs.store import Record
from explorer.ui.runs.curves import Curve
from explorer.ui.shared.text import plain


def find(records: Sequence[Record]) -> list[PublishedTraining]:
    """Returns the published trainings of the networks and data of runs, without duplicates."""
    published = (training for record in records for training in _find_one(json.dumps(record.spec), record.dataset))
    return list({(training.source, training.network): training for training in published}.values())


@lru_cache(maxsize=1000)
def _find_one(spec: str, dataset: str) -> tuple[PublishedTraining, ...]:
    return tuple(trainings(parse_spec(json.loads(spec)), dataset))


def lines(published: Sequence[PublishedTraining], metric: str) -> list[Curve]:
    """Returns the published lines of ``top1`` or ``top3``."""
    images = {"train": _("training"), "validation": _("test")}
    return [
        Curve(
            0,
            _("{source}, published · {images}").format(source=training.source, images=images[name.partition("/")[0]]),
            name.startswith("train/"),
            [Point(epoch, share) for epoch, share in points],
            published=True,
        )
        for training in published
        for name, points in training.curves.items()
        if name.partition("/")[2] == metric
    ]


def render(published: Sequence[PublishedTraining]) -> None:
    """Renders the published scores with their sources and conditions."""
    for training in published:
        scores = ", ".join(
            f"{name.replace('top', 'top-')} {100 * share:.4g}%"  # with the digits of the publication
            for name, share in training.final.items()
        )
        sentence = (
            _("Grey, long dashes: published by {source}, {reached} at the end ({conditions}).")
            if training.curves
            else _("Published by {source}: {reached} ({conditions}).")
        )
        words = plain(sentence.format(source=training.source, reached=scores, conditions=training.conditions))
        st.caption(" ".join([words, _("Another copy of the images, as in JPEG, is not the same data.")]))
