"""Actions on the chosen runs. A dialog confirms an action that can't be undone, and shows what would be lost."""

from collections.abc import Callable, Sequence

import streamlit as st

from explorer import access
from explorer.drawing.theme import DARK, LIGHT
from explorer.errors import ExplorerError
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.jobs import service
from explorer.jobs.store import ACTIVE, AT_WORK, RESUMABLE, Record, Status
from explorer.ui.runs import downloads, shared, state
from explorer.ui.runs.duplicate import train_link
from explorer.ui.shared import address, job_status
from explorer.ui.shared.text import plain

DELETE = "delete"
MAX_NAMES = 8  # runs listed in the dialog
# Links look like the buttons next to them. The main action of a finished run is filled.
STYLE = f"""<style>
  .st-key-runs-heading {{ min-width: min(26rem, 100%) }}
  .st-key-runs-actions [data-testid="stPageLink"] a {{
    border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: 6px; min-height: 2.5rem;
    padding: 0.25rem 0.75rem }}
  .st-key-runs-predict [data-testid="stPageLink"] a {{
    background: light-dark({LIGHT.accent}, {DARK.accent}); border-color: transparent }}
  .st-key-runs-predict [data-testid="stPageLink"] a * {{ color: light-dark({LIGHT.ground}, {DARK.ground}) }}
</style>"""
STOPPABLE = ACTIVE - {Status.STOPPING}


def render(records: Sequence[Record], listed: shared.RunList) -> None:
    """Renders the buttons for one run or several."""
    changeable = [record for record in records if not access.refusal(record.owner)]
    stoppable = [record.id for record in changeable if record.status in STOPPABLE]
    resumable = [record.id for record in changeable if record.status in RESUMABLE]
    idle = tuple(record.id for record in changeable if record.status not in AT_WORK)
    one = records[0] if len(records) == 1 else None
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", width="content", key="runs-actions"):
        if stoppable:
            st.button(
                _label(_("Stop"), stoppable, records), icon=":material/stop_circle:", key="runs.stop",
                on_click=_for_each, args=(service.stop, stoppable),
                help=_("Ends with a checkpoint; resume goes on from there."),
            )  # fmt: skip
        if resumable:
            st.button(
                _label(_("Resume"), resumable, records), icon=":material/resume:", key="runs.resume",
                on_click=_for_each, args=(service.resume, resumable),
                help=_("Goes to the end of the queue and on from the last checkpoint."),
            )  # fmt: skip
        if one and one.status is Status.FINISHED and service.directory(one.id).best.is_file():
            with st.container(width="content", key="runs-predict"):
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
            if changeable:
                _rename(one)
        downloads.render(records)
        if changeable:
            st.button(
                _label(_("Delete"), idle, records), icon=":material/delete:", key="runs.delete", disabled=not idle,
                type="tertiary",
                on_click=open_dialog, args=(DELETE, idle),
                help=None if idle else _("A run that is training is stopped first."),
            )  # fmt: skip
        elif one and one.owner and not access.read_only_reason():
            st.caption(_("Belongs to {owner}").format(owner=plain(one.owner)), width="content")
    page = state.RunsState.of_session()
    if page.dialog[0] == DELETE:
        _confirm([record for record in listed.chosen if record.id in page.dialog[1]], listed)


def _label(label: str, jobs: Sequence[str], records: Sequence[Record]) -> str:
    return label if len(records) == 1 else _("{action} ({count})").format(action=label, count=len(jobs))


def open_dialog(name: str, jobs: tuple[str, ...] = ()) -> None:
    """Opens a dialog for some jobs. It stays open when the page runs again."""
    page = state.RunsState.of_session()
    page.dialog = (name, jobs)
    page.mark_user_action()


def close_dialog() -> None:
    """Closes the open dialog."""
    open_dialog("")


def _for_each(action: Callable[[str], object], jobs: Sequence[str]) -> None:
    """Runs an action on each job. Continues after an error, and shows the first one."""
    page = state.RunsState.of_session()
    page.mark_user_action()
    problems = []
    for job in jobs:
        try:
            action(job)
        except (ExplorerError, OSError) as error:
            problems.append(str(error))
    page.error = problems[0] if problems else ""


def _rename(record: Record) -> None:
    with st.popover(_("Rename"), icon=":material/edit:", key="runs-rename", on_change="rerun") as menu:
        if menu.open:
            key = f"runs.name.{record.id}"
            st.text_input(
                _("Name"), value=record.name, max_chars=100, key=key,
                on_change=lambda: _for_each(lambda job: service.rename(job, st.session_state[key]), [record.id]),
            )  # fmt: skip


@st.dialog(_("Delete runs?"), icon=":material/delete:", on_dismiss=close_dialog)
def _confirm(records: Sequence[Record], listed: shared.RunList) -> None:
    names = [
        f"- **{plain(record.name)}**, {job_status.status_with_icon(record.status)}" for record in records[:MAX_NAMES]
    ]
    if len(records) > MAX_NAMES:
        names.append(_("- and {count} more").format(count=len(records) - MAX_NAMES))
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
            _for_each(service.delete, [record.id for record in records])
            close_dialog()
            state.RunsState.of_session().refresh()
        if st.button(_("Keep"), key="runs.keep"):
            close_dialog()
            state.RunsState.of_session().refresh()
