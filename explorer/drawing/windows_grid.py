"""One window over the padded map, and the output cell that it computes."""

from explorer.analysis.windows import Windows
from explorer.drawing import kinds, svg
from explorer.drawing.kinds import Group
from explorer.drawing.theme import theme
from explorer.drawing.windows import hatching
from explorer.i18n import _

MAX_CELLS = 20  # cells of a side; larger maps are not drawn
SIDE = 250.0  # largest side of the padded map in pixels
CELL = 30.0  # largest side of a cell in pixels
GAP = 56.0
TOP = 34.0
TEXT = 15


def fits(windows: Windows) -> bool:
    """Whether the map is small enough to be drawn cell by cell."""
    return windows.end + windows.padding <= MAX_CELLS


def draw(windows: Windows, chosen: tuple[int, int], *, dark: bool = False) -> str:
    """Both maps as SVG; output cells have the attribute ``data-pick="row.column"``.

    Args:
        windows: Windows along each axis.
        chosen: Row and column of the chosen output cell.
        dark: Whether the page is dark.
    """
    colours, inks = theme(dark=dark), kinds.colours(dark=dark)
    ink, warning = inks[Group.CONVOLUTION], inks[Group.SHORTCUT]
    first, cells = -windows.padding, windows.end + windows.padding
    cell = min(CELL, SIDE / cells)
    rows, columns = (set(windows.taps(place)) for place in chosen)
    unread = set(windows.unread)
    inside = range(windows.size)
    parts = [hatching(colours)]
    for y in range(first, windows.end):
        for x in range(first, windows.end):
            image = y in inside and x in inside
            tapped = y in rows and x in columns
            lost = image and (y in unread or x in unread)
            parts.append(
                svg.element(
                    "rect", x=4 + (x - first) * cell, y=TOP + (y - first) * cell, width=cell, height=cell,
                    fill=warning if lost else ink if tapped and image else colours.panel if image else "url(#hatch)",
                    fill_opacity=0.55 if lost else None, stroke=colours.line,
                )
            )  # fmt: skip
    left, top = (4 + (windows.start(place) - first) * cell for place in (chosen[1], chosen[0]))
    top += TOP - 4
    reach = windows.effective_kernel * cell
    parts.append(
        svg.element("rect", x=left, y=top, width=reach, height=reach, fill="none", stroke=colours.mark, stroke_width=3)
    )
    start = 4 + cells * cell + GAP
    for row in range(windows.count):
        for column in range(windows.count):
            here = (row, column) == chosen
            parts.append(
                svg.element(
                    "rect", x=start + column * cell, y=TOP + row * cell, width=cell, height=cell,
                    fill=colours.mark if here else colours.panel, stroke=colours.line,
                    data_pick=f"{row}.{column}", role="button", aria_pressed="true" if here else "false",
                    aria_label=_("Output cell in row {row}, column {column}").format(row=row, column=column),
                )
            )  # fmt: skip
    corner = (start + chosen[1] * cell, TOP + chosen[0] * cell)
    edges = ((left + reach, top, *corner), (left + reach, top + reach, corner[0], corner[1] + cell))
    parts += [
        svg.element(
            "line", x1=x, y1=y, x2=right, y2=low, stroke=colours.mark, stroke_dasharray="4 3", pointer_events="none"
        )
        for x, y, right, low in edges
    ]
    titles = (
        (4.0, _("input {size}×{size}").format(size=windows.size)),
        (start, _("output {size}×{size}").format(size=windows.count)),
    )
    parts += [svg.text(x, 20, words, fill=colours.ink) for x, words in titles]
    label = _(
        "The output cell in row {row}, column {column} reads rows {rows} and columns {columns} of the input"
    ).format(
        row=chosen[0],
        column=chosen[1],
        rows=", ".join(str(tap) for tap in sorted(rows) if tap in inside) or "–",
        columns=", ".join(str(tap) for tap in sorted(columns) if tap in inside) or "–",
    )
    return svg.figure(
        start + max(windows.count * cell, 110) + 6, TOP + cells * cell + 8, *parts, label=label,
        style=f"text{{{svg.FONT};font-size:{TEXT}px}}",
    )  # fmt: skip
