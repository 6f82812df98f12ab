"""Downloads of runs: weights with their card, the log, and all metrics as CSV."""

import re
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from explorer.exports.spreadsheet import as_csv
from explorer.i18n import _, ngettext
from explorer.jobs import service
from explorer.jobs.store import Record
from explorer.ui.runs import shared
from explorer.ui.shared import weights_files


def render(records: Sequence[Record]) -> None:
    """Renders a menu of files. A file is read when it is downloaded."""
    with st.popover(_("Download"), icon=":material/download:", key="runs-download", on_change="rerun") as menu:
        if not menu.open:
            return
        if len(records) == 1:
            _files(records[0])
        st.download_button(
            _("Metrics, CSV"), data=lambda: metrics(records), file_name=f"{_stem(records)}-metrics.csv",
            mime="text/csv",
            icon=":material/table:", on_click="ignore", key="runs.csv",
        )  # fmt: skip


def _files(record: Record) -> None:
    directory, stem = service.directory(record.id), _stem([record])
    best = directory.best
    if best.exists():
        weights_files.render(best, stem, "runs")
    else:
        st.caption(_("There are weights after the first checkpoint."))
    if directory.log.exists():
        st.download_button(
            _("Log"), data=directory.log.read_bytes, file_name=f"{stem}.log", mime="text/plain",
            icon=":material/notes:", on_click="ignore", key="runs.log",
        )  # fmt: skip


def metrics(records: Sequence[Record]) -> str:
    """Returns all metrics as CSV: a row for each epoch and point of each run, a column for each metric."""
    curves = {record.id: shared.curves_of(record) for record in records}
    names = sorted({name for one in curves.values() for name in one})
    rows: list[list[str | float]] = [["id", "name", "epoch", *names]]
    for record in records:
        epochs: dict[float, dict[str, float]] = {}
        for name, line in curves[record.id].items():
            for point in line:
                epochs.setdefault(point.epoch, {})[name] = point.value
        for epoch, numbers in sorted(epochs.items()):
            rows.append([record.id, record.name, epoch, *(numbers.get(name, "") for name in names)])
    return as_csv(rows)


def _stem(records: Sequence[Record]) -> str:
    """Makes a file name from the name of a run: letters and digits of any language."""
    count = len(records)
    name = records[0].name if count == 1 else ngettext("{count} run", "{count} runs", count).format(count=count)
    return re.sub(r"\W+", "-", name).strip("-")[:80] or Path(records[0].id).name
