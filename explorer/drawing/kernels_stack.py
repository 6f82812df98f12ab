"""A stack of convolutions as maps of cells in a row, and the pyramid of cells that one output cell sees.

Maps are drawn without padding, so each map is smaller than the one before. Users can choose every cell of the output.
"""

from collections.abc import Iterable
from typing import NamedTuple

from explorer.analysis.kernels import Kernel, Stack
from explorer.drawing import kinds, svg
from explorer.drawing.kinds import Group
from explorer.drawing.theme import Theme, theme
from explorer.i18n import _

OUTPUT = 3  # rows and columns of the output
CENTRE = (1, 1)
WIDTH = 1080.0  # width of two figures side by side
CELL = 26.0  # largest side of a cell in pixels
HEIGHT = 260.0  # largest height of a map
ACROSS, UP = 0.56, 0.26  # distances to the right and up between two columns, in cells: maps are drawn at a slant
GAP, MIN_GAP = 104.0, 60.0
TOP, BOTTOM, LEFT, RIGHT = 48.0, 52.0, 20.0, 44.0
TEXT = 16

Point = tuple[float, float]


class Scale(NamedTuple):
    """Side of a cell and distance between maps, in pixels; figures that are compared share one scale."""

    cell: float
    gap: float

    def width(self, stack: Stack) -> float:
        """Width of the stack's figure in pixels."""
        return LEFT + _columns(stack) * ACROSS * self.cell + len(stack.kernels) * self.gap + RIGHT


class Plane(NamedTuple):
    """One map of the figure.

    Attributes:
        x: x coordinate of its upper left corner.
        y: y coordinate of its upper left corner.
        cell: Side of a cell in pixels.
        size: Rows and columns of the map.
        row: First row that the chosen output cell sees.
        column: First column that the chosen output cell sees.
        seen: Rows and columns that the chosen output cell sees.
    """

    x: float
    y: float
    cell: float
    size: Kernel
    row: int
    column: int
    seen: Kernel

    def at(self, row: float, column: float) -> Point:
        """Coordinates of the upper left corner of a cell."""
        return (
            self.x + column * ACROSS * self.cell,
            self.y + row * self.cell - column * UP * self.cell,
        )

    def corners(self, row: float, column: float, size: Kernel) -> list[Point]:
        """The corners of a block of cells, clockwise from the upper left."""
        down, across = row + size.rows, column + size.columns
        return [self.at(row, column), self.at(row, across), self.at(down, across), self.at(down, column)]


def scale(*stacks: Stack) -> Scale:
    """The largest scale at which the figures of all stacks fit side by side."""
    rows = max(stack.fields[0].rows for stack in stacks) + OUTPUT - 1
    columns, gaps = sum(map(_columns, stacks)), sum(len(stack.kernels) for stack in stacks)
    room = WIDTH - len(stacks) * (LEFT + RIGHT)
    cell = min(CELL, HEIGHT / (rows * (1 + UP)), (room - gaps * MIN_GAP) / (columns * ACROSS))
    return Scale(cell, min(GAP, (room - columns * ACROSS * cell) / gaps))


def _columns(stack: Stack) -> int:
    """Number of columns of all maps together."""
    return sum(seen.columns + OUTPUT - 1 for seen in stack.fields)


def draw(stack: Stack, size: Scale, *, chosen: tuple[int, int] = CENTRE, dark: bool = False) -> str:
    """The stack as SVG; output cells have the attribute ``data-pick="row.column"``.

    Args:
        stack: Stack of convolutions.
        size: Scale of the figure.
        chosen: Row and column of the chosen output cell.
        dark: Whether the page is dark.
    """
    colours = theme(dark=dark)
    ink = kinds.colours(dark=dark)[Group.CONVOLUTION]
    planes, height = _planes(stack, size, chosen)
    parts = []
    for plane in planes[:-1]:
        parts += _plane(plane, colours, ink)
    parts += _output(planes[-1], chosen, colours)
    for kernel, before, after in zip(stack.kernels, planes, planes[1:], strict=False):
        parts += _between(kernel, before, after, colours, ink)
    for index, plane in enumerate(planes):
        parts += _label(plane, index, len(planes), colours, height)
    label = _("{stack}: one cell of the output sees {fields} of the maps before it, from the input on").format(
        stack=" → ".join(map(str, stack.kernels)), fields=", ".join(map(str, stack.fields[:-1]))
    )
    return svg.figure(size.width(stack), height, *parts, label=label, style=f"text{{{svg.FONT};font-size:{TEXT}px}}")


