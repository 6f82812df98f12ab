"""The layers of two networks side by side, like a diff of two versions of a file."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from explorer.analysis import Analysis, Layer
from explorer.analysis.alignment import AlignmentRow, StageRows, Status, rows_by_stage
from explorer.analysis.comparison import status_counts
from explorer.analysis.comparison_words import SIGNS, status_name, summary
from explorer.analysis.measures import depths
from explorer.drawing.kinds import colours, group_of
from explorer.formatting import shape
from explorer.i18n import _

Depths = dict[str, int]  # weighted layers up to each layer, by its name


def row_name(row: AlignmentRow) -> str:
    """Return the name of a row in links: that of the left layer, or that of an added one behind a plus sign."""
    return row.left.name if row.left else f"+{row.right.name if row.right else ''}"


def diff(
    rows: Sequence[AlignmentRow],
    networks: tuple[Analysis, Analysis],
    titles: tuple[str, str],
    *,
    shown: str,
    dark: bool,
) -> str:
    """Return HTML with a foldable table for each stage, with all rows: the browser shows or hides equal ones.

    Args:
        rows: The aligned layers.
        networks: Both networks.
        titles: Titles of both networks.
        shown: ``all``, or ``differences``, where a run of equal layers is one line.
        dark: Whether the page is dark.
    """
    sides = [dict(zip((layer.name for layer in one.layers), depths(one.layers), strict=True)) for one in networks]
    parts = "".join(_format_part(part, titles, sides, dark=dark) for part in rows_by_stage(rows))
    return f'<div class="rows-of-layers" data-layers="{shown}">{parts}</div>'


def _format_part(part: StageRows, titles: tuple[str, str], sides: Sequence[Depths], *, dark: bool) -> str:
    rows = part.rows
    own, *others = part.stages
    name = f"{own} → {', '.join(others)}" if others else own
    found = status_counts(rows)
    heading = f'<b>{escape(name)}</b><span class="faint">{escape(summary(found))}</span>'
    header = "".join(
        f'<th scope="col" class="{kind}">{escape(text)}</th>'
        for kind, text in (
            ("status", _("Status")), ("side", titles[0]), ("side", titles[1]), ("what", _("What changed")),
        )
    )  # fmt: skip
    body = "".join(_format_rows(rows, sides, dark=dark))
    is_same = found[Status.SAME] == len(rows)
    return (
        (f'<div class="quiet">{heading}</div>' if is_same else "")
        + f"<details open{' class=quiet' if is_same else ''}><summary>{heading}</summary>"
        f'<table class="diff"><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table></details>'
    )


def _format_rows(rows: Sequence[AlignmentRow], sides: Sequence[Depths], *, dark: bool) -> Iterator[str]:
    for status, run in groupby(rows, lambda row: row.status):
        part = list(run)
        if status is Status.SAME:
            same = _("{count:,} the same").format(count=len(part))
            yield f'<tr class="skip"><td colspan="4">⋯ {escape(same)}</td></tr>'
        yield from (_format_row(row, sides, dark=dark) for row in part)


def _format_row(row: AlignmentRow, sides: Sequence[Depths], *, dark: bool) -> str:
    status = row.status
    changed = "; ".join(map(str, row.changes))
    of_sides = zip((row.left, row.right), sides, strict=True)
    at = " ".join("" if layer is None else str(depth[layer.name]) for layer, depth in of_sides)
    return (
        f'<tr class="{status}" data-layer="{escape(row_name(row))}" data-depths="{at}">'
        f'<td class="status"><span class="sign" aria-hidden="true">{SIGNS[status]}</span>'
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
