"""Dialog that frees disk space: sizes of the runs, and a preview of each rule."""

import shutil
from collections.abc import Sequence

import streamlit as st

from explorer.errors import ExplorerError
from explorer.formatting import bytes_short
from explorer.i18n import _, ngettext
from explorer.jobs import retention
from explorer.jobs.retention import Clearing, Rule
from explorer.jobs.store import store
from explorer.settings import settings
from explorer.ui.runs import shared, state
from explorer.ui.runs.actions import close_dialog
from explorer.ui.shared import job_status
from explorer.ui.shared.text import plain

CLEAR = "clear"
DAYS = 30
MOST_DAYS = 3650
MAX_NAMES = 8


@st.dialog(_("Disk space"), icon=":material/hard_drive:", width="medium", on_dismiss=close_dialog)
def render() -> None:
    """Renders the disk space of the runs, the choice of a rule, and a preview of its effect."""
    records = store().records()
    total = sum(shared.sizes(records).values())
    free = shutil.disk_usage(settings().runs_dir).free if settings().runs_dir.exists() else 0
    st.markdown(
        ngettext(
            "{count:,} run takes **{size}**; {free} of the disk are free.",
            "{count:,} runs take **{size}**; {free} of the disk are free.",
            len(records),
        ).format(count=len(records), size=bytes_short(total), free=bytes_short(free))
    )
    rules = {
        Rule.BEST_ONLY: _("Keep only the best weights of finished runs"),
        Rule.FAILED: _("Delete all failed runs"),
        Rule.OLD: _("Delete runs that ended long ago"),
    }
    rule = st.radio(_("What to clear up"), list(rules), format_func=rules.get, key="runs.rule")
    days = 0
    if rule is Rule.OLD:
        days = st.number_input(
            _("Days since it ended"), min_value=1, max_value=MOST_DAYS, value=DAYS, step=1, key="runs.days"
        )
    clearings = retention.plan(records, rule, days)
    freed = bytes_short(sum(clearing.size for clearing in clearings))
    if not clearings:
        st.info(_("Nothing to clear up in this way."), icon=":material/check:")
    else:
        st.markdown(_preview(clearings, rule, freed))
    with st.container(horizontal=True):
        label = _("Free {size}").format(size=freed)
        if st.button(label, icon=":material/delete_forever:", key="runs.clear", disabled=not clearings):
            try:
                retention.clear(clearings)
            except (ExplorerError, OSError) as error:
                state.RunsState.of_session().error = str(error)
            close_dialog()
            state.RunsState.of_session().refresh()
        if st.button(_("Close"), key="runs.close"):
            close_dialog()
            state.RunsState.of_session().refresh()


def _preview(clearings: Sequence[Clearing], rule: Rule, freed: str) -> str:
    what = (
        ngettext(
            "{size} become free: checkpoints and last weights of {count:,} finished run go. Its curves, results and "
            "best weights stay, but training can't go on from where it ended.",
            "{size} become free: checkpoints and last weights of {count:,} finished runs go. Their curves, results and "
            "best weights stay, but training can't go on from where they ended.",
            len(clearings),
        )
        if rule is Rule.BEST_ONLY
        else ngettext(
            "{size} become free: {count:,} run goes for good, with curves, log, checkpoints and weights.",
            "{size} become free: {count:,} runs go for good, with curves, log, checkpoints and weights.",
            len(clearings),
        )
    )
    lines = [
        f"- **{plain(clearing.record.name)}**, {job_status.status_with_icon(clearing.record.status)}, "
        f"{bytes_short(clearing.size)}"
        for clearing in clearings[:MAX_NAMES]
    ]
    if len(clearings) > MAX_NAMES:
        lines.append(_("- and {count} more").format(count=len(clearings) - MAX_NAMES))
    return "\n".join([what.format(size=freed, count=len(clearings)), "", *lines])