def _planes(stack: Stack, scale: Scale, chosen: tuple[int, int]) -> tuple[list[Plane], float]:
    """The maps from input to output, and the height of the figure."""
    sizes = [Kernel(seen.rows + OUTPUT - 1, seen.columns + OUTPUT - 1) for seen in stack.fields]
    tallest = max((size.rows + size.columns * UP) * scale.cell for size in sizes)
    planes, x = [], LEFT
    for size, seen in zip(sizes, stack.fields, strict=True):
        # Put the centres of all maps on one line: the slant lifts the right side, so move the map down by half of that.
        y = TOP + (tallest - size.rows * scale.cell + size.columns * UP * scale.cell) / 2
        planes.append(Plane(x, y, scale.cell, size, *chosen, seen))
        x += size.columns * ACROSS * scale.cell + scale.gap
    return planes, TOP + tallest + BOTTOM


def _plane(plane: Plane, colours: Theme, ink: str) -> list[str]:
    return [
        svg.polygon(plane.corners(0, 0, plane.size), fill=colours.panel, stroke=colours.line),
        svg.polygon(
            plane.corners(plane.row, plane.column, plane.seen), fill=ink, fill_opacity=0.45, stroke=ink, stroke_width=2
        ),
        _grid(plane, 0, 0, plane.size, colours.line),
        _grid(plane, plane.row, plane.column, plane.seen, colours.ground),
    ]


def _grid(plane: Plane, row: int, column: int, size: Kernel, line: str) -> str:
    """The lines between the cells of a block."""
    down, across = row + size.rows, column + size.columns
    ends = [(plane.at(y, column), plane.at(y, across)) for y in range(row + 1, down)]
    ends += [(plane.at(row, x), plane.at(down, x)) for x in range(column + 1, across)]
    return svg.element("path", d=_lines(ends), stroke=line, fill="none")


def _lines(ends: Iterable[tuple[Point, Point]]) -> str:
    return "".join(f"M{x:.1f} {y:.1f}L{right:.1f} {low:.1f}" for (x, y), (right, low) in ends)


def _output(plane: Plane, chosen: tuple[int, int], colours: Theme) -> list[str]:
    cells = []
    for row in range(OUTPUT):
        for column in range(OUTPUT):
            here = (row, column) == chosen
            cells.append(
                svg.polygon(
                    plane.corners(row, column, Kernel(1, 1)),
                    fill=colours.mark if here else colours.panel,
                    stroke=colours.line,
                    data_pick=f"{row}.{column}",
                    role="button",
                    aria_pressed="true" if here else "false",
                    aria_label=_("Output cell in row {row}, column {column}").format(row=row + 1, column=column + 1),
                )
            )
    return cells


def _between(kernel: Kernel, before: Plane, after: Plane, colours: Theme, ink: str) -> list[str]:
    """The pyramid between the seen cells of two maps, and one window of the layer in it."""
    field = zip(
        before.corners(before.row, before.column, before.seen),
        after.corners(after.row, after.column, after.seen),
        strict=True,
    )
    # Draw the window of the lower right cell, which is nearest to the viewer.
    row, column = after.row + after.seen.rows - 1, after.column + after.seen.columns - 1
    window = list(zip(before.corners(row, column, kernel), after.corners(row, column, Kernel(1, 1)), strict=True))
    x = (before.at(0, before.size.columns)[0] + after.at(0, 0)[0]) / 2
    parts = [_beam(list(field), ink, 0.1)]
    if after.seen != Kernel(1, 1):
        parts += [
            svg.polygon(before.corners(row, column, kernel), fill=colours.mark, fill_opacity=0.2, stroke=colours.mark),
            _beam(window, colours.mark, 0.08),
            svg.polygon(
                after.corners(row, column, Kernel(1, 1)), fill=colours.mark, fill_opacity=0.55, stroke=colours.mark
            ),
        ]
    return [
        svg.element("g", *parts, pointer_events="none"),  # lets clicks reach the output cells behind the beams
        svg.text(x, 16, str(kernel), text_anchor="middle", fill=colours.ink, font_weight=650),
        svg.text(x, 36, _("{cells}·C²").format(cells=kernel.rows * kernel.columns), text_anchor="middle", fill=ink),
    ]


def _beam(edges: list[tuple[Point, Point]], colour: str, opacity: float) -> str:
    """The four faces between two blocks of cells, and their edges."""
    faces = [
        svg.polygon((near, far, next_far, next_near), fill=colour, fill_opacity=opacity)
        for (near, far), (next_near, next_far) in zip(edges, edges[1:] + edges[:1], strict=True)
    ]
    return "".join(faces) + svg.element("path", d=_lines(edges), stroke=colour, fill="none")


def _label(plane: Plane, index: int, count: int, colours: Theme, height: float) -> list[str]:
    x = plane.at(0, plane.size.columns / 2)[0]
    last = index == count - 1
    where = _("the output") if last else _("of the input") if index == 0 else _("of map {number}").format(number=index)
    crowded = count > 4  # many maps: no room for words
    says = _("1 cell") if last else str(plane.seen) if crowded else _("sees {field}").format(field=plane.seen)
    return [
        svg.text(
            x, height - 28, says, text_anchor="middle", font_weight=650, fill=colours.mark if last else colours.ink
        ),
        svg.text(x, height - 8, where, text_anchor="middle", fill=colours.faint),
    ]
