"""The shapes of a diagram's boxes."""

from collections.abc import Iterable
from itertools import accumulate

from explorer.drawing.layout import SLAB, Box, words_width
from explorer.drawing.svg import Attribute, element, polygon, text

STACK = (8.0, 4.0)  # shifts in pixels of the sheets behind a closed part


def volume(box: Box, fills: list[str], stroke: str, seams: Iterable[float] = ()) -> str:
    """Front, top and side of a box.

    Args:
        box: Box.
        fills: Colours of the unit's layers, each of which is a slice.
        stroke: Colour of the outlines.
        seams: x coordinates of lines down the front.
    """
    d, y, h = box.depth, box.y, box.height
    edges = list(accumulate([box.width, *[SLAB] * (len(fills) - 1)], initial=box.x))
    outline: dict[str, Attribute] = {"stroke": stroke, "stroke_width": 0.6}
    out = []
    for fill, left, right in zip(fills, edges, edges[1:], strict=False):
        top = [(left, y), (left + d, y - d), (right + d, y - d), (right, y)]
        out.append(polygon(top, fill=fill, **outline))
        out.append(polygon(top, fill="#fff", opacity=0.35))
        out.append(element("rect", x=left, y=y, width=right - left, height=h, fill=fill, **outline))
    right = edges[-1]
    side = [(right, y), (right + d, y - d), (right + d, y + h - d), (right, y + h)]
    out.append(polygon(side, fill=fills[-1], **outline))
    out.append(polygon(side, fill="#000", opacity=0.25))
    return "".join(out) + _lines(box, stroke, seams)


def joint(box: Box, fills: list[str], stroke: str, plus: str) -> str:
    """An addition: a circle with a plus, and the layers after it.

    Args:
        box: Box.
        fills: Colours of the addition and of the layers after it.
        stroke: Colour of the outlines.
        plus: Colour of the plus.
    """
    x, y = box.x + box.width / 2, box.middle
    circle = element("circle", cx=x, cy=y, r=box.width / 2, fill=fills[0], stroke=stroke)
    sign = element("path", d=f"M{x - 5:.1f} {y:.1f}h10M{x:.1f} {y - 5:.1f}v10", stroke=plus, stroke_width=2)
    slabs = (
        element("rect", x=box.x + box.width + SLAB * step, y=box.y, width=SLAB, height=box.height, fill=fill)
        for step, fill in enumerate(fills[1:])
    )
    return circle + sign + "".join(slabs)


def stack(box: Box, fill: str, stroke: str, seams: Iterable[float] = ()) -> str:
    """A closed part: sheets behind each other.

    Args:
        box: Box.
        fill: Colour of the sheets.
        stroke: Colour of the outlines.
        seams: x coordinates of lines between the channels of its branches.
    """
    sheets = [(shift, 0.45) for shift in STACK] + [(0.0, 1.0)]
    return "".join(
        element(
            "rect", x=box.x + shift, y=box.y - shift, width=box.width, height=box.height,
            fill=fill, stroke=stroke, opacity=opacity,
        )
        for shift, opacity in sheets
    ) + _lines(box, stroke, seams)  # fmt: skip


def _lines(box: Box, stroke: str, seams: Iterable[float]) -> str:
    return "".join(
        element("line", x1=x, y1=box.y, x2=x, y2=box.y + box.height, stroke=stroke, stroke_width=1.2) for x in seams
    )


def arc_over(box: Box, colour: str) -> str:
    """The shortcut over a closed block."""
    left, right, top = box.x - 4, box.x + box.width + 4, box.y - 12
    path = f"M{left:.1f} {box.middle:.1f} V{top + 8:.1f} Q{left:.1f} {top:.1f} {left + 8:.1f} {top:.1f} "
    path += f"H{right - 8:.1f} Q{right:.1f} {top:.1f} {right:.1f} {top + 8:.1f} V{box.middle:.1f}"
    return element("path", d=path, fill="none", stroke=colour, stroke_width=1.6)


def count(box: Box, ground: str) -> str:
    """The number of blocks in a closed run, or dots for other closed parts."""
    words = f"{len(box.node.children)} ×" if box.node.level == "run" else "⋯"
    width = words_width(words) + 10
    x, y = box.x + box.width / 2, box.middle
    pill = element("rect", x=x - width / 2, y=y - 9, width=width, height=18, rx=9, fill=ground, opacity=0.92)
    return pill + text(x, y + 4, words, font_size=12, text_anchor="middle", font_weight=600)
