"""Windows along one axis: the padded row of cells, the windows below it, and the cells that no window reads."""

from collections.abc import Iterator
from typing import NamedTuple

from explorer.analysis.windows import Windows
from explorer.drawing import kinds, svg
from explorer.drawing.kinds import Group
from explorer.drawing.theme import Theme, theme
from explorer.i18n import _, ngettext

WIDTH = 860.0
CELL = 34.0  # largest width of a cell in pixels
MAX_CELLS = 44  # cells of a row that is drawn in full; of longer rows, only the two ends are drawn
END = 20  # cells at each end
BREAK = 2.0  # width of the break between the ends, in cells
MAX_WINDOWS = 12
ROW = 24.0  # height of a window
TOP = 34.0
LEFT = 110.0
TEXT = 15


class Row(NamedTuple):
    """Coordinates of the positions of an axis in the figure.

    Attributes:
        windows: Windows along the axis.
        cell: Width of a cell in pixels.
    """

    windows: Windows
    cell: float

    @property
    def first(self) -> int:
        """The first position; it is negative if there is padding."""
        return -self.windows.padding

    @property
    def broken(self) -> bool:
        """Whether the middle is left out."""
        return self.windows.end - self.first > MAX_CELLS

    def shown(self) -> Iterator[int]:
        """The positions that are drawn as cells."""
        if not self.broken:
            yield from range(self.first, self.windows.end)
        else:
            yield from range(self.first, self.first + END)
            yield from range(self.windows.end - END, self.windows.end)

    def x(self, position: int) -> float:
        """Left edge of a cell, as x coordinate; positions in the break have its middle."""
        offset = position - self.first
        if not self.broken or offset <= END:
            return LEFT + offset * self.cell
        from_end = self.windows.end - position
        if from_end > END:
            return LEFT + (END + BREAK / 2) * self.cell
        return LEFT + (2 * END + BREAK - from_end) * self.cell


def draw(windows: Windows, *, dark: bool = False) -> str:
    """The row of cells and its windows as SVG, with the numbers of their outputs next to them."""
    colours, inks = theme(dark=dark), kinds.colours(dark=dark)
    cells = windows.end + windows.padding
    cell = min(CELL, (WIDTH - LEFT - 60) / (2 * END + BREAK if cells > MAX_CELLS else cells))
    row = Row(windows, cell)
    numbers = _listed(row)
    top = TOP + max(cell, 22) + 14
    height = top + ROW * len(numbers) + 34
    right = row.x(windows.end)
    parts = [
        hatching(colours),
        svg.text(LEFT - 10, TOP + max(cell, 22) / 2 + 5, _("input"), text_anchor="end", fill=colours.faint),
        *(_cell(row, position, colours, inks[Group.SHORTCUT]) for position in row.shown()),
    ]
    if row.broken:
        middle = LEFT + (END + BREAK / 2) * cell
        parts.append(svg.text(middle, TOP + max(cell, 22) / 2 + 5, "…", text_anchor="middle", fill=colours.ink))
    for line, number in enumerate(numbers):
        y = top + line * ROW
        if number is None:
            words = _("… {count:,} more windows …").format(count=windows.count - len(numbers) + 1)
            parts.append(svg.text((LEFT + right) / 2, y + 16, words, text_anchor="middle", fill=colours.faint))
        else:
            parts += _window(row, number, y, colours, inks[Group.CONVOLUTION])
    parts += _legend(windows, height - 8, colours, inks[Group.SHORTCUT])
    return svg.figure(
        max(right + 12, 560), height, *parts, label=_label(windows),
        style=f"text{{{svg.FONT};font-size:{TEXT}px}}",
    )  # fmt: skip


def _listed(row: Row) -> list[int | None]:
    """Numbers of the windows that are drawn; None stands for the windows that are left out."""
    windows, half = row.windows, MAX_WINDOWS // 2
    if not row.broken and windows.count <= MAX_WINDOWS:
        return list(range(windows.count))
    # In a broken row, leave out windows that reach into the break, but always keep the first and the last one.
    fit = (END - windows.effective_kernel) // windows.stride + 1 if row.broken else half
    ends = max(1, min(fit, half))
    if 2 * ends >= windows.count:
        return list(range(windows.count))
    return [*range(ends), None, *range(windows.count - ends, windows.count)]


