"""Results on the test set: accuracies, confusion matrix, accuracy by class, and misclassified images."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from explorer.analysis.published_results import PublishedTraining
from explorer.errors import InputError
from explorer.formatting import percent
from explorer.i18n import _
from explorer.jobs import service
from explorer.jobs.store import ACTIVE, Record
from explorer.specs.reading import read_json
from explorer.ui.runs import published_trainings, state
from explorer.ui.runs.view import RunsView
from explorer.ui.shared.results import classes, confusion, mistakes, scores
from explorer.ui.shared.select_box import select_box

BARS = 4  # most runs in the chart of the classes


def render(records: Sequence[Record], view: RunsView, *, dark: bool) -> None:
    """Renders the results of the runs that have been tested."""
    tested = [record for record in records if record.result]
    if not tested:
        _render_empty(records)
        return
    record = _choose_run(tested, view)
    result: dict[str, Any] = record.result or {}
    with st.container(horizontal=True, gap="large"):
        scores.render(result)
    published = published_trainings.find([record])
    published_trainings.render([one._replace(curves={}) for one in published])
    names = list(result["per_class"])
    matrix_side, class_side = st.columns([3, 2], gap="medium")
    with matrix_side:
        st.header(_("Confusion matrix"), anchor=False)
        confusion.render(names, result["confusion"], key="runs-confusion", dark=dark)
    with class_side:
        st.header(_("By class"), anchor=False)
        classes.render(names, _class_accuracies(record, tested, published), key="runs-classes", dark=dark)
    st.header(_("Misclassified images"), anchor=False)
    _render_mistakes(record, result["images"] - result["correct"])


def _render_empty(records: Sequence[Record]) -> None:
    st.info(
        _("The test set is read once, at the end of a run: the results appear then.")
        if any(record.status in ACTIVE for record in records)
        else _("These runs have not finished, and the test set is read only at the end. Resume one to finish it."),
        icon=":material/fact_check:",
    )


def _choose_run(tested: Sequence[Record], view: RunsView) -> Record:
    """Renders the choice of the run whose confusion matrix is shown. Returns the chosen run."""
    if len(tested) == 1:
        return tested[0]
    names = {record.id: f"{record.name} · {percent((record.result or {})['top1'])}" for record in tested}
    shown = view.run if view.run in names else tested[0].id
    select_box(
        _("Run"), list(names), shown, lambda job: state.change(run=job), words=names.__getitem__, key="runs.run",
        width=420,
    )  # fmt: skip
    return next(record for record in tested if record.id == shown)


def _class_accuracies(
    chosen: Record, tested: Sequence[Record], published: Sequence[PublishedTraining]
) -> list[tuple[str, classes.Shares]]:
    """Returns the accuracies by class: of the chosen run, of other runs, and of published trainings."""
    shown = [chosen, *(other for other in tested if other is not chosen)][:BARS]
    names = list((chosen.result or {})["per_class"])
    return [
        *((record.name, [(record.result or {})["per_class"].get(name) for name in names]) for record in shown),
        *(
            (_("{source}, published").format(source=one.source), [one.per_class.get(name) for name in names])
            for one in published
            if set(names) <= one.per_class.keys()
        ),
    ]


def _render_mistakes(record: Record, count: int) -> None:
    path = service.directory(record.id).mistakes
    try:
        found = _read(str(path), path.stat().st_mtime_ns)
    except (OSError, InputError):
        st.info(
            _("There are none.") if not count else _("The pictures of this run's mistakes were not saved."),
            icon=":material/image:",
        )
        return
    mistakes.render(found, key="runs-mistakes")


@lru_cache(maxsize=16)
def _read(path: str, _changed: int) -> list[dict[str, Any]]:
    return mistakes.checked(read_json(Path(path), "mistakes", mistakes.MAX_CHARACTERS))
