"""Curves of several trainings on one chart, with the names and last values of the lines below it."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from explorer.drawing import svg
from explorer.drawing.kinds import series_colour
from explorer.drawing.theme import theme
from explorer.i18n import _

WIDTH, HEIGHT = 470, 350  # without the names; on a phone, the text is still large enough
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 60, 34  # margins in pixels
FONT_SIZE = 16
LINE_HEIGHT = 22

Points = Sequence[tuple[float, float]]


class Curve(NamedTuple):
    """A line of the chart.

    Attributes:
        name: Name in the list below; empty for a line that belongs to the one before it.
        points: Epoch and value of each point.
        series: Position of its colour.
        dashed: Whether the line is dashed.
        colour: Colour of the line, if there are more lines than colours of series; otherwise empty.
    """

    name: str
    points: Points
    series: int
    dashed: bool = False
    colour: str = ""


def draw(
    curves: Sequence[Curve],
    *,
    label: str,
    styles: tuple[str, str],
    dark: bool = False,
    end: str = "",
    low: float | None = None,
    last_values: bool = True,
) -> str:
    """The curves as SVG.

    Args:
        curves: Lines with values from 0 to 1.
        label: Name of the values.
        styles: Names of the solid and the dashed lines; empty for lines that need none.
        dark: Whether the page is dark.
        end: Words at the end of the horizontal axis; by default the last epoch.
        low: Value at the bottom; by default a round number below the least value.
        last_values: Whether the last value of each line is next to its name.
    """
    shades = theme(dark=dark)
    curves = [curve._replace(points=[point for point in curve.points if math.isfinite(point[1])]) for curve in curves]
    curves = [curve for curve in curves if curve.points]
    last = max((curve.points[-1][0] for curve in curves), default=1.0)
    least = min((value for curve in curves for _epoch, value in curve.points), default=0.0)
    if low is None:
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
        svg.text(LEFT, HEIGHT - 12, "0", fill=shades.faint, text_anchor="middle"),
        svg.text(x(last), HEIGHT - 12, end or _("epoch {epoch:,.0f}").format(epoch=last), text_anchor="end",
                 fill=shades.faint),
        svg.text(4, 17, label, fill=shades.ink),
    ]  # fmt: skip
    kinds = zip(styles, (None, "4 4"), (False, True), strict=True)
    present = [
        (name, dashes) for name, dashes, dashed in kinds if name and any(curve.dashed == dashed for curve in curves)
    ]
    for place, (name, dashes) in enumerate(present):
        start = LEFT + 195 * place
        parts += [
            svg.element("path", d=f"M{start} 37h28", stroke=shades.ink, stroke_width=2, stroke_dasharray=dashes),
            svg.text(start + 34, 42, name, fill=shades.ink),
        ]
    for position, curve in enumerate(curves):
        hides = any(curve.points == before.points for before in curves[:position])
        path = "L".join(f"{x(epoch):.1f} {y(value):.1f}" for epoch, value in curve.points)
        parts.append(
            svg.element(
                "path", d=f"M{path}", fill="none", stroke=curve.colour or series_colour(curve.series, dark=dark),
                stroke_linejoin="round",
                stroke_width=1.4 if curve.dashed else 2.4,
                # The colour of an equal line below is seen between long dashes.
                stroke_dasharray="14 14" if hides else "4 4" if curve.dashed else None,
            )
        )  # fmt: skip
    named = sorted((curve for curve in curves if curve.name), key=lambda curve: -curve.points[-1][1])
    for position, curve in enumerate(named):
        middle = HEIGHT + LINE_HEIGHT * (position + 0.5)
        words = _described(curve) if last_values else curve.name
        colour = curve.colour or series_colour(curve.series, dark=dark)
        parts += [
            svg.element("rect", x=LEFT, y=middle - 6, width=12, height=12, fill=colour),
            svg.text(LEFT + 20, middle + 5, words, fill=shades.ink),
        ]
    words = "; ".join(_described(curve) for curve in curves if curve.name)
    return svg.figure(
        WIDTH, HEIGHT + LINE_HEIGHT * len(named) + 4, *parts, label=f"{label}: {words}",
        style=f"text{{{svg.FONT};font-size:{FONT_SIZE}px}}",
    )  # fmt: skip


def _described(curve: Curve) -> str:
    """The name of a line with its last value."""
    return _("{name} {share:.1%}").format(name=curve.name, share=curve.points[-1][1])
