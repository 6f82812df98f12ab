"""The accuracy of one run over its epochs, as a small chart whose lines are named at their ends."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from explorer.drawing import svg
from explorer.drawing.kinds import series_colour
from explorer.drawing.theme import theme
from explorer.i18n import _

WIDTH, HEIGHT = 320, 150
LEFT, RIGHT, TOP, BOTTOM = 36, 104, 12, 24  # margins in pixels
FONT_SIZE = 12
LINE_HEIGHT = 14  # least distance between two names
STEP = 0.1  # the axis begins and ends at multiples of it

Points = Sequence[tuple[float, float]]  # epoch, and accuracy from 0 to 1


class Line(NamedTuple):
    """A line of the chart.

    Attributes:
        name: Name at its end.
        points: Points in the order of the epochs.
        style: SVG attributes of the line.
    """

    name: str
    points: Points
    style: dict[str, svg.Attribute]


def accuracy(validation: Points, training: Points, steps: Points, epochs: float, *, dark: bool) -> str:
    """Draw the top-1 accuracies of a run.

    Args:
        validation: Accuracy on the validation images, one point for each epoch.
        training: Accuracy on the training images, one point for each epoch.
        steps: Accuracy on the training images within epochs, where ``epoch`` is a fraction.
        epochs: Last epoch of the axis.
        dark: Whether the page is dark.
    """
    colour, shades = series_colour(0, dark=dark), theme(dark=dark)
    thin: dict[str, svg.Attribute] = {"stroke_width": 1.2, "stroke_dasharray": "3 3"}
    lines = [
        Line("" if training else _("training"), _finite(steps), {"stroke_width": 1.2, "stroke_opacity": 0.45}),
        Line(_("training"), _finite(training), thin),
        Line(_("validation"), _finite(validation), {"stroke_width": 2.2}),
    ]
    lines = [line for line in lines if line.points]
    values = [value for line in lines for _epoch, value in line.points]
    low = min(math.floor(min(values, default=0.0) / STEP) * STEP, 1 - STEP)
    last = max([epochs, 1.0, *(line.points[-1][0] for line in lines)])

    def x(epoch: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * epoch / last

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value) / (1 - low)

    style: dict[str, svg.Attribute] = {"fill": shades.faint, "font_size": FONT_SIZE, "style": svg.FONT}
    parts = []
    for value in (low, (low + 1) / 2, 1.0):
        parts.append(svg.element("path", d=f"M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}", stroke=shades.line, opacity=0.6))
        parts.append(svg.text(LEFT - 6, y(value) + 4, f"{value:.0%}", text_anchor="end", **style))
    parts.append(svg.text(LEFT, HEIGHT - 4, "0", **style))
    words = _("epoch {epoch:,.0f}").format(epoch=last)
    parts.append(svg.text(x(last), HEIGHT - 4, words, text_anchor="end", **style))
    parts += [_draw(line, x, y, colour) for line in lines]
    names = sorted(
        ((y(line.points[-1][1]), x(line.points[-1][0]), line) for line in lines if line.name), key=lambda one: one[0]
    )
    lowest = -math.inf
    for wanted, end, line in names:
        lowest = max(wanted + 4, lowest + LINE_HEIGHT)
        text = _("{name} {share:.1%}").format(name=line.name, share=line.points[-1][1])
        parts.append(svg.text(end + 6, lowest, text, fill=shades.ink, font_size=FONT_SIZE, style=svg.FONT))
    return svg.figure(WIDTH, HEIGHT, *parts, label=_describe(lines))


def _finite(points: Points) -> Points:
    return [point for point in points if math.isfinite(point[1])]


def _draw(line: Line, x: Callable[[float], float], y: Callable[[float], float], colour: str) -> str:
    """Draw a line, or a dot if it has one point."""
    if len(line.points) == 1:
        epoch, value = line.points[0]
        return svg.element("circle", cx=x(epoch), cy=y(value), r=2.6, fill=colour)
    path = "L".join(f"{x(epoch):.1f} {y(value):.1f}" for epoch, value in line.points)
    return svg.element("path", d=f"M{path}", fill="none", stroke=colour, stroke_linejoin="round", **line.style)


def _describe(lines: Sequence[Line]) -> str:
    """Return the text alternative of the chart."""
    ends = [
        _("{name} {share:.1%} at epoch {epoch:,g}").format(
            name=line.name, share=line.points[-1][1], epoch=round(line.points[-1][0], 1)
        )
        for line in lines
        if line.name
    ]
    return _("Top-1 accuracy: {ends}").format(ends="; ".join(ends) or _("no numbers yet"))
