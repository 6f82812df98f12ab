"""Train: the curve of the latest run, which moves while the run is active, and the runs before it."""

import time
from collections.abc import Sequence

import streamlit as st

from explorer.drawing import curve
from explorer.errors import StoreError
from explorer.formatting import ago
from explorer.i18n import _
from explorer.jobs import service
from explorer.jobs.compare import curves
from explorer.jobs.run_directory import POINT
from explorer.jobs.store import ACTIVE, AT_WORK, Record, Status, store
from explorer.ui.shared import address
from explorer.ui.shared.figure import show_figure
from explorer.ui.shared.job_status import SIGNS, status_with_icon
from explorer.ui.shared.store_errors import show_store_errors
from explorer.ui.shared.text import plain
from explorer.ui.start import parts

POLL_INTERVAL = 2.0  # seconds between two reads of the store while a run is active
MAX_LISTED = 5
FIRST_TRAINING = {"net": "digits-cnn", "recipe": "quick"}  # trains on the bundled digits within seconds
TRAINING, VALIDATION, STEPS = "train/top1", "validation/top1", POINT + "top1"


def _latest() -> list[Record]:
    """Return the latest runs, the newest first. Empty if the store can't be read."""
    try:
        service.check_runner()
        return store().latest(MAX_LISTED)
    except StoreError:
        return []  # the card shows the error


def render(*, dark: bool) -> None:
    """Render the card."""
    records = _latest()
    with parts.card("train", _("Train"), _("The latest run, and the next one.")):
        active = any(record.status in ACTIVE for record in records)
        st.fragment(_render, run_every=POLL_INTERVAL if active else None)({one.id: one.status for one in records}, dark)
        with st.container(horizontal=True):
            if records:
                parts.link("train", _("Train a network"))
                parts.link("runs", _("All runs"))
            else:
                parts.link("train", _("Train a small network on digits"), FIRST_TRAINING)
                parts.link("train", _("Train another network"))


@show_store_errors
def _render(statuses: dict[str, Status], dark: bool) -> None:
    service.check_runner()
    records = store().latest(MAX_LISTED)
    if {record.id: record.status for record in records} != statuses:
        st.rerun()  # the list of runs, and whether this fragment polls
    figure, facts = parts.figure_and_facts("train")
    record = _shown(records)
    if record is None:
        with figure:
            show_figure(curve.accuracy([], [], [], 1, dark=dark), key="start-curve")
        with facts:
            st.markdown(_("**No run yet.** Here you will see the curve of the latest one."))
            st.caption(_("The first takes less than a minute: 1,797 handwritten digits, 15 epochs."))
        return
    metrics = curves(store().curves([record.id], [VALIDATION, TRAINING, STEPS]).get(record.id, []))
    validation, training, steps = (metrics.get(name, []) for name in (VALIDATION, TRAINING, STEPS))
    with figure:
        show_figure(curve.accuracy(validation, training, steps, record.recipe["epochs"], dark=dark), key="start-curve")
    with facts:
        _link(record)
        st.caption(_describe(record))
    others = [other for other in records if other.id != record.id]
    if others:
        with st.container(gap="xxsmall", key="start-runs"):
            for other in others:
                _link(other, _describe_briefly(other))


def _shown(records: Sequence[Record]) -> Record | None:
    """Return the run whose curve is shown: one at work, or the one that started last."""
    at_work = [record for record in records if record.status in AT_WORK]
    started = sorted((record for record in records if record.started), key=lambda one: one.started or 0, reverse=True)
    return next(iter([*at_work, *started, *records]), None)


def _link(record: Record, words: str = "") -> None:
    name = f":primary[**{plain(record.name)}**]"
    st.page_link(
        str(parts.PAGES / "runs.py"), label=f"{name} :gray[{words}]" if words else name, icon="",
        query_params={"job": record.id, **address.shared_parameters()},
    )  # fmt: skip


def _describe(record: Record) -> str:
    """Return status, progress or result, and age of a run as Markdown."""
    done = f"{record.progress:.0%}" if record.status in AT_WORK else ""
    if record.result:
        done = _("{share:.2%} of the test images right").format(share=record.result["top1"])
    return " · ".join(filter(None, [status_with_icon(record.status), done, _age(record)]))


def _describe_briefly(record: Record) -> str:
    """Return the result of a run, or its status if it has none, and its age as Markdown."""
    icon = SIGNS[record.status][0]
    result = f"{icon} {record.result['top1']:.2%}" if record.result else status_with_icon(record.status)
    return f"{result} · {_age(record)}"


def _age(record: Record) -> str:
    return ago(time.time() - (record.ended or record.started or record.submitted))
