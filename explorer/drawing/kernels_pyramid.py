"""The receptive field along one axis as a pyramid: one unit at the top, the pixels that it sees at the bottom."""

from collections.abc import Sequence
from itertools import pairwise

from explorer.analysis.layer_list import Layer
from explorer.analysis.recursion import backward, dependencies, forward
from explorer.drawing import kinds, svg
from explorer.drawing.kinds import Group
from explorer.drawing.theme import Theme, theme
from explorer.i18n import _

WIDTH = 520.0
LEFT, RIGHT = 118.0, 66.0
PIXEL = 34.0  # largest width of a pixel of the image
MIN_CELL = 3.5  # a row of narrower cells is drawn as one bar
MAX_PIXELS = 1200  # larger fields are drawn as bars, without computing their cells
ROW, STEP, SHORT_STEP = 20.0, 48.0, 34.0
MANY_LAYERS = 10  # number of layers from which rows are closer together
TEXT = 15


def draw(layers: Sequence[Layer], *, dark: bool = False) -> str:
    """The pyramid as SVG: the unit at the top, then each map down to the image.

    Args:
        layers: Layers in running order.
        dark: Whether the page is dark.
    """
    colours, inks = theme(dark=dark), kinds.colours(dark=dark)
    steps = backward(layers)
    maps = forward(layers)[::-1]
    counts = [1, *(step.field for step in steps)]
    field = counts[-1]
    cells = dependencies(layers)[::-1] if field <= MAX_PIXELS else None
    pixel = min(PIXEL, (WIDTH - LEFT - RIGHT) / field)
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    step = STEP if len(layers) < MANY_LAYERS else SHORT_STEP
    parts = []
    spans = []
    for level, (count, reached) in enumerate(zip(counts, maps, strict=True)):
        # Each unit is drawn above the middle of its own receptive field; units are one stride apart.
        width = reached.stride * pixel
        left = middle - (count * reached.stride) * pixel / 2
        spans.append((left, left + count * width))
        y = 8 + level * step
        colour = colours.mark if level == 0 else inks[_group(reached.layer)] if reached.layer else colours.ink
        filled = range(count) if cells is None else cells[level]
        if width < MIN_CELL or cells is None:
            parts.append(_bar(left, y, count * width, colour))
        else:
            inside = set(filled)
            parts += [_bar(left + cell * width, y, width - 1.5, colour, seen=cell in inside) for cell in range(count)]
        parts.append(svg.text(middle + field * pixel / 2 + 10, y + 15, f"{count:,}", fill=colours.ink, font_weight=650))
        if level in (0, len(layers)):
            name = _("one unit") if level == 0 else _("image")
            parts.append(svg.text(LEFT - 10, y + 15, name, text_anchor="end", fill=colours.faint))
        if level:
            layer, between = steps[level - 1].layer, y - (step - ROW) / 2 + 5
            parts.append(svg.text(LEFT - 10, between, layer.name, text_anchor="end", fill=colours.ink))
    beams = [
        _beam(above, below, 8 + level * step, step, colours) for level, (above, below) in enumerate(pairwise(spans))
    ]
    label = _(
        "One unit of the last map sees {field:,} pixels of the image; from it down, the maps have {counts} cells"
    ).format(field=field, counts=", ".join(f"{count:,}" for count in counts))
    return svg.figure(
        WIDTH, 8 + len(layers) * step + ROW + 8, *beams, *parts, label=label,
        style=f"text{{{svg.FONT};font-size:{TEXT}px}}",
    )  # fmt: skip


def _group(layer: Layer) -> Group:
    return Group.POOLING if layer.kind == "pool" else Group.CONVOLUTION


def _bar(x: float, y: float, width: float, colour: str, *, seen: bool = True) -> str:
    return svg.element(
        "rect", x=x, y=y, width=max(width, 1.0), height=ROW, rx=2,
        fill=colour if seen else "none", fill_opacity=0.8 if seen else None, stroke=colour, stroke_width=0.8,
    )  # fmt: skip


def _beam(above: tuple[float, float], below: tuple[float, float], y: float, step: float, colours: Theme) -> str:
    top, bottom = y + ROW, y + step
    points = ((above[0], top), (above[1], top), (below[1], bottom), (below[0], bottom))
    return svg.polygon(points, fill=colours.accent, fill_opacity=0.12)
