"""Small pictures and heat maps side by side, as cells with a title above and lines of text below."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from explorer.drawing import heat, svg
from explorer.drawing.theme import theme

SIDE = 200.0  # pixels of a picture
GAP = 30.0
MARGIN = 4.0
COLUMNS = 2  # on a phone, the text is still large enough
FONT_SIZE, LINE_HEIGHT = 16, 22
LEVELS = 32  # shades that a heat map distinguishes; equal neighbours are one rectangle

Colours = Sequence[Sequence[str]]


class Frame(NamedTuple):
    """A frame around some cells: the first row and column, and how many."""

    top: int
    left: int
    rows: int
    columns: int


class Ellipse(NamedTuple):
    """An ellipse on a picture, in cells from its upper left corner."""

    row: float
    column: float
    down: float
    across: float


class Panel(NamedTuple):
    """A picture.

    Attributes:
        title: Words above it.
        cells: Colours of the cells, row by row.
        lines: Lines of text below it.
        frame: Frame on it.
        ellipse: Ellipse on it.
    """

    title: str
    cells: Colours
    lines: Sequence[str] = ()
    frame: Frame | None = None
    ellipse: Ellipse | None = None


def grey(values: Sequence[Sequence[int]]) -> Colours:
    """The colours of grey values from 0 to 255."""
    return [[f"#{value:02x}{value:02x}{value:02x}" for value in row] for row in values]


def rgb(values: Sequence[Sequence[Sequence[int]]]) -> Colours:
    """The colours of red, green and blue values from 0 to 255."""
    return [["#{:02x}{:02x}{:02x}".format(*pixel) for pixel in row] for row in values]


def warm(values: Sequence[Sequence[float]]) -> Colours:
    """The colours of heat from 0 to 1: yellow is hot, on light and dark pages alike."""
    return [[heat.shade(round(value * LEVELS) / LEVELS) for value in row] for row in values]


def draw(panels: Sequence[Panel], *, label: str, dark: bool = False) -> str:
    """The pictures as SVG, two in a row.

    Args:
        panels: Pictures.
        label: Text alternative.
        dark: Whether the page is dark.
    """
    shades = theme(dark=dark)
    below = max((len(panel.lines) for panel in panels), default=0)
    high = LINE_HEIGHT + SIDE + LINE_HEIGHT * below + GAP / 2
    columns = min(COLUMNS, len(panels)) or 1
    parts = []
    for place, panel in enumerate(panels):
        row, column = divmod(place, columns)
        left, top = MARGIN + column * (SIDE + GAP), MARGIN + row * high
        parts.append(svg.text(left, top + 14, panel.title, fill=shades.ink))
        top += LINE_HEIGHT
        parts += _cells(panel.cells, left, top)
        parts += _marks(panel, left, top)
        parts.append(
            svg.element("rect", x=left, y=top, width=SIDE, height=SIDE, fill="none", stroke=shades.line)
        )  # fmt: skip
        parts += [
            svg.text(left, top + SIDE + LINE_HEIGHT * number - 4, line, fill=shades.ink)
            for number, line in enumerate(panel.lines, 1)
        ]
    rows = -(-len(panels) // columns)
    return svg.figure(
        2 * MARGIN + columns * (SIDE + GAP), rows * high + MARGIN, *parts, label=label,
        style=f"text{{{svg.FONT};font-size:{FONT_SIZE}px}}",
    )  # fmt: skip


def _cells(cells: Colours, left: float, top: float) -> list[str]:
    parts = []
    size = SIDE / max(len(cells), 1)
    for row, colours in enumerate(cells):
        column = 0
        for colour, run in groupby(colours):
            count = len(list(run))
            parts.append(
                svg.element(
                    "rect", x=left + column * size, y=top + row * size, width=count * size, height=size,
                    fill=colour, shape_rendering="crispEdges",
                )
            )  # fmt: skip
            column += count
    return parts


def _marks(panel: Panel, left: float, top: float) -> list[str]:
    """Frame and ellipse, white on black so that they are seen on every colour. What is outside is cut off."""
    size = SIDE / max(len(panel.cells), 1)
    shapes: list[tuple[str, dict[str, float], str | None]] = []
    if panel.frame:
        row, column, rows, columns = (one * size for one in panel.frame)
        shapes.append(("rect", {"x": column, "y": row, "width": columns, "height": rows}, None))
    if panel.ellipse:
        row, column, down, across = (one * size for one in panel.ellipse)
        shapes.append(("ellipse", {"cx": column, "cy": row, "rx": across, "ry": down}, "5 4"))
    drawn = [
        svg.element(tag, fill="none", stroke=stroke, stroke_width=width, stroke_dasharray=dashes, **values)
        for tag, values, dashes in shapes
        for stroke, width, dashes in (("#000000", 3.5, None), ("#FFFFFF", 1.5, dashes))
    ]
    return [svg.element("svg", *drawn, x=left, y=top, width=SIDE, height=SIDE)] if drawn else []
