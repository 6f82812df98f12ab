"""Small figures of the start page, drawn from the numbers that stand next to them."""

from collections.abc import Sequence
from itertools import groupby
from math import sqrt
from typing import NamedTuple

from explorer.analysis import Analysis
from explorer.analysis.kernels import Stack, single
from explorer.drawing import kinds, svg
from explorer.drawing.kinds import Group
from explorer.drawing.theme import Theme, theme
from explorer.i18n import _, ngettext

WIDTH, HEIGHT = 320, 150
GROUND = 128  # y coordinate of the bottom of volumes
TALLEST = 92  # height of the largest volume in pixels
SMALLEST = 4
SLANT = 0.3  # depth of a volume as a share of its side
LEFT = 11.0  # margin, half the width of a label
GAP = 5  # between two sizes of maps
LABEL_GAP = 24  # least distance between two labels
FONT_SIZE = 12


class Volume(NamedTuple):
    """The output of a convolution or pool, or of a linear layer, whose map has one cell."""

    group: Group
    channels: int
    side: int


def volumes(analysis: Analysis, *, dark: bool) -> str:
    """The maps as boxes, with their height for the side and their width for the channels; then the linear layers.

    Args:
        analysis: Analysis of the network.
        dark: Whether the page is dark.
    """
    shown = [
        Volume(group, layer.output_shape[1], layer.output_shape[2] if len(layer.output_shape) > 2 else 1)
        for layer in analysis.layers
        if (group := kinds.group_of(layer.kind)) in (Group.CONVOLUTION, Group.POOLING, Group.LINEAR)
    ]
    maps = [volume for volume in shown if volume.group is not Group.LINEAR]
    head = [volume for volume in shown if volume.group is Group.LINEAR]
    stages = [(side, list(members)) for side, members in groupby(maps, key=lambda volume: volume.side)]
    largest = max((side for side, _members in stages), default=1)
    sizes = {side: max(SMALLEST, TALLEST * sqrt(side / largest)) for side, _members in stages}
    natural = sum(sum(map(_thickness, members)) + sizes[side] * SLANT + GAP for side, members in stages)
    squeeze = min(1.0, (WIDTH - 2 * LEFT) / (natural + 11 * len(head)))
    colours, shades = kinds.colours(dark=dark), theme(dark=dark)
    parts, x, last_label = [], LEFT, -float(LABEL_GAP)
    for side, members in stages:
        start = x
        for place, volume in enumerate(members):
            thick = _thickness(volume) * squeeze
            is_last = place == len(members) - 1
            parts += _box(x, sizes[side], thick, squeeze, colours[volume.group], shades, is_last=is_last)
            x += thick
        middle = (start + x) / 2
        if middle - last_label >= LABEL_GAP:
            parts.append(_label(middle, str(side), shades))
            last_label = middle
        x += (sizes[side] * SLANT + GAP) * squeeze
    for volume in head:
        tall = min(TALLEST, 6 + 4 * sqrt(volume.channels / 100))
        parts.append(_rectangle(x, GROUND - tall, 6 * squeeze, tall, colours[Group.LINEAR]))
        x += 11 * squeeze
    return svg.figure(WIDTH, HEIGHT, *parts, label=_describe([side for side, _members in stages], len(head)))


def _thickness(volume: Volume) -> float:
    return 3.0 if volume.group is Group.POOLING else 2 + sqrt(volume.channels) / 2.6


def _describe(sides: Sequence[int], linear: int) -> str:
    """Return the text alternative of the volumes."""
    if not sides:
        return ngettext("{count} linear layer", "{count} linear layers", linear).format(count=linear)
    return ngettext(
        "Maps with sides of {sides} pixels, then {count} linear layer",
        "Maps with sides of {sides} pixels, then {count} linear layers",
        linear,
    ).format(sides=", ".join(map(str, sides)), count=linear)


def _box(
    x: float, size: float, thick: float, squeeze: float, colour: str, shades: Theme, *, is_last: bool
) -> list[str]:
    """Draw a box. The next box of the same size hides the right face of all but the last."""
    across, up, top = size * SLANT * squeeze, size * SLANT, GROUND - size
    right = x + thick
    style: dict[str, svg.Attribute] = {"stroke": shades.ground, "stroke_width": 0.8, "stroke_linejoin": "round"}
    faces = [
        svg.polygon(
            [(x, top), (x + across, top - up), (right + across, top - up), (right, top)],
            fill=colour, fill_opacity=0.45, **style,
        ),
        svg.polygon([(x, top), (right, top), (right, GROUND), (x, GROUND)], fill=colour, **style),
    ]  # fmt: skip
    if is_last:
        corners = [(right, top), (right + across, top - up), (right + across, GROUND - up), (right, GROUND)]
        faces.append(svg.polygon(corners, fill=colour, fill_opacity=0.65, **style))
    return faces


def nested(large: int, stack: Stack, *, dark: bool) -> str:
    """The receptive fields of a stack of 3x3 kernels in each other, and its weights next to those of one large kernel.

    Args:
        large: Side of the large kernel, which sees as much as the stack.
        stack: Stack of 3x3 kernels.
        dark: Whether the page is dark.
    """
    colours, shades = kinds.colours(dark=dark), theme(dark=dark)
    cell, left, top = 126 / large, 8.0, 12.0
    parts = [
        _rectangle(left + cell * column, top + cell * row, cell - 1, cell - 1, shades.panel, stroke=shades.line)
        for row in range(large)
        for column in range(large)
    ]
    sides = range(3, large + 1, 2)
    for place, side in enumerate(reversed(sides)):
        start, span = (large - side) / 2 * cell, side * cell - 1
        opacity = 0.22 + 0.68 * place / max(1, len(sides) - 1)
        colour = colours[Group.CONVOLUTION]
        parts.append(_rectangle(left + start, top + start, span, span, colour, fill_opacity=opacity))
    one, many = single(large).cells, stack.cells
    for row, (words, weights) in enumerate([(f"{large}×{large}", one), (f"{len(stack.kernels)} × 3×3", many)]):
        y, long = 40 + 52 * row, 92 * weights / max(one, many)
        parts.append(svg.text(152, y, words, fill=shades.ink, font_size=13, style=svg.FONT))
        parts.append(_rectangle(152, y + 7, long, 14, colours[(Group.OTHER, Group.CONVOLUTION)[row]]))
        count = _("{weights} C²").format(weights=weights)
        parts.append(svg.text(158 + long, y + 18.5, count, fill=shades.ink, font_size=13, style=svg.FONT))
    label = _("Squares of {sides} cells in each other; a {side}×{side} has {one} C² weights, the stack has {many} C²")
    return svg.figure(
        WIDTH, HEIGHT, *parts, label=label.format(sides=", ".join(map(str, sides)), side=large, one=one, many=many)
    )


def _label(x: float, words: str, shades: Theme) -> str:
    return svg.text(x, GROUND + 16, words, fill=shades.faint, font_size=FONT_SIZE, text_anchor="middle", style=svg.FONT)


def _rectangle(x: float, y: float, width: float, height: float, fill: str, **more: svg.Attribute) -> str:
    return svg.element(
        "rect", x=float(x), y=float(y), width=float(width), height=float(height), fill=fill, rx=1, **more
    )
