"""Table of the best and last numbers of the chosen runs. It is also the legend of the charts."""

import math
import statistics
from collections.abc import Callable, Sequence
from html import escape
from itertools import accumulate, pairwise

from explorer.drawing.kinds import series_colour
from explorer.formatting import NONE, duration, percent
from explorer.i18n import _, ngettext
from explorer.jobs.compare import Curves, Point, best, last
from explorer.jobs.store import Record
from explorer.ui.runs import curves
from explorer.ui.runs.lines import RunGroup
from explorer.ui.runs.shared import SECONDS, TOP1, TOP3
from explorer.ui.shared import job_status
from explorer.ui.shared.html_tables import cell, framed

LOSS = "validation/loss"
MAX_FIXED = 1e4  # largest loss with four decimals; a diverging run has larger ones
Number = Callable[[Record, Curves], tuple[float, str] | None]


def legend(groups: Sequence[RunGroup], *, dark: bool) -> str:
    """Returns the table as HTML."""
    head = "".join(
        f'<th scope="col"{" class=number" if place else ""}>{escape(text)}</th>'
        for place, text in enumerate([_("Run"), *(title for title, _number, _form in _columns())])
    )
    body = "".join(
        f'<tr><th scope="row" style="min-width:9rem">{_line_sample(group.position, dark=dark)} {escape(group.name)}'
        f'<br><span class="faint">{escape(_statuses(group))}</span></th>'
        + "".join(f"<td class=number>{_cell(group, number, form)}</td>" for _title, number, form in _columns())
        + "</tr>"
        for group in groups
    )
    return framed(_("Best and last numbers of each run"), head, body)


def _columns() -> list[tuple[str, Number, Callable[[float], str]]]:
    def of(name: str, *, least: bool | None = None) -> Number:
        def number(_record: Record, metrics: Curves) -> tuple[float, str] | None:
            line = metrics.get(name, [])
            point = last(line) if least is None else best(line, least=least)
            return (point.value, _epoch(point)) if point else None

        return number

    def test(record: Record, _metrics: Curves) -> tuple[float, str] | None:
        return (
            (
                record.result["top1"],
                ngettext("{images:,} image", "{images:,} images", record.result["images"]).format(
                    images=record.result["images"]
                ),
            )
            if record.result
            else None
        )

    def time(_record: Record, metrics: Curves) -> tuple[float, str] | None:
        epochs = metrics.get(SECONDS, [])  # of all starts of the run
        below = ngettext("{epochs:,} epoch", "{epochs:,} epochs", len(epochs)).format(epochs=len(epochs))
        return (math.fsum(point.value for point in epochs), below) if epochs else None

    def loss(value: float) -> str:
        return f"{value:.4f}" if value < MAX_FIXED else f"{value:.3g}"

    def epoch(_record: Record, metrics: Curves) -> tuple[float, str] | None:
        seconds = [point.value for point in metrics.get(SECONDS, [])]
        return (statistics.median(seconds), _("median")) if seconds else None

    return [
        (_("Best validation top-1"), of(TOP1, least=False), percent),
        (_("Best validation top-3"), of(TOP3, least=False), percent),
        (_("Last validation top-1"), of(TOP1), percent),
        (_("Last training top-1"), of("train/top1"), percent),
        (_("Lowest validation loss"), of(LOSS, least=True), loss),
        (_("Last validation loss"), of(LOSS), loss),
        (_("Last training loss"), of("train/loss"), loss),
        (_("Test top-1"), test, percent),
        (_("An epoch"), epoch, duration),
        (_("Trained for"), time, duration),
    ]


def _epoch(point: Point) -> str:
    return _("epoch {epoch:,}").format(epoch=point.epoch)


def _cell(group: RunGroup, number: Number, form: Callable[[float], str]) -> str:
    found = [one for pair in zip(group.records, group.curves, strict=True) if (one := number(*pair))]
    if not found:
        return cell(NONE)
    if len(group.records) == 1:
        value, below = found[0]
        return cell(form(value), below)
    values = [value for value, _below in found]
    below = f"± {form(statistics.stdev(values))}" if len(values) > 1 else ""
    return cell(form(statistics.fmean(values)), below)


def _statuses(group: RunGroup) -> str:
    found = [record.status for record in group.records]
    return ", ".join(
        job_status.status_with_sign(status)
        if len(found) == 1
        else f"{found.count(status)} {job_status.status_with_sign(status)}"
        for status in dict.fromkeys(found)
    )


def _line_sample(place: int, *, dark: bool) -> str:
    """Returns a sample of the run's line. Hidden from screen readers, because the name follows."""
    ends = [0, *accumulate(curves.dash(place))]
    stops = [
        f"{'transparent' if gap % 2 else 'currentColor'} {start}px {end}px"
        for gap, (start, end) in enumerate(pairwise(ends))
    ]
    return (
        f'<span aria-hidden="true" style="display:inline-block;width:28px;height:3px;vertical-align:middle;'
        f"color:{series_colour(place, dark=dark)};"
        f'background:repeating-linear-gradient(90deg,{",".join(stops)})"></span>'
    )
