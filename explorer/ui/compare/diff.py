"""The layers of two networks side by side, like a diff of two versions of a file."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from explorer.analysis import Layer
from explorer.analysis.alignment import AlignmentRow, StageRows, Status, rows_by_stage
from explorer.analysis.comparison import status_counts
from explorer.analysis.comparison_words import SIGNS, status_name, summary
from explorer.drawing.kinds import colours, group_of
from explorer.formatting import shape
from explorer.i18n import _


def diff(rows: Sequence[AlignmentRow], titles: tuple[str, str], *, everything: bool, dark: bool) -> str:
    """Return HTML with a foldable table for each stage.

    Args:
        rows: The aligned layers.
        titles: Titles of both networks.
        everything: Whether to list equal layers, too. Otherwise, a run of equal layers is one line.
        dark: Whether the page is dark.
    """
    return "".join(_format_part(part, titles, everything=everything, dark=dark) for part in rows_by_stage(rows))


def _format_part(part: StageRows, titles: tuple[str, str], *, everything: bool, dark: bool) -> str:
    rows = part.rows
    own, *others = part.stages
    name = f"{own} → {', '.join(others)}" if others else own
    heading = f"<b>{escape(name)}</b>"
    found = status_counts(rows)
    if found[Status.SAME] == len(rows) and not everything:
        return f'<div class="quiet">{heading}<span class="faint">{escape(summary(found))}</span></div>'
    header = "".join(
        f'<th scope="col" class="{kind}">{escape(text)}</th>'
        for kind, text in (
            ("status", _("Status")), ("side", titles[0]), ("side", titles[1]), ("what", _("What changed")),
        )
    )  # fmt: skip
    body = "".join(_format_rows(rows, everything=everything, dark=dark))
    return (
        f'<details open><summary>{heading}<span class="faint">{escape(summary(found))}</span></summary>'
        f'<table class="diff"><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table></details>'
    )


def _format_rows(rows: Sequence[AlignmentRow], *, everything: bool, dark: bool) -> Iterator[str]:
    for status, run in groupby(rows, lambda row: row.status):
        part = list(run)
        if status is Status.SAME and not everything:
            same = _("{count:,} the same").format(count=len(part))
            yield f'<tr class="skip"><td colspan="4">⋯ {escape(same)}</td></tr>'
        else:
            yield from (_format_row(row, dark=dark) for row in part)


def _format_row(row: AlignmentRow, *, dark: bool) -> str:
    status = row.status
    changed = "; ".join(map(str, row.changes))
    return (
        f'<tr class="{status}"><td class="status"><span class="sign" aria-hidden="true">{SIGNS[status]}</span>'
        f'<span class="word">{escape(status_name(status))}</span></td>'
        f'<td class="side">{_format_layer(row.left, dark=dark)}</td>'
        f'<td class="side">{_format_layer(row.right, dark=dark)}</td>'
        f'<td class="what">{escape(changed)}</td></tr>'
    )


def _format_layer(layer: Layer | None, *, dark: bool) -> str:
    if layer is None:
        return ""
    colour = colours(dark=dark)[group_of(layer.kind)]
    return (
        f'<i style="background:{colour}"></i><b>{escape(layer.name)}</b><br>'
        f'{escape(layer.description)} · <span class="faint">{escape(shape(layer.output_shape))}</span>'
    )
