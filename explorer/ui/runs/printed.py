"""What others have printed of a run's network and data: their curves and results beside one's own."""

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


def of(records: Sequence[Record]) -> list[PublishedTraining]:
    """Published trainings of the networks and data of runs, each once."""
    found = (one for record in records for one in _of_one(json.dumps(record.spec), record.dataset))
    return list({(one.source, one.network): one for one in found}.values())


@lru_cache(maxsize=1000)
def _of_one(spec: str, dataset: str) -> tuple[PublishedTraining, ...]:
    return tuple(trainings(parse_spec(json.loads(spec)), dataset))


def lines(found: Sequence[PublishedTraining], metric: str) -> list[Curve]:
    """Their lines of ``top1`` or ``top3``."""
    images = {"train": _("training"), "validation": _("test")}
    return [
        Curve(
            0,
            _("{source}, published · {images}").format(source=one.source, images=images[name.partition("/")[0]]),
            name.startswith("train/"),
            [Point(epoch, share) for epoch, share in points],
            published=True,
        )
        for one in found
        for name, points in one.curves.items()
        if name.partition("/")[2] == metric
    ]


def told(found: Sequence[PublishedTraining]) -> None:
    """What was reached, by whom, and under which conditions."""
    for one in found:
        reached = ", ".join(
            f"{name.replace('top', 'top-')} {100 * share:.4g}%"  # as printed
            for name, share in one.final.items()
        )
        sentence = (
            _("Grey, long dashes: published by {source}, {reached} at the end ({conditions}).")
            if one.curves
            else _("Published by {source}: {reached} ({conditions}).")
        )
        words = plain(sentence.format(source=one.source, reached=reached, conditions=one.conditions))
        st.caption(" ".join([words, _("Another copy of the images, as in JPEG, is not the same data.")]))
