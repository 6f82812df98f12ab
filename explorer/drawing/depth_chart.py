"""Positive numbers along the depth of networks, on a logarithmic scale."""

import math
from collections.abc import Iterable, Mapping, Sequence

from explorer.drawing import svg
from explorer.drawing.kinds import series_colour
from explorer.drawing.theme import theme
from explorer.i18n import _

WIDTH, HEIGHT = 470, 350  # on a phone, its text is still large enough
LEFT, RIGHT, TOP, BOTTOM = 60, 16, 60, 40  # margins in pixels
FONT_SIZE = 16
MOST_TICKS = 6
SMALLEST = -40  # exponents of ten below it are drawn at the bottom


def draw(
    lines: Mapping[str, Sequence[float]], *, label: str, dark: bool = False, scale: Iterable[float] = ()
) -> str:  # fmt: skip
    """The numbers as lines from the first layer to the last.

    Args:
        lines: Numbers of each network in the order of its layers, by its name.
        label: Name of the numbers.
        dark: Whether the page is dark.
        scale: More numbers that the axis has room for, so that charts can be compared.
    """
    shades = theme(dark=dark)
    exponents = {name: list(map(_exponent, values)) for name, values in lines.items()}
    every = [value for values in exponents.values() for value in values] + list(map(_exponent, scale)) or [0.0]
    low, high = math.floor(min(every)), math.ceil(max(every))
    high = max(high, low + 1)
    step = math.ceil((high - low) / MOST_TICKS)
    longest = max((len(values) for values in lines.values()), default=1)

    def x(position: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * position / max(longest - 1, 1)

    def y(exponent: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - exponent) / (high - low)

    parts = []
    for exponent in range(low, high + 1, step):
        power = svg.element("tspan", str(exponent).replace("-", "−"), dy=-6)
        parts += [
            svg.element("path", d=f"M{LEFT} {y(exponent):.1f}H{WIDTH - RIGHT}", stroke=shades.line, opacity=0.6),
            svg.element("text", "10", power, x=LEFT - 8, y=y(exponent) + 4, text_anchor="end", fill=shades.faint),
        ]
    parts += [
        svg.text(4, 17, label, fill=shades.ink),
        svg.text(LEFT, HEIGHT - 12, _("first layer"), fill=shades.faint),
        svg.text(WIDTH - RIGHT, HEIGHT - 12, _("last layer"), text_anchor="end", fill=shades.faint),
    ]
    left = float(LEFT)
    for series, (name, values) in enumerate(exponents.items()):
        colour = series_colour(series, dark=dark)
        path = "L".join(f"{x(place):.1f} {y(value):.1f}" for place, value in enumerate(values))
        parts += [
            svg.element("path", d=f"M{path}", fill="none", stroke=colour, stroke_width=2.4, stroke_linejoin="round"),
            svg.element("rect", x=left, y=31, width=12, height=12, fill=colour),
            svg.text(left + 18, 42, name, fill=shades.ink),
        ]
        left += 10.0 * len(name) + 40
    ends = "; ".join(
        _("{name}: {first:.1e} at the first layer, {last:.1e} at the last").format(
            name=name, first=values[0], last=values[-1]
        )
        for name, values in lines.items()
        if values
    )
    return svg.figure(
        WIDTH, HEIGHT, *parts, label=f"{label}. {ends}", style=f"text{{{svg.FONT};font-size:{FONT_SIZE}px}}"
    )


def _exponent(value: float) -> float:
    return max(math.log10(value), SMALLEST) if value > 0 else SMALLEST