def hatching(colours: Theme) -> str:
    """The definition of the pattern that fills padding, as ``url(#hatch)``."""
    line = svg.element("path", d="M0 6L6 0", stroke=colours.faint, stroke_width=1)
    return svg.element(
        "defs", svg.element("pattern", line, id="hatch", width=6, height=6, patternUnits="userSpaceOnUse")
    )


def _cell(row: Row, position: int, colours: Theme, warning: str) -> str:
    windows = row.windows
    inside = 0 <= position < windows.size
    unread = inside and not _is_read(windows, position)
    height = max(row.cell, 22)
    box = svg.element(
        "rect",
        x=row.x(position),
        y=TOP,
        width=row.cell,
        height=height,
        fill=warning if unread else colours.panel if inside else "url(#hatch)",
        fill_opacity=0.55 if unread else None,
        stroke=colours.line if inside else colours.faint,
        stroke_dasharray=None if inside else "3 2",
    )
    every = 1 if row.cell >= 24 else 5
    if not inside or position % every:
        return box
    words = str(position)
    return box + svg.text(
        row.x(position) + row.cell / 2, TOP - 8, words, text_anchor="middle", fill=colours.faint, font_size=13
    )


def _is_read(windows: Windows, position: int) -> bool:
    """Whether a window reads a position."""
    last = min(windows.count - 1, (position + windows.padding) // windows.stride)
    first = max(0, last - windows.effective_kernel // windows.stride)
    return any(position in windows.taps(window) for window in range(first, last + 1))


def _window(row: Row, number: int, y: float, colours: Theme, ink: str) -> list[str]:
    windows, taps = row.windows, row.windows.taps(number)
    left, right = row.x(taps[0]), row.x(taps[-1]) + row.cell
    parts = [
        svg.element(
            "rect", x=left, y=y + 4, width=right - left, height=ROW - 8, rx=3, fill=ink, fill_opacity=0.18, stroke=ink
        )
    ]
    shown = set(row.shown())
    parts += [
        svg.element(
            "rect", x=row.x(tap) + 2, y=y + 6, width=row.cell - 4, height=ROW - 12, rx=2,
            fill=ink if 0 <= tap < windows.size else "url(#hatch)",
        )
        for tap in taps
        if tap in shown
    ]  # fmt: skip
    name = _("output {number:,}").format(number=number)
    return [svg.text(LEFT - 10, y + 17, name, text_anchor="end", fill=colours.ink), *parts]


def _legend(windows: Windows, y: float, colours: Theme, warning: str) -> list[str]:
    parts, x = [], LEFT
    unread = len(windows.unread)
    if windows.end > windows.size or windows.padding:
        parts += [_sample(x, y, fill="url(#hatch)", stroke=colours.faint), svg.text(x + 24, y, _("padding"))]
        x += 130
    if unread:
        parts.append(_sample(x, y, fill=warning, stroke=colours.line, fill_opacity=0.55))
        words = _("in no window: {count:,} of {size:,}").format(count=unread, size=windows.size)
        parts.append(svg.text(x + 24, y, words))
    return [svg.element("g", *parts, fill=colours.ink)]


def _sample(x: float, y: float, **attributes: str | float) -> str:
    return svg.element("rect", x=x, y=y - 12, width=16, height=14, **attributes)


def _label(windows: Windows) -> str:
    if unread := windows.unread:
        return ngettext(
            "{count:,} window over {size:,} pixels; in none, such as pixel {first:,}: {unread:,}",
            "{count:,} windows over {size:,} pixels; in none, such as pixel {first:,}: {unread:,}",
            windows.count,
        ).format(count=windows.count, size=windows.size, unread=len(unread), first=unread[0])
    return ngettext(
        "{count:,} window over {size:,} pixels; every pixel is in it",
        "{count:,} windows over {size:,} pixels; every pixel is in at least one",
        windows.count,
    ).format(count=windows.count, size=windows.size)
