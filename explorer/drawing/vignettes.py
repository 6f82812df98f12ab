"""Small figures that show the purpose of a page, drawn from real analyses."""

from math import sqrt

from explorer.analysis import Analysis
from explorer.drawing import kinds, svg
from explorer.drawing.kinds import Group
from explorer.drawing.theme import theme
from explorer.formatting import short
from explorer.i18n import _

WIDTH, HEIGHT = 300, 132
TALLEST = 78  # height of the largest volume in pixels
SLANT = 0.34  # depth of a volume as a share of its side
BAR = 82  # x coordinate at which bars begin
TEXT = 16  # font size in pixels; the cards of a page with three of them shrink their figures by a quarter
GROUND = 124  # y coordinate of the bottom of volumes


def volumes(analysis: Analysis, *, dark: bool) -> str:
    """The input of each pool as a box, whose height shows the map's side and whose width its channels; then the head.

    Args:
        analysis: Analysis of the network.
        dark: Whether the page is dark.
    """
    colours = kinds.colours(dark=dark)
    pools = [layer for layer in analysis.layers if layer.kind == "MaxPool2d"]
    maps = [layer.input_shape[1:3] for layer in pools] + [pools[-1].output_shape[1:3]]
    head = [layer for layer in analysis.layers if layer.kind == "Linear"]
    parts, x = [], 6.0
    for channels, side in maps:
        size, thick = TALLEST * sqrt(side / maps[0][1]), 3 + sqrt(channels) / 1.6
        parts.append(_box(x, size, thick, colours[Group.CONVOLUTION], theme(dark=dark).ground))
        x += thick + size * SLANT + 5
    for layer in head:
        tall = 6 + 4 * sqrt(layer.output_shape[-1] / 100)
        parts.append(_rectangle(x, GROUND - tall, 6, tall, colours[Group.LINEAR]))
        x += 11
    label = _("{count} boxes that grow smaller and thicker from left to right, then three bars").format(count=len(maps))
    return svg.figure(WIDTH, HEIGHT, *parts, label=label)


def _box(x: float, size: float, thick: float, colour: str, edge: str) -> str:
    slant, top = size * SLANT, GROUND - size
    shifted = x + thick
    style: dict[str, svg.Attribute] = {"stroke": edge, "stroke_width": 1, "stroke_linejoin": "round"}
    return "".join(
        [
            svg.polygon(
                [(x, top), (x + slant, top - slant), (shifted + slant, top - slant), (shifted, top)],
                fill=colour, fill_opacity=0.45, **style,
            ),
            svg.polygon(
                [(shifted, top), (shifted + slant, top - slant), (shifted + slant, GROUND - slant), (shifted, GROUND)],
                fill=colour, fill_opacity=0.65, **style,
            ),
            svg.polygon([(x, top), (shifted, top), (shifted, GROUND), (x, GROUND)], fill=colour, **style),
        ]
    )  # fmt: skip


def nested(*, dark: bool) -> str:
    """Receptive fields of one, two and three 3x3 convolutions, and the weights of a 7x7 next to those of three 3x3."""
    colours, shades = kinds.colours(dark=dark), theme(dark=dark)
    cell, left, top, side = 16, 10, 10, 7
    parts = [
        _rectangle(left + cell * column, top + cell * row, cell - 1, cell - 1, shades.panel, stroke=shades.line)
        for row in range(side)
        for column in range(side)
    ]
    for size, opacity in ((7, 0.22), (5, 0.4), (3, 0.9)):
        start, across = (side - size) / 2 * cell, size * cell - 1
        colour = colours[Group.CONVOLUTION]
        parts.append(_rectangle(left + start, top + start, across, across, colour, fill_opacity=opacity))
    for row, (words, weights) in enumerate([("7×7", 7 * 7), ("3 × 3×3", 3 * 3 * 3)]):
        y = 36 + 52 * row
        parts.append(svg.text(146, y, words, fill=shades.ink, font_size=TEXT, style=svg.FONT))
        parts.append(_rectangle(146, y + 7, weights * 1.9, 14, colours[(Group.OTHER, Group.CONVOLUTION)[row]]))
        count = _("{weights} C²").format(weights=weights)
        parts.append(svg.text(152 + weights * 1.9, y + 18.5, count, fill=shades.ink, font_size=TEXT, style=svg.FONT))
    label = _("Squares of 3, 5 and 7 cells in each other; a 7×7 has 49 C² weights, three 3×3 have 27 C²")
    return svg.figure(WIDTH, HEIGHT, *parts, label=label)


def bars(networks: dict[str, Analysis], *, dark: bool) -> str:
    """MACs and parameters of a few networks as bars.

    Args:
        networks: Analyses by name.
        dark: Whether the page is dark.
    """
    colours, shades = kinds.colours(dark=dark), theme(dark=dark)
    parts, facts = [], []
    for column, (title, values) in enumerate(
        [
            (_("MACs"), [analysis.totals.macs for analysis in networks.values()]),
            (_("Parameters"), [analysis.totals.params for analysis in networks.values()]),
        ]
    ):
        top = 18 + 62 * column
        parts.append(svg.text(6, top, title, fill=shades.faint, font_size=TEXT, style=svg.FONT))
        for row, (name, value) in enumerate(zip(networks, values, strict=True)):
            y, long = top + 6 + 21 * row, 126 * value / max(values)
            colour = colours[(Group.CONVOLUTION, Group.SHORTCUT)[row % 2]]
            parts.append(svg.text(6, y + 13.5, name, fill=shades.ink, font_size=TEXT, style=svg.FONT))
            parts.append(_rectangle(BAR, y, long, 16, colour))
            parts.append(
                svg.text(BAR + 6 + long, y + 13.5, short(value), fill=shades.ink, font_size=TEXT, style=svg.FONT)
            )
            facts.append(f"{name}, {title}: {short(value)}")
    return svg.figure(WIDTH, HEIGHT, *parts, label="; ".join(facts))


def _rectangle(x: float, y: float, width: float, height: float, fill: str, **more: svg.Attribute) -> str:
    return svg.element(
        "rect", x=float(x), y=float(y), width=float(width), height=float(height), fill=fill, rx=1, **more
    )
