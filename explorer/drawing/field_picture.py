"""The receptive field of one unit, drawn on the image."""

from explorer.analysis import Analysis, Field
from explorer.drawing.svg import FONT, element, picture, text
from explorer.drawing.theme import theme
from explorer.i18n import _

SIDE = 190.0
MARGIN = 34.0
CELLS = 40  # images up to this side are drawn pixel by pixel


def draw(analysis: Analysis, field: Field, *, dark: bool) -> str:
    """The image with the pixels that the middle unit sees, and how far its field would reach beyond.

    Args:
        analysis: of the network.
        field: of the layer.
        dark: whether for a dark page.
    """
    colours = theme(dark=dark)
    rows, columns = analysis.input_shape[-2:]
    pixel = SIDE / max(rows, columns)
    height, width = rows * pixel, columns * pixel
    parts = [
        element("rect", x=MARGIN, y=MARGIN, width=width, height=height, fill=colours.panel, stroke=colours.faint),
        *(_grid(rows, columns, pixel, colours.line) if max(rows, columns) <= CELLS else []),
    ]
    across = field.columns or (field.size, field.stride, field.padding)
    top, left = field.unit[0] * field.stride - field.padding, field.unit[1] * across[1] - across[2]
    full = _clipped(left, top, across[0], field.size, pixel, (width, height))
    parts.append(element("rect", **full, fill="none", stroke=colours.accent, stroke_dasharray="5 4", stroke_width=1.6))
    down, over = field.span
    seen = _("only padding")
    if down and over:
        seen = _("{rows}×{columns} of {height}×{width} px").format(
            rows=down[1] - down[0] + 1, columns=over[1] - over[0] + 1, height=rows, width=columns
        )
        parts.append(
            element(
                "rect",
                x=MARGIN + over[0] * pixel,
                y=MARGIN + down[0] * pixel,
                width=max(1.5, (over[1] - over[0] + 1) * pixel),
                height=max(1.5, (down[1] - down[0] + 1) * pixel),
                fill=colours.accent,
                fill_opacity=0.35,
                stroke=colours.accent,
                stroke_width=1.6,
            )
        )
    parts.append(text(MARGIN + width / 2, 2 * MARGIN + height + 18, seen, font_size=20, text_anchor="middle"))
    words = _("The middle unit, row {row}, column {column}, sees {seen}; its field is {size} pixels a side").format(
        row=field.unit[0], column=field.unit[1], seen=seen, size=field.size
    )
    style = f"text{{{FONT};fill:{colours.ink}}}"
    return picture(2 * MARGIN + width, 2 * MARGIN + height + 26, *parts, label=words, style=style)


def _grid(rows: int, columns: int, pixel: float, colour: str) -> list[str]:
    height, width = rows * pixel, columns * pixel
    lines = [(MARGIN + at * pixel, MARGIN, MARGIN + at * pixel, MARGIN + height) for at in range(1, columns)]
    lines += [(MARGIN, MARGIN + at * pixel, MARGIN + width, MARGIN + at * pixel) for at in range(1, rows)]
    return [element("line", x1=a, y1=b, x2=c, y2=d, stroke=colour, stroke_width=0.5) for a, b, c, d in lines]


def _clipped(left: int, top: int, across: int, down: int, pixel: float, image: tuple[float, float]) -> dict[str, float]:
    """The field, cut off where it would leave the picture."""
    edge = MARGIN - 4
    x1, x2 = max(-edge, left * pixel), min(image[0] + edge, (left + across) * pixel)
    y1, y2 = max(-edge, top * pixel), min(image[1] + edge, (top + down) * pixel)
    return {"x": MARGIN + x1, "y": MARGIN + y1, "width": max(1.5, x2 - x1), "height": max(1.5, y2 - y1)}
