"""Table of all jobs. It polls the store while jobs are active. The marked rows are the chosen runs.

The browser marks a choice at once, and the server learns of it afterwards.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import streamlit as st

from explorer.formatting import NONE, bytes_short, duration
from explorer.i18n import _, language
from explorer.jobs.store import ACTIVE, Record
from explorer.ui.callbacks import trigger_value
from explorer.ui.glossary import explain_in_text
from explorer.ui.runs import preview, shared, state, words
from explorer.ui.runs.view import MAX_CHOSEN
from explorer.ui.shared import job_status
from explorer.ui.shared.store_errors import show_store_errors, warn_if_runner_is_silent

ROWS_SHOWN = 6  # more would push the curves off the screen
POLL_INTERVAL = 2.0  # seconds between two reads of the store
ASSETS = Path(__file__).parents[1] / "assets"

_mount = st.components.v2.component(
    "explorer_run_table",
    html=(ASSETS / "run_table.html").read_text(encoding="utf-8"),
    css=(ASSETS / "run_table.css").read_text(encoding="utf-8"),
    js=preview.SCRIPT + (ASSETS / "run_table.js").read_text(encoding="utf-8"),
)


class Column(NamedTuple):
    """A column of the table: name of the values, heading, width in rem, explanation, and whether it has numbers."""

    key: str
    title: str
    width: float
    help: str = ""
    number: bool = False


Cell = str | tuple[float | None, str] | None  # a text, or a number with its text


def rows(listed: shared.RunList, zone: str | None) -> list[dict[str, Any]]:
    """Returns one row for each run: its id, the cells of :func:`columns`, and its curve for the preview."""
    clock = ZoneInfo(zone or "UTC")
    return [
        {"id": record.id, "cells": _cells(record, listed, clock), "line": listed.lines.get(record.id, [])}
        for record in listed.records
    ]


def _cells(record: Record, listed: shared.RunList, clock: ZoneInfo) -> list[Cell]:
    seconds, elapsed = listed.seconds.get(record.id), words.elapsed_seconds(record)
    size = listed.sizes[record.id]
    return [
        record.name,
        job_status.status_with_sign(record.status),
        (100 * record.progress, f"{record.progress:.0%}"),
        _("waits for Ray")
        if (record.live or {}).get("waits")
        else words.current_step(record, listed.ahead.get(record.id)),
        *([words.machine(record)] if shared.has_machines() else []),
        _in_percent(listed.best.get(record.id)),
        _in_percent(listed.top3.get(record.id)),
        _in_percent((record.result or {}).get("top1")),
        None if seconds is None else (seconds, f"{seconds:.1f} s"),
        words.network(record),
        words.data(record),
        words.recipe(record),
        None if record.started is None else (record.started, _moment(datetime.fromtimestamp(record.started, clock))),
        None if elapsed is None else (elapsed, duration(elapsed)),
        (size, bytes_short(size)),
    ]


def _in_percent(share: float | None) -> Cell:
    return None if share is None else (100 * share, f"{share:.2%}")


def _moment(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y, %H:%M}"


def columns() -> list[Column]:
    """Returns the columns of the table."""
    return [
        Column("name", _("Name"), 18),
        Column("status", _("Status"), 7),
        Column("progress", _("Progress"), 7),
        Column("at", _("To go"), 7.5, _("Position in the queue, or the time left at the pace so far.")),
        *(
            [Column("machine", _("Machine"), 8, _("Where the run trains, or trained last."))]
            if shared.has_machines()
            else []
        ),
        Column(
            "best", _("Validation"), 6, explain_in_text("validation", _("Top-1 of the best epoch so far.")), number=True
        ),
        Column("top3", _("Top-3"), 5, _("Of the same epoch, on the same images."), number=True),
        Column("test", _("Test"), 5, _("Top-1 on images that were not used to choose anything."), number=True),
        Column("epoch", _("Epoch"), 5, _("Seconds per epoch, the median."), number=True),
        Column("network", _("Network"), 12),
        Column("data", _("Data"), 6),
        Column("recipe", _("Recipe"), 15.5),
        Column("started", _("Started"), 9.5),
        Column("took", _("Took"), 7, _("From the last start of its processes to their end."), number=True),
        Column("size", _("On disk"), 6, number=True),
    ]


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
    page = state.RunsState.of_session()
    if page.selection_changed:  # the callback ran only this fragment
        page.selection_changed = False
        st.rerun()
    listed = shared.list_runs(state.query())
    warn_if_runner_is_silent()
    if page.notes_changes(listed):
        page.refresh()  # buttons and filters depend on it
    page.row_ids = [record.id for record in listed.records]
    _mount(
        key=state.TABLE,
        data={
            "columns": [column._asdict() for column in columns()],
            "rows": rows(listed, st.context.timezone),
            "chosen": list(page.view.job),
            "number": page.choice_number,
            "session": page.token,
            "most": MAX_CHOSEN,
            "shown": ROWS_SHOWN,
            "language": language(),
            "labels": {
                "table": _("Runs with status, progress, accuracy, network, data and recipe"),
                "all": _("Choose all listed runs"),
                "most": _("At most {count} runs can be chosen.").format(count=MAX_CHOSEN),
                "none": NONE,
            },
        },
        on_choose_change=_select,
    )


def _select() -> None:
    page = state.RunsState.of_session()
    match trigger_value(state.TABLE, "choose"):
        case {"jobs": [*jobs], "number": int(number)}:
            known = {*page.row_ids, *page.view.job}  # runs hidden by the filters can stay chosen
            page.choice_number = number
            state.choose(list(dict.fromkeys(job for job in jobs if job in known)))
            page.selection_changed = True
