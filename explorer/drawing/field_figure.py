"""The receptive field of one unit, drawn on the image."""

from explorer.analysis import Analysis, ReceptiveField
from explorer.drawing.svg import element, figure
from explorer.drawing.theme import theme
from explorer.i18n import _

BOX = 280.0  # side of the drawing: the image, and the margin that its receptive field covers
MIN_MARGIN, MAX_MARGIN = 0.18, 1.5  # margin on each side as a share of the image's longer side; larger fields are cut
CELLS = 40  # images up to this side are drawn pixel by pixel


def draw(analysis: Analysis, field: ReceptiveField, *, dark: bool) -> str:
    """The image, the pixels that the middle unit sees, and its receptive field beyond the image, to one scale.

    Args:
        analysis: Analysis of the network.
        field: Receptive field of the layer.
        dark: Whether the page is dark.
    """
    colours = theme(dark=dark)
    rows, columns = analysis.input_shape[-2:]
    wide, step, padding = field.columns or (field.size, field.stride, field.padding)
    top, left = field.unit[0] * field.stride - field.padding, field.unit[1] * step - padding
    side = max(rows, columns)
    beyond = _beyond(analysis, field)
    margin = min(max(beyond, MIN_MARGIN * side), MAX_MARGIN * side)  # pixels of the image
    pixel = BOX / (side + 2 * margin)
    edge = margin * pixel + 1  # room for the whole width of a line
    height, width = rows * pixel, columns * pixel

    def box(x: float, y: float, across: float, down: float) -> dict[str, float]:
        """Attributes of a rectangle that is given in pixels of the image; its sides are at least 1.5 long."""
        size = {"width": max(1.5, across * pixel), "height": max(1.5, down * pixel)}
        return {"x": edge + x * pixel, "y": edge + y * pixel, **size}

    x1, y1 = max(left, -margin), max(top, -margin)
    x2, y2 = min(left + wide, columns + margin), min(top + field.size, rows + margin)
    cut = beyond > margin
    parts = [
        element("rect", **box(0, 0, columns, rows), fill=colours.panel, stroke=colours.faint),
        *([_grid(rows, columns, pixel, edge, colours.line)] if side <= CELLS else []),
        element(
            "rect",
            **box(x1, y1, x2 - x1, y2 - y1),
            fill="none",
            stroke=colours.accent,
            stroke_dasharray="1 5" if cut else "5 4",
            stroke_width=1.6,
        ),
    ]
    down, over = field.span
    if down and over:
        high, across = down[1] - down[0] + 1, over[1] - over[0] + 1
        marked: dict[str, str | float | None] = {
            "fill": colours.accent,
            "fill_opacity": 0.35,
            "stroke": colours.accent,
            "stroke_width": 1.6,
        }
        parts.append(element("rect", **box(over[0], down[0], across, high), **marked))
    words = _("The middle unit, row {row}, column {column}, sees {seen}; its field is {size} pixels a side").format(
        row=field.unit[0], column=field.unit[1], seen=_seen(analysis, field), size=field.size
    )
    return figure(2 * edge + width, 2 * edge + height, *parts, label=words)


def lines(analysis: Analysis, field: ReceptiveField) -> list[str]:
    """Words for the caption of the figure: the pixels that the middle unit sees, and its field.

    Args:
        analysis: Analysis of the network.
        field: Receptive field of the layer.
    """
    rows, columns = analysis.input_shape[-2:]
    wide, _step, _padding = field.columns or (field.size, field.stride, field.padding)
    beyond = _beyond(analysis, field)
    whole = _("field {height}×{width}").format(height=field.size, width=wide)
    if beyond > MAX_MARGIN * max(rows, columns):
        whole = _("field {height}×{width}, cut here: it reaches {beyond} px beyond the image")
    elif beyond > 0:
        whole = _("field {height}×{width}: it reaches {beyond} px beyond the image")
    return [_seen(analysis, field), whole.format(height=field.size, width=wide, beyond=beyond)]


def _seen(analysis: Analysis, field: ReceptiveField) -> str:
    rows, columns = analysis.input_shape[-2:]
    down, over = field.span
    if not down or not over:
        return _("only padding")
    return _("{rows}×{columns} of {height}×{width} px").format(
        rows=down[1] - down[0] + 1, columns=over[1] - over[0] + 1, height=rows, width=columns
    )


def _beyond(analysis: Analysis, field: ReceptiveField) -> int:
    """The most pixels by which the field of the middle unit reaches beyond a side of the image."""
    rows, columns = analysis.input_shape[-2:]
    wide, step, padding = field.columns or (field.size, field.stride, field.padding)
    top, left = field.unit[0] * field.stride - field.padding, field.unit[1] * step - padding
    return max(-top, -left, top + field.size - rows, left + wide - columns)


def _grid(rows: int, columns: int, pixel: float, edge: float, colour: str) -> str:
    """The lines between the pixels, as one path: a network has many fields, and each of their figures has a grid."""
    down = "".join(f"M{edge + at * pixel:.2f} {edge:.2f}v{rows * pixel:.2f}" for at in range(1, columns))
    across = "".join(f"M{edge:.2f} {edge + at * pixel:.2f}h{columns * pixel:.2f}" for at in range(1, rows))
    return element("path", d=down + across, fill="none", stroke=colour, stroke_width=0.5)
