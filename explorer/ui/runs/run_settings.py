"""Comparison of the settings of runs: network, data, recipe and resources."""

from collections.abc import Sequence

import streamlit as st

from explorer.formatting import NONE
from explorer.i18n import _
from explorer.jobs.compare import SPEC, Difference, compare_fields
from explorer.jobs.store import Record
from explorer.ui.runs import state, words
from explorer.ui.shared import html_tables
from explorer.ui.shared.html_tables import cell

MAX_COLUMNS = 12  # most runs, so that the table is legible
MAX_CHARACTERS = 60  # of a value in a cell


def render(records: Sequence[Record], *, dark: bool) -> None:
    """Renders the settings in which the runs differ, or all settings."""
    several = len(records) > 1
    if several:
        listed = {"different": _("Only differences"), "all": _("All settings")}
        st.segmented_control(
            _("Settings"), list(listed), required=True, format_func=listed.__getitem__, key=state.VIEW + "settings",
            label_visibility="collapsed", persist_state="page",
        )  # fmt: skip
    everything = not several or st.session_state[state.VIEW + "settings"] == "all"
    shown = records[:MAX_COLUMNS]
    found = compare_fields(shown, everything=everything)
    if len(records) > MAX_COLUMNS:
        st.caption(_("The first {shown} of {count} runs.").format(shown=MAX_COLUMNS, count=len(records)))
    if not found:
        st.success(_("Network, data, recipe and resources are the same."), icon=":material/check:")
    network = [row for row in found if row.key.startswith(SPEC)]
    recipe = [row for row in found if not row.key.startswith(SPEC)]
    for title, rows in ((_("Network"), network), (_("Data, recipe and resources"), recipe)):
        if rows:
            st.header(title, anchor=False)
            html_tables.show(_table(title, rows, shown), dark=dark)


def _table(title: str, rows: Sequence[Difference], records: Sequence[Record]) -> str:
    return html_tables.table(
        title,
        [_("Setting"), *(record.name for record in records)],
        [[row.key.removeprefix(SPEC), *map(_value, row.values)] for row in rows],
    )


def _value(value: object) -> str:
    text = NONE if value is None else words.value(value)
    return cell(text, exact=text) if len(text) <= MAX_CHARACTERS else cell(text[: MAX_CHARACTERS - 1] + "…", exact=text)
