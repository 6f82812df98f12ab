"""How runs did on the test set: accuracies, the confusion matrix, each class, and what was taken for what."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from explorer.analysis.published_results import PublishedTraining
from explorer.errors import InputError
from explorer.i18n import _
from explorer.jobs import service
from explorer.jobs.store import ACTIVE, Record
from explorer.specs.reading import read_json
from explorer.ui.results import classes, confusion, mistakes, scores
from explorer.ui.runs import printed, state, words
from explorer.ui.runs.view import RunsView
from explorer.ui.shared.select_box import select_box

BARS = 4  # runs whose classes are drawn side by side


def render(records: Sequence[Record], view: RunsView, *, dark: bool) -> None:
    """The results of the runs that were tested."""
    tested = [record for record in records if record.result]
    if not tested:
        _nothing(records)
        return
    record = _one(tested, view)
    result: dict[str, Any] = record.result or {}
    with st.container(horizontal=True, gap="large"):
        scores.render(result)
    published = printed.of([record])
    printed.told([one._replace(curves={}) for one in published])
    names = list(result["per_class"])
    matrix_side, class_side = st.columns([3, 2], gap="medium")
    with matrix_side:
        st.header(_("Confusion matrix"), anchor=False)
        confusion.render(names, result["confusion"], key="runs-confusion", dark=dark)
    with class_side:
        st.header(_("By class"), anchor=False)
        classes.render(names, _shares(record, tested, published), key="runs-classes", dark=dark)
    st.header(_("Misclassified images"), anchor=False)
    _mistakes(record, result["images"] - result["correct"])


def _nothing(records: Sequence[Record]) -> None:
    st.info(
        _("The test set is read once, at the end of a run: the results come then.")
        if any(record.status in ACTIVE for record in records)
        else _("These runs did not come to their end, at which the test set is read. Resume one, and it does."),
        icon=":material/fact_check:",
    )


def _one(tested: Sequence[Record], view: RunsView) -> Record:
    """The run whose matrix is shown."""
    if len(tested) == 1:
        return tested[0]
    names = {record.id: f"{record.name} · {words.percent((record.result or {})['top1'])}" for record in tested}
    shown = view.run if view.run in names else tested[0].id
    select_box(
        _("Run"), list(names), shown, lambda job: state.change(run=job), words=names.__getitem__, key="runs.run",
        width=420,
    )  # fmt: skip
    return next(record for record in tested if record.id == shown)


def _shares(
    first: Record, tested: Sequence[Record], published: Sequence[PublishedTraining]
) -> list[tuple[str, classes.Shares]]:
    """The accuracy of each class of the first run for it, the others, and those that others have printed."""
    shown = [first, *(other for other in tested if other is not first)][:BARS]
    names = list((first.result or {})["per_class"])
    return [
        *((record.name, [(record.result or {})["per_class"].get(name) for name in names]) for record in shown),
        *(
            (_("{source}, published").format(source=one.source), [one.per_class.get(name) for name in names])
            for one in published
            if set(names) <= one.per_class.keys()
        ),
    ]


def _mistakes(record: Record, count: int) -> None:
    path = service.directory(record.id).mistakes
    try:
        found = _read(str(path), path.stat().st_mtime_ns)
    except (OSError, InputError):
        st.info(
            _("There are none.") if not count else _("Pictures of the mistakes of this run were not kept."),
            icon=":material/image:",
        )
        return
    mistakes.render(found, key="runs-mistakes")


@lru_cache(maxsize=16)
def _read(path: str, _changed: int) -> list[dict[str, Any]]:
    return mistakes.checked(read_json(Path(path), "mistakes", mistakes.MAX_CHARACTERS))
