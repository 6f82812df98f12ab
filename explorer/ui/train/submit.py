"""The Train button, and the state of the queue."""

import time
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from explorer import access
from explorer.drawing.theme import DARK, LIGHT
from explorer.errors import ExplorerError, InputError
from explorer.i18n import _, ngettext
from explorer.jobs import service
from explorer.jobs.store import ACTIVE, AT_WORK, Record, Status, store
from explorer.ui.page_state import refresh
from explorer.ui.shared import address
from explorer.ui.shared.class_run import offer_jobs
from explorer.ui.shared.job_status import status_name
from explorer.ui.shared.store_errors import show_store_errors, warn_if_runner_is_silent
from explorer.ui.shared.text import plain
from explorer.ui.shared.train_form import records
from explorer.ui.train import state
from explorer.ui.train.state import Submission, Training

PAGES = Path(__file__).parents[3] / "pages"
RUNS, PREDICT = str(PAGES / "runs.py"), str(PAGES / "predict.py")
DOUBLE_CLICK = 10.0  # seconds in which a second click with the same form is ignored
POLL_INTERVAL = 5.0  # seconds between two reads of the queue
MAX_SHOWN = 6  # jobs listed


# White words on the light blue of dark pages would be hard to read. On a phone, the button is always in sight, and the
# page gets room below its last element.
STYLE = f"""<style>
.st-key-train-submit button:not(:disabled) * {{ color: light-dark({LIGHT.ground}, {DARK.ground}) }}
@media (max-width: 640px) {{
  .st-key-train-submit {{ position: fixed; left: 1rem; bottom: 0.75rem; z-index: 100;
                         width: calc(100% - 2rem) !important }}
  [data-testid="stMainBlockContainer"] {{ padding-bottom: 6rem }}
}}</style>"""


def render(training: Training, count: int, *, ready: bool) -> None:
    """Renders the button, and the result of its last click."""
    st.html(STYLE)
    many = ngettext("Train {count:,} job", "Train {count:,} jobs", count).format(count=count)
    label = many if count > 1 else _("Train")
    can_train, refusal = ready and not training.problems, access.refusal()
    st.button(
        label, icon=":material/play_arrow:", key="train-submit", width="stretch", on_click=state.request_training,
        disabled=not can_train or bool(refusal), type="primary", help=refusal or None,
    )  # fmt: skip
    if training.problems:
        st.caption(
            _("Correct the marked fields first: {fields}. Otherwise their last valid values would be used.").format(
                fields=plain(", ".join(training.problems))
            )
        )
    if training.requested:
        _submit(training, can_train=can_train)
    submission = training.submission
    if submission and submission.problem and submission.is_current(training):
        st.error(plain(submission.problem), title=_("Not submitted; the form is unchanged"), icon=":material/error:")
    polling = bool(records(ACTIVE))
    jobs = submission.jobs if submission else []
    st.fragment(_render_status, run_every=POLL_INTERVAL if polling else None)(jobs, polling=polling)


def _submit(training: Training, *, can_train: bool) -> None:
    """Submits the requested form, which this run of the page has checked."""
    form, submission = training.form, training.submission
    requested, training.requested = training.requested, None
    is_repeated = submission and not submission.problem and submission.is_current(training)
    if submission and is_repeated and time.monotonic() - submission.time < DOUBLE_CLICK:
        return
    problem, ids = "", []
    try:
        if training.problems:
            raise InputError(next(iter(training.problems.values())))
        if form != requested:
            raise InputError(_("The form was changed meanwhile; press Train again."))
        if not can_train:
            raise InputError(
                _("This can't be trained as it stands: the reason is shown next to network, data or memory.")
            )
        ids = [record.id for record in service.submit(form.jobs())]
    except ExplorerError as error:
        problem = str(error)
    except OSError as error:
        problem = _("the folder of the runs can't be written: {reason}").format(reason=error.strerror)
    training.submission = Submission(form, dict(training.problems), time.monotonic(), ids, problem)


@show_store_errors
def _render_status(ids: Sequence[str], *, polling: bool) -> None:
    """Renders the jobs just submitted, and the queue. Polls only while there are active jobs."""
    service.check_runner()
    warn_if_runner_is_silent()
    all_records = store().records()
    active = [record for record in all_records if record.status in ACTIVE]
    if polling and not active:
        refresh()
    if submitted := [record for record in all_records if record.id in ids]:
        st.success(_submission_text(submitted, all_records), icon=":material/check_circle:")
        offer_jobs([record.id for record in submitted])
        st.page_link(
            RUNS, label=_("Watch it") if len(submitted) == 1 else _("Watch them"), icon=":material/monitoring:",
            query_params={"job": ".".join(job.id for job in submitted), **address.shared_parameters()},
        )  # fmt: skip
        if len(submitted) == 1 and submitted[0].status is Status.FINISHED:
            st.page_link(
                PREDICT, label=_("Predict with it"), icon=":material/image_search:",
                query_params={"weights": submitted[0].id, **address.shared_parameters()},
            )  # fmt: skip
    _render_queue(active)


def _submission_text(submitted: Sequence[Record], all_records: Sequence[Record]) -> str:
    first = submitted[0]
    name = plain(first.name)
    if len(submitted) > 1:
        ahead = service.jobs_ahead(first.id, all_records)
        return ngettext(
            "{count:,} jobs are submitted; {ahead:,} other job waits before them.",
            "{count:,} jobs are submitted; {ahead:,} other jobs wait before them.",
            ahead,
        ).format(count=len(submitted), ahead=ahead)
    if first.status is not Status.QUEUED:
        return _("{name} is {status}.").format(name=name, status=status_name(first.status))
    ahead = service.jobs_ahead(first.id, all_records)
    busy = sum(record.status in AT_WORK for record in all_records)
    if ahead or busy:
        return _("{name} is submitted; {ahead:,} wait and {busy:,} train before it.").format(
            name=name, ahead=ahead, busy=busy
        )
    return _("{name} is submitted and starts at once.").format(name=name)


def _render_queue(active: Sequence[Record]) -> None:
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
    for record in active[:MAX_SHOWN]:
        words = (
            _("waits")
            if record.status is Status.QUEUED
            else _("trains, {share:.0%}").format(share=record.progress)
            if record.status is Status.RUNNING
            else _("stops")
        )
        st.markdown(_("- {name}: {words}").format(name=plain(record.name), words=words))
    if len(active) > MAX_SHOWN:
        st.caption(_("and {count:,} more").format(count=len(active) - MAX_SHOWN))
