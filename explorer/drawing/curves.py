"""Curves of several trainings on one chart, with the names of the lines at their ends and a legend for the styles."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from explorer.drawing import svg
from explorer.drawing.kinds import series_colour
from explorer.drawing.theme import theme
from explorer.i18n import _

WIDTH, HEIGHT = 760, 330
LEFT, RIGHT, TOP, BOTTOM = 48, 190, 30, 40  # margins in pixels
FONT_SIZE = 13
LINE_HEIGHT = 17  # least distance between two names

Points = Sequence[tuple[float, float]]


class Curve(NamedTuple):
    """A line of the chart.

    Attributes:
        name: Name at its end; empty for a line that belongs to the one before it.
        points: Epoch and value of each point.
        series: Position of its colour.
        dashed: Whether the line is dashed.
    """

    name: str
    points: Points
    series: int
    dashed: bool = False


def draw(curves: Sequence[Curve], *, label: str, styles: tuple[str, str], dark: bool = False) -> str:
    """The curves as SVG.

    Args:
        curves: Lines with values from 0 to 1.
        label: What the values are.
        styles: Names of the solid and the dashed lines.
        dark: Whether the page is dark.
    """
    shades = theme(dark=dark)
    curves = [curve._replace(points=[point for point in curve.points if math.isfinite(point[1])]) for curve in curves]
    curves = [curve for curve in curves if curve.points]
    last = max((curve.points[-1][0] for curve in curves), default=1.0)
    least = min((value for curve in curves for _epoch, value in curve.points), default=0.0)
    low = math.floor(min(least, 0.8) * 5) / 5  # so that the quarters between are round numbers

    def x(epoch: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * epoch / last

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value) / (1 - low)

    parts = []
    for step in range(5):
        value = low + (1 - low) * step / 4
        parts += [
            svg.element("path", d=f"M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}", stroke=shades.line, opacity=0.6),
            svg.text(LEFT - 8, y(value) + 4, f"{value:.0%}", text_anchor="end", fill=shades.faint),
        ]
    parts += [
        svg.text(LEFT, HEIGHT - 20, "0", fill=shades.faint, text_anchor="middle"),
        svg.text(x(last), HEIGHT - 20, _("epoch {epoch:,.0f}").format(epoch=last), text_anchor="end",
                 fill=shades.faint),
        svg.text(LEFT - 36, 16, label, fill=shades.ink),
    ]  # fmt: skip
    for place, (name, dashes) in enumerate(zip(styles, (None, "4 4"), strict=True)):
        start = WIDTH - RIGHT - 260 + 130 * place
        parts += [
            svg.element("path", d=f"M{start} 12h26", stroke=shades.ink, stroke_width=2, stroke_dasharray=dashes),
            svg.text(start + 32, 16, name, fill=shades.ink),
        ]
    for curve in curves:
        path = "L".join(f"{x(epoch):.1f} {y(value):.1f}" for epoch, value in curve.points)
        parts.append(
            svg.element(
                "path", d=f"M{path}", fill="none", stroke=series_colour(curve.series, dark=dark),
                stroke_linejoin="round",
                stroke_width=1.4 if curve.dashed else 2.4, stroke_dasharray="4 4" if curve.dashed else None,
            )
        )  # fmt: skip
    parts += _names([curve for curve in curves if curve.name], y, dark=dark)
    described = "; ".join(
        _("{name} {share:.1%}").format(name=curve.name, share=curve.points[-1][1]) for curve in curves if curve.name
    )
    return svg.figure(
        WIDTH, HEIGHT, *parts, label=f"{label}: {described}", style=f"text{{{svg.FONT};font-size:{FONT_SIZE}px}}"
    )


def _names(curves: Sequence[Curve], y: Callable[[float], float], *, dark: bool) -> list[str]:
    """The names at the right, in the order of the ends of the lines, none above another."""
    placed = sorted(curves, key=lambda curve: -curve.points[-1][1])
    room = HEIGHT - BOTTOM - LINE_HEIGHT * len(placed)
    parts, lowest = [], -math.inf
    for position, curve in enumerate(placed):
        lowest = max(min(y(curve.points[-1][1]) + 4, room + LINE_HEIGHT * (position + 1)), lowest + LINE_HEIGHT)
        words = _("{name} {share:.1%}").format(name=curve.name, share=curve.points[-1][1])
        parts += [
            svg.element("rect", x=WIDTH - RIGHT + 8, y=lowest - 9, width=10, height=10,
                        fill=series_colour(curve.series, dark=dark)),
            svg.text(WIDTH - RIGHT + 22, lowest, words, fill=theme(dark=dark).ink),
        ]  # fmt: skip
    return parts
