"""The files of runs on disk, and their purposes."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.jobs import retention, service
from explorer.jobs.store import Record
from explorer.ui.runs import shared, words
from explorer.ui.shared import job_status
from explorer.ui.shared.text import plain

ROW = 32
ROWS_SHOWN = 14


def purpose(name: str) -> str:
    """Returns the purpose of a file of a run. Empty if unknown."""
    purposes = {
        "job.json": _("what was submitted"),
        "progress.json": _("its progress"),
        "metrics.jsonl": _("numbers of each epoch"),
        "end.json": _("how it ended"),
        "best.safetensors": _("weights of the best epoch, with their card"),
        "best.json": _("the card of the best weights"),
        "last.safetensors": _("weights of the last epoch, with their card"),
        "last.json": _("the card of the last weights"),
        "resume.pt": _("all that resume needs to continue exactly"),
        "class_indices.json": _("names of the classes"),
        "log.txt": _("what its processes printed"),
        "mistakes.json": _("misclassified images"),
    }
    if name.startswith("events.out.tfevents"):
        return _("the same curves for TensorBoard")
    return purposes.get(name, "")


def render(records: Sequence[Record], listed: shared.RunList) -> None:
    """Renders the files of one run, or the disk space of each of several runs."""
    if len(records) == 1:
        found = retention.files(records[0].id)
        frame = pd.DataFrame(
            [
                (
                    file.name, purpose(file.name), size, datetime.fromtimestamp(file.stat().st_mtime, UTC),
                )
                for file, size in found.items()
                if file.exists()
            ],
            columns=["name", "purpose", "size", "changed"],
        )  # fmt: skip
        total = sum(found.values())
    else:
        frame = pd.DataFrame(
            [(record.name, job_status.status_with_sign(record.status), listed.sizes[record.id]) for record in records],
            columns=["name", "purpose", "size"],
        )
        total = sum(listed.sizes[record.id] for record in records)
    if frame.empty:
        st.info(_("It has no files yet."), icon=":material/folder:")
        return
    st.dataframe(
        words.with_sizes(frame),
        hide_index=True,
        row_height=ROW,
        height=ROW * (min(len(frame), ROWS_SHOWN) + 1) + 2,
        column_config={
            "name": st.column_config.TextColumn(_("Name"), pinned=True),
            "purpose": st.column_config.TextColumn(_("What it is") if len(records) == 1 else _("Status")),
            "size": st.column_config.NumberColumn(_("Size")),
            "changed": st.column_config.DatetimeColumn(_("Changed"), format="localized"),
        },
        alt=_("Files with their size"),
    )
    st.caption(_("{size} in all").format(size=bytes_short(total)))
    if len(records) == 1:
        st.caption(
            _("Folder on the server: {folder}").format(folder=plain(str(service.directory(records[0].id).folder)))
        )
