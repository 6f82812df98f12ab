"""The part of the page that follows the chosen runs while one of them is active: progress, curves, log."""

import streamlit as st

from explorer.i18n import _
from explorer.jobs.store import ACTIVE, Record
from explorer.ui.compare import html
from explorer.ui.faults import in_words
from explorer.ui.runs import curves, printed, progress, shared, state, table
from explorer.ui.runs.legend import legend
from explorer.ui.runs.lines import drawn, last_epoch, lines
from explorer.ui.runs.view import Section, View
from explorer.ui.text import plain

PERCENT = ".1~%"


def draw(jobs: list[str], section: Section, *, active: bool) -> None:
    """Follow runs.

    Args:
        jobs: ids of the chosen ones.
        section: that is open.
        active: whether one of them will change by itself.
    """
    st.fragment(_draw, run_every=table.TICK if active else None)(jobs, section)


@in_words
def _draw(jobs: list[str], section: Section) -> None:
    watching, listed = state.watching(), shared.listed()
    known = {record.id: record for record in listed.records}
    records = [known[job] for job in jobs if job in known]
    if any(watching.statuses.get(record.id) != record.status for record in records) or len(records) < len(jobs):
        watching.again()  # buttons, sections and the pace depend on it
    dark = st.context.theme.type == "dark"
    if len(records) == 1:
        progress.draw(records[0], listed)
    if section == "curves":
        draw_curves(records, watching.view, dark=dark)
    elif section == "log":
        draw_logs(records)


def draw_curves(records: list[Record], view: View, *, dark: bool) -> None:
    """Loss, accuracy and learning rate over the epochs, with best and last numbers."""
    shown = drawn(records, together=view.seeds == "together")
    epochs = last_epoch(shown)
    if not any(one for each in shown for one in each.curves):
        active = any(record.status in ACTIVE for record in records)
        st.info(
            _("The curves begin with the end of the first epoch.")
            if active
            else _("No epoch was finished, so there are no curves. The log says how far it came."),
            icon=":material/show_chart:",
        )
        return
    whole = [record for each in shown for record in each.records]
    if len(whole) < len(records):
        st.caption(
            _("The first {shown} of {count} are drawn: more can't be told apart. Choose fewer, or filter.").format(
                shown=len(whole), count=len(records)
            )
        )
    published = printed.of(whole)
    charts = (
        ("loss", _("Loss (cross-entropy)"), ".3~f"),
        ("top1", _("Top-1 accuracy"), PERCENT),
        ("rate", _("Learning rate"), ".2~g"),
    )
    for place, (metric, title, form) in zip(st.columns([5, 5, 3], gap="medium"), charts, strict=True):
        found = [*lines(shown, metric), *printed.lines(published, metric)]
        place.vega_lite_chart(
            curves.frame(found),
            curves.spec(found, title, form, epochs, dark=dark),
            key=f"runs-{metric}",
            alt=_("{what} of the chosen runs along the epochs; the table below has the best and last numbers").format(
                what=title
            ),
        )
    html.show(legend(shown, dark=dark), dark=dark)
    words = [_("Full lines: validation images. Dashed thin lines: training images.")]
    if any(len(each.records) > 1 for each in shown):
        words.append(_("Several seeds: their mean, with one standard deviation to either side."))
    st.caption(" ".join(words))
    printed.told(published)


def draw_logs(records: list[Record]) -> None:
    """The end of each log."""
    for record in records:
        if len(records) > 1:
            st.markdown(f"**{plain(record.name)}**")
        if text := shared.log_tail(record).strip():
            st.code(text, language=None, wrap_lines=True, height=360 if len(records) == 1 else 200)
        else:
            st.info(_("Nothing has been printed yet."), icon=":material/notes:")
