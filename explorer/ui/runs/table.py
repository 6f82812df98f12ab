"""Table of all jobs. It polls the store while jobs are active. The selected rows are the chosen runs."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from explorer.formatting import NONE, duration
from explorer.i18n import _
from explorer.jobs.store import ACTIVE
from explorer.ui.glossary import explain
from explorer.ui.runs import shared, state, words
from explorer.ui.shared import job_status
from explorer.ui.shared.store_errors import show_store_errors, warn_if_runner_is_silent

ROW = 32
ROWS_SHOWN = 6  # more would push the curves off the screen
POLL_INTERVAL = 2.0  # seconds between two reads of the store
COLUMNS = (
    "name", "status", "progress", "at", "best", "top3", "test", "epoch", "network", "data", "recipe", "started", "took",
    "size",
)  # fmt: skip


def rows(listed: shared.RunList, zone: str | None) -> pd.DataFrame:
    """Returns one row for each run."""
    clock = ZoneInfo(zone or "UTC")
    return pd.DataFrame(
        [
            (
                record.name,
                job_status.status_with_sign(record.status),
                100 * record.progress,
                words.current_step(record, listed.ahead.get(record.id)),
                _in_percent(listed.best.get(record.id)),
                _in_percent(listed.top3.get(record.id)),
                _in_percent((record.result or {}).get("top1")),
                listed.seconds.get(record.id),
                words.network(record),
                words.data(record),
                words.recipe(record),
                record.started and datetime.fromtimestamp(record.started, clock),
                NONE if (seconds := words.elapsed_seconds(record)) is None else duration(seconds),
                listed.sizes[record.id],
            )
            for record in listed.records
        ],
        columns=list(COLUMNS),
    )


def _in_percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def columns() -> dict[str, Any]:
    """Returns titles, tooltips and formats of the columns."""
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "name": text(_("Name"), pinned=True, width=190),
        "status": text(_("Status"), width=105),
        "progress": st.column_config.ProgressColumn(
            _("Progress"), min_value=0, max_value=100, format="%.0f%%", width=110
        ),
        "at": text(_("To go"), help=_("Position in the queue, or the time left at the pace so far."), width=120),
        "best": number(
            _("Validation"), format="%.2f%%", width=90,
            help=explain("validation", _("Top-1 of the best epoch so far.")),
        ),
        "top3": number(
            _("Top-3"), format="%.2f%%", width=80, help=_("Of the same epoch, on the same images."),
        ),
        "epoch": number(_("Epoch"), format="%.1f s", width=75, help=_("Seconds per epoch, the median.")),
        "test": number(
            _("Test"), format="%.2f%%", width=80, help=_("Top-1 on images that were not used to choose anything."),
        ),
        "network": text(_("Network"), width=170),
        "data": text(_("Data"), width=90),
        "recipe": text(_("Recipe"), width=230),
        "started": st.column_config.DatetimeColumn(_("Started"), format="D MMM YYYY, HH:mm", width=140),
        "took": text(_("Took"), help=_("From the last start of its processes to their end."), width=100),
        "size": number(_("On disk"), width=90),
    }  # fmt: skip


def render(listed: shared.RunList) -> None:
    """Renders the table of the runs that match the filters. It polls while a run is active."""
    if not listed.matching:
        st.info(_("No run matches the filters above."), icon=":material/filter_alt:")
        return
    polling = bool(ACTIVE & listed.overview.statuses.keys())
    st.fragment(_render, run_every=POLL_INTERVAL if polling else None)()
    if listed.matching > shared.PAGE:
        _render_pages(listed)


def _render_pages(listed: shared.RunList) -> None:
    """Renders which page of the list is shown, and buttons to the pages before and after it."""
    page = state.RunsState.of_session().view.sheet
    first = (page - 1) * shared.PAGE + 1
    with st.container(horizontal=True, vertical_alignment="center", key="runs-pages"):
        st.button(
            _("Newer"), icon=":material/chevron_left:", key="runs.newer", disabled=page == 1,
            on_click=state.change, kwargs={"sheet": page - 1},
        )  # fmt: skip
        st.button(
            _("Older"), icon=":material/chevron_right:", key="runs.older",
            disabled=first + shared.PAGE > listed.matching, on_click=state.change, kwargs={"sheet": page + 1},
        )  # fmt: skip
        st.caption(
            _("Runs {first:,} to {last:,} of {count:,}, the newest first").format(
                first=first, last=first + len(listed.records) - 1, count=listed.matching
            )
        )


@show_store_errors
def _render() -> None:
    page, listed = state.RunsState.of_session(), shared.list_runs(state.query())
    warn_if_runner_is_silent()
    if page.notes_changes(listed):
        page.refresh()  # buttons and filters depend on it
    page.row_ids = [record.id for record in listed.records]
    chosen = [row for row, job in enumerate(page.row_ids) if job in page.view.job]
    selection: Any = {"selection": {"rows": chosen}}
    widget = st.session_state.get(state.TABLE)
    if widget is not None and sorted(widget["selection"]["rows"]) != chosen:
        st.session_state[state.TABLE] = selection
    st.dataframe(
        words.with_sizes(rows(listed, st.context.timezone)),
        hide_index=True,
        column_config=columns(),
        row_height=ROW,
        height=ROW * (min(max(len(listed.records), 1), ROWS_SHOWN) + 1) + 2,
        on_select=_select,
        selection_mode="multi-row",
        # For the first run of the table: the next one may start before the browser has rendered it.
        selection_default=selection,
        key=state.TABLE,
        placeholder=NONE,
        alt=_("Runs with status, progress, accuracy, network, data and recipe"),
    )
    if page.selection_changed:  # the callback ran only this fragment
        page.selection_changed = False
        st.rerun()


def _select() -> None:
    page = state.RunsState.of_session()
    selected = st.session_state[state.TABLE].selection.rows
    listed = [page.row_ids[row] for row in selected if row < len(page.row_ids)]
    # Runs hidden by the filters stay chosen. The order of the chosen runs stays, too, because it determines colours.
    remaining = [job for job in page.view.job if job in listed or job not in page.row_ids]
    state.choose(list(dict.fromkeys([*remaining, *listed])))
    page.selection_changed = True
