"""The part of the page that follows the chosen runs while one of them is active: progress, curves, log."""

from dataclasses import dataclass

import streamlit as st

from explorer.i18n import _
from explorer.jobs import remarks
from explorer.jobs.store import ACTIVE, Record
from explorer.ui.compare import html
from explorer.ui.runs import curves, printed, progress, shared, state, table
from explorer.ui.runs.legend import legend
from explorer.ui.runs.lines import Drawn, drawn, last_epoch, lines
from explorer.ui.runs.view import RunsView, Section
from explorer.ui.shared.store_errors import show_store_errors
from explorer.ui.shared.text import plain

PERCENT = ".1~%"
HEADS = 4  # auxiliary heads whose curves are drawn
USUAL_LOSS = 20.0  # nats: above that a network has diverged, for a while at least


@dataclass(frozen=True)
class Chart:
    """A chart of the page.

    Attributes:
        metric: that it shows.
        title: of the numbers.
        form: of the numbers, as d3 writes them.
        width: beside the others of its row.
        usual: up to which a number is never cut off.
    """

    metric: str
    title: str
    form: str
    width: int
    usual: float


def render(jobs: list[str], section: Section, *, active: bool) -> None:
    """Follow runs.

    Args:
        jobs: ids of the chosen ones.
        section: that is open.
        active: whether one of them will change by itself.
    """
    st.fragment(_render, run_every=table.TICK if active else None)(jobs, section)


@show_store_errors
def _render(jobs: list[str], section: Section) -> None:
    watching, listed = state.watching(), shared.listed()
    known = {record.id: record for record in listed.records}
    records = [known[job] for job in jobs if job in known]
    if any(watching.statuses.get(record.id) != record.status for record in records) or len(records) < len(jobs):
        watching.refresh()  # buttons, sections and the pace depend on it
    dark = st.context.theme.type == "dark"
    if len(records) == 1:
        progress.render(records[0], listed)
    if section == "curves":
        render_curves(records, watching.view, dark=dark)
    elif section == "log":
        render_logs(records)


def render_curves(records: list[Record], view: RunsView, *, dark: bool) -> None:
    """Loss, accuracy and learning rate over the epochs, with best and last numbers."""
    shown = drawn(records, together=view.seeds == "together")
    epochs = last_epoch(shown)
    if not any(one for each in shown for one in each.curves):
        active = any(record.status in ACTIVE for record in records)
        st.info(
            _("The curves begin with the first steps.")
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
    for row in _charts():
        present = [(chart, found) for chart in row if (found := lines(shown, chart.metric))]
        if not present:
            continue
        widths = [chart.width for chart, _found in present] + ([1] * (len(row) - len(present)))
        for place, (chart, found) in zip(st.columns(widths, gap="medium"), present, strict=False):
            with place:
                _chart(
                    chart,
                    [*found, *printed.lines(published, chart.metric)],
                    epochs,
                    log=chart.metric in view.log,
                    dark=dark,
                )
    html.show(legend(shown, dark=dark), dark=dark)
    words = [
        _(
            "Full lines: validation images. Dashed thin lines and hollow dots: training images, the mean of each "
            "epoch. Faint lines: the steps within an epoch, a few together."
        )
    ]
    if any(len(each.records) > 1 for each in shown):
        words.append(_("Several seeds: their mean, with one standard deviation to either side."))
    st.caption(" ".join(words))
    printed.told(published)
    for each in shown:
        _remarks(each, alone=len(shown) == 1)


def _charts() -> tuple[tuple[Chart, ...], ...]:
    """All charts, row by row; those without a number are left out."""
    heads = [
        Chart(f"aux{number}_{metric}", title.format(number=number), form, 4, usual)
        for number in range(1, HEADS + 1)
        for metric, title, form, usual in (
            ("loss", _("Loss of auxiliary head {number}"), ".3~f", USUAL_LOSS),
            ("top1", _("Top-1 of auxiliary head {number}"), PERCENT, 1.0),
        )
    ]
    return (
        (
            Chart("loss", _("Loss (cross-entropy)"), ".3~f", 5, USUAL_LOSS),
            Chart("top1", _("Top-1 accuracy"), PERCENT, 5, 1.0),
            Chart("rate", _("Learning rate"), ".2~g", 3, 0.0),
        ),
        (
            Chart("top3", _("Top-3 accuracy"), PERCENT, 5, 1.0),
            Chart("grad_norm", _("Length of the gradient, before clipping"), ".3~g", 5, 0.0),
            Chart("time/seconds", _("Seconds of each epoch"), ".3~g", 3, 0.0),
        ),
        *(tuple(heads[start : start + 4]) for start in range(0, len(heads), 4)),
    )


def _chart(chart: Chart, found: list[curves.Curve], epochs: float, *, log: bool, dark: bool) -> None:
    held = curves.fitted(found, log=log, usual=chart.usual)
    st.vega_lite_chart(
        curves.frame(held.lines),
        curves.spec(held.lines, chart.title, chart.form, epochs, dark=dark, log=log, limits=held.limits),
        key=f"runs-{chart.metric}",
        alt=_("{what} of the chosen runs along the epochs; the table below has the best and last numbers").format(
            what=chart.title
        ),
    )
    if held.words:
        st.caption(f":material/content_cut: {held.words}")


def _remarks(each: Drawn, *, alone: bool) -> None:
    """What the curves of a run mean, where it is a single one."""
    if len(each.records) > 1:
        return
    record, found = each.records[0], each.curves[0]
    said = [*remarks.drops(found, record.recipe)]
    if alone:
        said += [remarks.of_gap(found), remarks.of_losses(found, record.recipe, record.spec)]
    if said := [plain(sentence) for sentence in said if sentence]:
        title = [] if alone else [f"**{plain(each.name)}**"]
        st.caption("\n".join([*title, "", *(f"- {sentence}" for sentence in said)]))


def render_logs(records: list[Record]) -> None:
    """The end of each log."""
    for record in records:
        if len(records) > 1:
            st.markdown(f"**{plain(record.name)}**")
        if text := shared.log_tail(record).strip():
            st.code(text, language=None, wrap_lines=True, height=360 if len(records) == 1 else 200)
        else:
            st.info(_("Nothing has been printed yet."), icon=":material/notes:")
