"""From the form to the queue, and what already waits there."""

import time
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from explorer.errors import ExplorerError, StoreError
from explorer.i18n import _
from explorer.jobs import desk
from explorer.jobs.make import jobs as make_jobs
from explorer.jobs.store import ACTIVE, AT_WORK, Record, Status, store
from explorer.ui import address
from explorer.ui.runs.words import status_name
from explorer.ui.text import plain
from explorer.ui.train.form import Form
from explorer.ui.train.state import Training

RUNS = str(Path(__file__).parents[3] / "pages" / "runs.py")
SENT = "train-sent"  # the last submission of this session
AGAIN = 10.0  # seconds in which the same form once more is a double click
EVERY = 5.0  # seconds between two looks at the queue
SHOWN = 6  # jobs of the queue


def draw(training: Training, count: int, *, ready: bool) -> None:
    """The button, and what came of it."""
    label = _("Train") if count < 2 else _("Train {count:,} jobs").format(count=count)
    st.button(
        label, icon=":material/play_arrow:", key="train-submit", width="stretch", on_click=_submit,
        disabled=not ready or bool(training.problems),
    )  # fmt: skip
    if training.problems:
        st.caption(_("Mend what is marked first; the last good value would be used in its place."))
    sent = st.session_state.get(SENT)
    if sent and sent["problem"]:
        st.error(plain(sent["problem"]), title=_("Not submitted; the form is as it was"), icon=":material/error:")
    try:
        polling = bool(store().records(ACTIVE))
        st.fragment(_standing, run_every=EVERY if polling else None)(sent["jobs"] if sent else [], polling=polling)
    except StoreError as error:
        st.error(plain(str(error)), icon=":material/error:")


def _submit() -> None:
    form: Form = st.session_state["training"].form
    sent = st.session_state.get(SENT)
    if sent and sent["form"] == form and not sent["problem"] and time.monotonic() - sent["at"] < AGAIN:
        return
    problem, ids = "", []
    try:
        jobs = make_jobs(form.spec, form.data, form.recipe, form.resources, name=form.title, varied=form.varied)
        ids = [record.id for record in desk.submit(jobs)]
    except ExplorerError as error:
        problem = str(error)
    except OSError as error:
        problem = _("the folder of the runs can't be written: {reason}").format(reason=error.strerror)
    st.session_state[SENT] = {"form": form, "at": time.monotonic(), "jobs": ids, "problem": problem}


def _standing(ids: Sequence[str], *, polling: bool) -> None:
    """The jobs just submitted and the queue, looked at anew only while there is anything to see."""
    everything = store().records()
    active = [record for record in everything if record.status in ACTIVE]
    if polling and not active:
        st.rerun()
    if mine := [record for record in everything if record.id in ids]:
        st.success(_where(mine, everything), icon=":material/check_circle:")
        st.page_link(
            RUNS, label=_("Watch it") if len(mine) == 1 else _("Watch them"), icon=":material/monitoring:",
            query_params={"job": ".".join(job.id for job in mine), **address.everywhere()},
        )  # fmt: skip
    _queue(active)


def _where(mine: Sequence[Record], everything: Sequence[Record]) -> str:
    first = mine[0]
    name = plain(first.name)
    if len(mine) > 1:
        return _("{count:,} jobs are submitted; {ahead:,} of others wait before them.").format(
            count=len(mine), ahead=desk.ahead(first.id, everything)
        )
    if first.status is not Status.QUEUED:
        return _("{name} is {status}.").format(name=name, status=status_name(first.status))
    ahead = desk.ahead(first.id, everything)
    busy = sum(record.status in AT_WORK for record in everything)
    if ahead or busy:
        return _("{name} is submitted; {ahead:,} wait and {busy:,} train before it.").format(
            name=name, ahead=ahead, busy=busy
        )
    return _("{name} is submitted and starts at once.").format(name=name)


def _queue(records: Sequence[Record]) -> None:
    if not records:
        st.caption(_("Nothing trains or waits on this server."))
        return
    st.caption(_("On this server, for everybody: {count:,} jobs train or wait.").format(count=len(records)))
    for record in records[:SHOWN]:
        words = (
            _("waits")
            if record.status is Status.QUEUED
            else _("trains, {share:.0%}").format(share=record.progress)
            if record.status is Status.RUNNING
            else _("stops")
        )
        st.markdown(_("- {name}: {words}").format(name=plain(record.name), words=words))
    if len(records) > SHOWN:
        st.caption(_("and {count:,} more").format(count=len(records) - SHOWN))
