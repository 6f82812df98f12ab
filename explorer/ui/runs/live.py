"""Progress, curves and log of the chosen runs. Polls the store while one of the runs is active."""

from dataclasses import dataclass

import streamlit as st

from explorer.i18n import _
from explorer.jobs import remarks
from explorer.jobs.store import ACTIVE, Record
from explorer.ui.runs import curves, epoch_pointer, gradients, progress, published_trainings, shared, state, table
from explorer.ui.runs.legend import legend
from explorer.ui.runs.lines import RunGroup, group_runs, last_epoch, lines
from explorer.ui.runs.view import RunsView, Section
from explorer.ui.shared import html_tables
from explorer.ui.shared.store_errors import show_store_errors
from explorer.ui.shared.text import plain

PERCENT = ".1~%"
HEADS = 4  # auxiliary heads with charts
USUAL_LOSS = 20.0  # nats; a network with a larger loss has diverged, at least for a while


@dataclass(frozen=True)
class Chart:
    """A chart of the page.

    Attributes:
        metric: Metric of the chart.
        title: Title of the chart.
        form: d3 format of the numbers.
        width: Width relative to the other charts of its row.
        normal_limit: Number up to which a value is never cut off.
    """

    metric: str
    title: str
    form: str
    width: int
    normal_limit: float


def render(jobs: list[str], section: Section, *, active: bool) -> None:
    """Renders the chosen runs, and renders them again while they change.

    Args:
        jobs: Ids of the chosen runs.
        section: Open section.
        active: Whether one of the runs is active.
    """
    st.fragment(_render, run_every=table.POLL_INTERVAL if active else None)(jobs, section)


@show_store_errors
def _render(jobs: list[str], section: Section) -> None:
    page, listed = state.RunsState.of_session(), shared.list_runs(state.query())
    by_id = {record.id: record for record in listed.chosen}
    records = [by_id[job] for job in jobs if job in by_id]
    if any(page.statuses.get(record.id) != record.status for record in records) or len(records) < len(jobs):
        page.refresh()  # buttons, sections and polling depend on it
    dark = st.context.theme.type == "dark"
    if len(records) == 1:
        progress.render(records[0], listed)
    if section == "curves":
        render_curves(records, page.view, dark=dark)
    elif section == "gradients":
        gradients.render(records)
    elif section == "log":
        render_logs(records)


def render_curves(records: list[Record], view: RunsView, *, dark: bool) -> None:
    """Renders the charts of all metrics, the legend, and remarks."""
    groups = group_runs(records, together=view.seeds == "together")
    epochs = last_epoch(groups)
    if not any(one for group in groups for one in group.curves):
        active = any(record.status in ACTIVE for record in records)
        st.info(
            _("The curves begin with the first steps.")
            if active
            else _("No epoch was finished, so there are no curves. The log says how far it got."),
            icon=":material/show_chart:",
        )
        return
    visible = [record for group in groups for record in group.records]
    if len(visible) < len(records):
        st.caption(
            _("The first {shown} of {count} are drawn: more can't be told apart. Choose fewer, or filter.").format(
                shown=len(visible), count=len(records)
            )
        )
    published = published_trainings.find(visible)
    shown = []
    for row in _charts():
        present = [(chart, curve) for chart in row if (curve := lines(groups, chart.metric))]
        if not present:
            continue
        widths = [chart.width for chart, _curve in present] + ([1] * (len(row) - len(present)))
        for place, (chart, own) in zip(st.columns(widths, gap="medium"), present, strict=False):
            with place:
                found = [*own, *published_trainings.lines(published, chart.metric)]
                shown.append(_chart(chart, found, epochs, log=chart.metric in view.log, dark=dark))
    epoch_pointer.render(shown, epochs, dark=dark)
    html_tables.show(legend(groups, dark=dark), dark=dark)
    words = [
        _(
            "Full lines: validation images. Dashed thin lines and hollow dots: training images, the mean of each "
            "epoch. Faint lines: the steps within an epoch, a few together."
        )
    ]
    if any(len(group.records) > 1 for group in groups):
        words.append(_("Several seeds: their mean, with one standard deviation to either side."))
    st.caption(" ".join(words))
    published_trainings.render(published)
    for group in groups:
        _remarks(group, alone=len(groups) == 1)


def _charts() -> tuple[tuple[Chart, ...], ...]:
    """Returns all charts in rows."""
    heads = [
        Chart(f"aux{number}_{metric}", title.format(number=number), form, 4, normal_limit)
        for number in range(1, HEADS + 1)
        for metric, title, form, normal_limit in (
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


def _chart(
    chart: Chart, lines_shown: list[curves.Curve], epochs: float, *, log: bool, dark: bool
) -> epoch_pointer.Chart:
    """Renders a chart, and returns it for the pointer."""
    axis = curves.fit_axis(lines_shown, log=log, normal_limit=chart.normal_limit)
    key = f"runs-chart-{chart.metric.replace('/', '-')}"
    with st.container(key=key):
        st.vega_lite_chart(
            curves.frame(axis.lines, epochs, log=log, limits=axis.limits),
            curves.vega_spec(axis.lines, chart.title, chart.form, epochs, dark=dark, log=log, limits=axis.limits),
            key=f"runs-{chart.metric}",
            alt=_("{what} of the chosen runs along the epochs; the table below has the best and last numbers").format(
                what=chart.title
            ),
        )
    if axis.note:
        st.caption(f":material/content_cut: {axis.note}")
    return epoch_pointer.Chart(key, chart.title, chart.form == PERCENT, lines_shown)


def _remarks(group: RunGroup, *, alone: bool) -> None:
    """Renders remarks on the curves of a single run. A group of seeds has none."""
    if len(group.records) > 1:
        return
    record, metrics = group.records[0], group.curves[0]
    sentences = [*remarks.describe_drops(metrics, record.recipe)]
    if alone:
        sentences += [
            remarks.describe_overfitting(metrics),
            remarks.explain_losses(metrics, record.recipe, record.spec),
        ]
    if sentences := [plain(sentence) for sentence in sentences if sentence]:
        title = [] if alone else [f"**{plain(group.name)}**"]
        st.caption("\n".join([*title, "", *(f"- {sentence}" for sentence in sentences)]))


def render_logs(records: list[Record]) -> None:
    """Renders the end of each log."""
    for record in records:
        if len(records) > 1:
            st.markdown(f"**{plain(record.name)}**")
        if text := shared.log_tail(record).strip():
            st.code(text, language=None, wrap_lines=True, height=360 if len(records) == 1 else 200)
        else:
            st.info(_("Nothing has been printed yet."), icon=":material/notes:")
