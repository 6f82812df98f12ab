"""From the form to the queue, and what already waits there."""

import time
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from explorer.errors import ExplorerError, InputError
from explorer.i18n import _, ngettext
from explorer.jobs import service
from explorer.jobs.store import ACTIVE, AT_WORK, Record, Status, store
from explorer.ui.page_state import refresh
from explorer.ui.runs.words import status_name
from explorer.ui.shared import address
from explorer.ui.shared.store_errors import show_store_errors, warn_if_runner_is_silent
from explorer.ui.shared.text import plain
from explorer.ui.train import state
from explorer.ui.train.form import records
from explorer.ui.train.state import Sent, Training

PAGES = Path(__file__).parents[3] / "pages"
RUNS, PREDICT = str(PAGES / "runs.py"), str(PAGES / "predict.py")
AGAIN = 10.0  # seconds in which the same form once more is a double click
EVERY = 5.0  # seconds between two looks at the queue
SHOWN = 6  # jobs of the queue


def render(training: Training, count: int, *, ready: bool) -> None:
    """The button, and what came of it."""
    label = _("Train") if count < 2 else _("Train {count:,} jobs").format(count=count)
    possible = ready and not training.problems
    st.button(
        label, icon=":material/play_arrow:", key="train-submit", width="stretch", on_click=state.want,
        disabled=not possible,
    )  # fmt: skip
    if training.problems:
        st.caption(
            _("Mend what is marked first: {fields}. The last good value would be used in its place.").format(
                fields=plain(", ".join(training.problems))
            )
        )
    if training.wanted:
        _submit(training, possible=possible)
    sent = training.sent
    if sent and sent.problem and (sent.form, sent.faults) == (training.form, training.problems):
        st.error(plain(sent.problem), title=_("Not submitted; the form is as it was"), icon=":material/error:")
    polling = bool(records(ACTIVE))
    st.fragment(_standing, run_every=EVERY if polling else None)(sent.jobs if sent else [], polling=polling)


def _submit(training: Training, *, possible: bool) -> None:
    """Submit the form that was wanted, which the page has checked by now."""
    form, sent = training.form, training.sent
    wanted, training.wanted = training.wanted, None
    again = sent and (sent.form, sent.faults) == (form, training.problems) and not sent.problem
    if sent and again and time.monotonic() - sent.at < AGAIN:
        return
    problem, ids = "", []
    try:
        if training.problems:
            raise InputError(next(iter(training.problems.values())))
        if form != wanted:
            raise InputError(_("The form was changed meanwhile; press Train again."))
        if not possible:
            raise InputError(
                _("This can't be trained as it stands: the page says why, beside network, data or memory.")
            )
        ids = [record.id for record in service.submit(form.jobs())]
    except ExplorerError as error:
        problem = str(error)
    except OSError as error:
        problem = _("the folder of the runs can't be written: {reason}").format(reason=error.strerror)
    training.sent = Sent(form, dict(training.problems), time.monotonic(), ids, problem)


@show_store_errors
def _standing(ids: Sequence[str], *, polling: bool) -> None:
    """The jobs just submitted and the queue, looked at anew only while there is anything to see."""
    service.keep_awake()
    warn_if_runner_is_silent()
    everything = store().records()
    active = [record for record in everything if record.status in ACTIVE]
    if polling and not active:
        refresh()
    if mine := [record for record in everything if record.id in ids]:
        st.success(_where(mine, everything), icon=":material/check_circle:")
        st.page_link(
            RUNS, label=_("Watch it") if len(mine) == 1 else _("Watch them"), icon=":material/monitoring:",
            query_params={"job": ".".join(job.id for job in mine), **address.shared_parameters()},
        )  # fmt: skip
        if len(mine) == 1 and mine[0].status is Status.FINISHED:
            st.page_link(
                PREDICT, label=_("Predict with it"), icon=":material/image_search:",
                query_params={"weights": mine[0].id, **address.shared_parameters()},
            )  # fmt: skip
    _queue(active)


def _where(mine: Sequence[Record], everything: Sequence[Record]) -> str:
    first = mine[0]
    name = plain(first.name)
    if len(mine) > 1:
        return _("{count:,} jobs are submitted; {ahead:,} of others wait before them.").format(
            count=len(mine), ahead=service.ahead(first.id, everything)
        )
    if first.status is not Status.QUEUED:
        return _("{name} is {status}.").format(name=name, status=status_name(first.status))
    ahead = service.ahead(first.id, everything)
    busy = sum(record.status in AT_WORK for record in everything)
    if ahead or busy:
        return _("{name} is submitted; {ahead:,} wait and {busy:,} train before it.").format(
            name=name, ahead=ahead, busy=busy
        )
    return _("{name} is submitted and starts at once.").format(name=name)


def _queue(active: Sequence[Record]) -> None:
    if not active:
        st.caption(_("Nothing trains or waits on this server."))
        return
    st.caption(
        ngettext(
            "On this server, for everybody: {count:,} job trains or waits.",
            "On this server, for everybody: {count:,} jobs train or wait.",
            len(active),
        ).format(count=len(active))
    )
    for record in active[:SHOWN]:
        words = (
            _("waits")
            if record.status is Status.QUEUED
            else _("trains, {share:.0%}").format(share=record.progress)
            if record.status is Status.RUNNING
            else _("stops")
        )
        st.markdown(_("- {name}: {words}").format(name=plain(record.name), words=words))
    if len(active) > SHOWN:
        st.caption(_("and {count:,} more").format(count=len(active) - SHOWN))
