"""What can be done with the chosen runs. What can't be undone is asked first, with what would be lost."""

from collections.abc import Callable, Sequence

import streamlit as st

from explorer.errors import ExplorerError
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.jobs import service
from explorer.jobs.store import ACTIVE, AT_WORK, RESUMABLE, Record, Status
from explorer.ui.runs import downloads, shared, state, words
from explorer.ui.runs.duplicate import train_link
from explorer.ui.shared import address
from explorer.ui.shared.text import plain

DELETE = "delete"
NAMED = 8  # runs that are listed before one thing is done to all
STOPPABLE = ACTIVE - {Status.STOPPING}


def render(records: Sequence[Record], listed: shared.Listed) -> None:
    """The buttons for one run or several."""
    stoppable = [record.id for record in records if record.status in STOPPABLE]
    resumable = [record.id for record in records if record.status in RESUMABLE]
    idle = tuple(record.id for record in records if record.status not in AT_WORK)
    one = records[0] if len(records) == 1 else None
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="runs-actions"):
        if stoppable:
            st.button(
                _counted(_("Stop"), stoppable, records), icon=":material/stop_circle:", key="runs.stop",
                on_click=_each, args=(service.stop, stoppable),
                help=_("Ends with a checkpoint; resume goes on from there."),
            )  # fmt: skip
        if resumable:
            st.button(
                _counted(_("Resume"), resumable, records), icon=":material/resume:", key="runs.resume",
                on_click=_each, args=(service.resume, resumable),
                help=_("Goes to the end of the queue and on from the last checkpoint."),
            )  # fmt: skip
        if one and one.status is Status.FINISHED and service.directory(one.id).best.is_file():
            st.page_link(
                "../pages/predict.py", label=_("Predict with it"), icon=":material/image_search:",
                query_params={"weights": one.id, **address.shared_parameters()}, width="content",
            )  # fmt: skip
        if one:
            st.page_link(
                "../pages/train.py", label=_("Duplicate with changes"), icon=":material/content_copy:",
                query_params={**train_link(one), **address.shared_parameters()}, width="content",
                help=_("Opens the Train page with this network, data and recipe."),
            )  # fmt: skip
            _rename(one)
        downloads.render(records)
        st.button(
            _counted(_("Delete"), idle, records), icon=":material/delete:", key="runs.delete", disabled=not idle,
            on_click=ask, args=(DELETE, idle),
            help=None if idle else _("A run at work is stopped first."),
        )  # fmt: skip
    watching = state.watching()
    if watching.asking[0] == DELETE:
        _confirm([record for record in listed.records if record.id in watching.asking[1]], listed)


def _counted(label: str, jobs: Sequence[str], records: Sequence[Record]) -> str:
    return label if len(records) == 1 else _("{action} ({count})").format(action=label, count=len(jobs))


def ask(what: str, jobs: tuple[str, ...] = ()) -> None:
    """Ask before something is done; it stays asked while the page is drawn anew."""
    watching = state.watching()
    watching.asking = (what, jobs)
    watching.mark_user_action()


def answered() -> None:
    """Nothing is asked any more."""
    ask("")


def _each(act: Callable[[str], object], jobs: Sequence[str]) -> None:
    """Do something to each run; the first that refuses says why, and the others are done all the same."""
    watching = state.watching()
    watching.mark_user_action()
    problems = []
    for job in jobs:
        try:
            act(job)
        except (ExplorerError, OSError) as error:
            problems.append(str(error))
    watching.said = problems[0] if problems else ""


def _rename(record: Record) -> None:
    with st.popover(_("Rename"), icon=":material/edit:", key="runs-rename", on_change="rerun") as menu:
        if menu.open:
            key = f"runs.name.{record.id}"
            st.text_input(
                _("Name"), value=record.name, max_chars=100, key=key,
                on_change=lambda: _each(lambda job: service.rename(job, st.session_state[key]), [record.id]),
            )  # fmt: skip


@st.dialog(_("Delete runs?"), icon=":material/delete:", on_dismiss=answered)
def _confirm(records: Sequence[Record], listed: shared.Listed) -> None:
    names = [f"- **{plain(record.name)}**, {words.status_with_icon(record.status)}" for record in records[:NAMED]]
    if len(records) > NAMED:
        names.append(_("- and {count} more").format(count=len(records) - NAMED))
    st.markdown("\n".join(names))
    size = sum(listed.sizes.get(record.id, 0) for record in records)
    st.markdown(
        _(
            "Curves, log, checkpoints and weights are lost for good; {size} become free. Download the weights first if "
            "you want to keep them."
        ).format(size=bytes_short(size))
    )
    with st.container(horizontal=True):
        if st.button(_("Delete for good"), icon=":material/delete_forever:", key="runs.delete-for-good"):
            _each(service.delete, [record.id for record in records])
            answered()
            state.watching().refresh()
        if st.button(_("Keep"), key="runs.keep"):
            answered()
            state.watching().refresh()
