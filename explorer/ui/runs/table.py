"""All jobs in a table that follows them while they run; its ticked rows are the runs chosen."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from explorer.formatting import duration
from explorer.i18n import _
from explorer.jobs.store import ACTIVE, Record
from explorer.ui.glossary import explain
from explorer.ui.runs import shared, state, words
from explorer.ui.shared.store_errors import show_store_errors, warn_if_runner_is_silent

ROW = 32
ROWS_SHOWN = 10
TICK = 2.0  # seconds between two looks at runs that are active
COLUMNS = (
    "name", "status", "progress", "at", "best", "top3", "test", "epoch", "network", "data", "recipe", "started", "took",
    "size",
)  # fmt: skip


def rows(listed: shared.Listed, records: list[Record], zone: str | None) -> pd.DataFrame:
    """One row for each run."""
    clock = ZoneInfo(zone or "UTC")
    return pd.DataFrame(
        [
            (
                record.name,
                words.status_with_sign(record.status),
                100 * record.progress,
                words.at(record, listed.records),
                _in_percent(listed.best.get(record.id)),
                _in_percent(listed.top3.get(record.id)),
                _in_percent((record.result or {}).get("top1")),
                listed.seconds.get(record.id),
                words.network(record),
                words.data(record),
                words.recipe(record),
                record.started and datetime.fromtimestamp(record.started, clock),
                words.NONE if (seconds := words.took(record)) is None else duration(seconds),
                listed.sizes[record.id],
            )
            for record in records
        ],
        columns=list(COLUMNS),
    )


def _in_percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def columns() -> dict[str, Any]:
    """Titles, explanations and formats of the columns."""
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "name": text(_("Name"), pinned=True, width=190),
        "status": text(_("Status"), width=105),
        "progress": st.column_config.ProgressColumn(
            _("Progress"), min_value=0, max_value=100, format="%.0f%%", width=110
        ),
        "at": text(_("To go"), help=_("Place in the queue, or the time that is left at the pace so far."), width=120),
        "best": number(
            _("Validation"), format="%.2f%%", width=90,
            help=explain("validation", _("Top-1 of the best epoch so far.")),
        ),
        "top3": number(
            _("Top-3"), format="%.2f%%", width=80, help=_("Of the same epoch, on the same images."),
        ),
        "epoch": number(_("Epoch"), format="%.1f s", width=75, help=_("Seconds of an epoch, the middle one.")),
        "test": number(
            _("Test"), format="%.2f%%", width=80, help=_("Top-1 on images by which nothing was chosen."),
        ),
        "network": text(_("Network"), width=170),
        "data": text(_("Data"), width=90),
        "recipe": text(_("Recipe"), width=230),
        "started": st.column_config.DatetimeColumn(_("Started"), format="D MMM YYYY, HH:mm", width=140),
        "took": text(_("Took"), help=_("From the last start of its processes to their end."), width=100),
        "size": number(_("On disk"), width=90),
    }  # fmt: skip


def render(listed: shared.Listed) -> None:
    """The table of the runs that the filters let through; it ticks while one of them is active."""
    records = _matching(listed)
    if not records:
        st.info(_("No run is like that: change the filters above."), icon=":material/filter_alt:")
        return
    ticking = any(record.status in ACTIVE for record in records)
    st.fragment(_render, run_every=TICK if ticking else None)()


def _matching(listed: shared.Listed) -> list[Record]:
    texts = {
        record.id: f"{record.name} {words.network(record)} {record.dataset} {record.id}".casefold()
        for record in listed.records
    }
    return state.matching(listed.records, state.watching().view, texts)


@show_store_errors
def _render() -> None:
    watching, listed = state.watching(), shared.listed()
    warn_if_runner_is_silent()
    if {record.id: record.status for record in listed.records} != watching.statuses:
        watching.refresh()  # buttons and filters depend on it
    records = _matching(listed)
    watching.order = [record.id for record in records]
    chosen = [row for row, job in enumerate(watching.order) if job in watching.view.job]
    selection: Any = {"selection": {"rows": chosen}}
    held = st.session_state.get(state.TABLE)
    if held is not None and sorted(held["selection"]["rows"]) != chosen:
        st.session_state[state.TABLE] = selection
    st.dataframe(
        words.with_sizes(rows(listed, records, st.context.timezone)),
        hide_index=True,
        column_config=columns(),
        row_height=ROW,
        height=ROW * (min(max(len(records), 1), ROWS_SHOWN) + 1) + 2,
        on_select=_picked,
        selection_mode="multi-row",
        # Of a table that is not there yet: its next look at the store may be sent before the browser has drawn it.
        selection_default=selection,
        key=state.TABLE,
        placeholder=words.NONE,
        alt=_("Runs with status, progress, accuracy, network, data and recipe"),
    )
    if watching.picked:  # in this part of the page alone
        watching.picked = False
        st.rerun()


def _picked() -> None:
    watching = state.watching()
    ticked = st.session_state[state.TABLE].selection.rows
    listed = [watching.order[row] for row in ticked if row < len(watching.order)]
    # Those that the filters hide stay chosen, and the first chosen stays the first: it keeps its colour.
    kept = [job for job in watching.view.job if job in listed or job not in watching.order]
    state.choose(list(dict.fromkeys([*kept, *listed])))
    watching.picked = True
