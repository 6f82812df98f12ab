"""Sketches: figures without words, small enough for a card. Screen readers read the words of the card."""

from collections.abc import Sequence
from math import log10

from explorer.drawing import kinds, svg
from explorer.drawing.kinds import Group, series_colour
from explorer.drawing.theme import theme

WIDTH, HEIGHT = 240.0, 96.0
TOP, BOTTOM = 6.0, 90.0
HIGH = BOTTOM - TOP

Rows = Sequence[Sequence[str]]


def _sketch(*parts: str) -> str:
    return svg.figure(WIDTH, HEIGHT, *parts, label="")


def _box(x: float, y: float, width: float, height: float, fill: str, **more: svg.Attribute) -> str:
    return svg.element("rect", x=float(x), y=float(y), width=float(width), height=float(height), fill=fill, **more)


def _grid(rows: Rows, left: float, size: float) -> list[str]:
    cell = size / len(rows)
    return [
        _box(left + column * cell, TOP + row * cell, cell, cell, colour, shape_rendering="crispEdges")
        for row, line in enumerate(rows)
        for column, colour in enumerate(line)
    ]


def pictures(shown: Sequence[Rows], *, dark: bool) -> str:
    """Pictures in a row, given as colours of their cells."""
    gap = 18.0
    left = (WIDTH - len(shown) * HIGH - (len(shown) - 1) * gap) / 2
    frame = theme(dark=dark).line
    parts: list[str] = []
    for place, rows in enumerate(shown):
        x = left + place * (HIGH + gap)
        parts += [*_grid(rows, x, HIGH), _box(x, TOP, HIGH, HIGH, "none", stroke=frame)]
    return _sketch(*parts)


def window(image: Rows, output: Rows, kernel: int, *, dark: bool) -> str:
    """An image with a window in its middle, and the output with the cell that belongs to it."""
    shades = theme(dark=dark)
    cell, other = HIGH / len(image), len(output) / len(image) * HIGH
    right, place = WIDTH - 20 - other, (len(image) - kernel) // 2
    parts = [*_grid(image, 20, HIGH), *_grid(output, right, other)]
    parts += [
        _box(20 + place * cell, TOP + place * cell, kernel * cell, kernel * cell, "none", stroke=shades.mark,
             stroke_width=3),
        _box(right + place * cell, TOP + place * cell, cell, cell, "none", stroke=shades.mark, stroke_width=3),
    ]  # fmt: skip
    return _sketch(*parts)


def nested(sides: Sequence[int], *, dark: bool) -> str:
    """Fields in each other, the largest at the back, on a grid of the largest one's cells."""
    shades, colour = theme(dark=dark), kinds.colours(dark=dark)[Group.CONVOLUTION]
    largest = max(sides)
    cell, left = HIGH / largest, (WIDTH - HIGH) / 2
    parts = _grid([[shades.panel] * largest] * largest, left, HIGH)
    for place, side in enumerate(sorted(sides, reverse=True)):
        start = (largest - side) / 2 * cell
        opacity = 0.25 + 0.65 * place / max(1, len(sides) - 1)
        parts.append(_box(left + start, TOP + start, side * cell, side * cell, colour, fill_opacity=opacity))
    return _sketch(*parts)


def fields(sizes: Sequence[int], *, dark: bool) -> str:
    """Receptive fields of the layers as bars in the middle, the deepest layer at the top."""
    colour = kinds.colours(dark=dark)[Group.CONVOLUTION]
    high = HIGH / len(sizes)
    parts = []
    for row, size in enumerate(sizes):
        long = (WIDTH - 20) * size / max(sizes)
        parts.append(_box((WIDTH - long) / 2, TOP + row * high, long, high - 4, colour, rx=2))
    return _sketch(*parts)


def bars(groups: Sequence[Group], values: Sequence[float], *, dark: bool) -> str:
    """A bar for each layer, in the colour of its kind."""
    colours = kinds.colours(dark=dark)
    step, most = (WIDTH - 20) / len(values), max(values)
    return _sketch(
        *(
            _box(10 + place * step, BOTTOM - HIGH * value / most, step - 2, max(HIGH * value / most, 1), colours[group])
            for place, (group, value) in enumerate(zip(groups, values, strict=True))
        )
    )


def lines(curves: Sequence[Sequence[float]], *, dark: bool, log: bool = False) -> str:
    """Curves over the same places.

    Args:
        curves: Values of each curve; with ``log``, positive ones.
        dark: Whether the page is dark.
        log: Whether the scale is logarithmic.
    """
    drawn = [[log10(value) if log else value for value in curve] for curve in curves]
    low, high = (limit(value for curve in drawn for value in curve) for limit in (min, max))
    parts = [svg.element("path", d=f"M10 {BOTTOM}H{WIDTH - 10}", stroke=theme(dark=dark).line)]
    for series, curve in enumerate(drawn):
        step = (WIDTH - 20) / (len(curve) - 1)
        points = "L".join(
            f"{10 + place * step:.1f} {BOTTOM - (HIGH - 4) * (value - low) / (high - low):.1f}"
            for place, value in enumerate(curve)
        )
        colour = series_colour(series, dark=dark)
        parts.append(svg.element("path", d=f"M{points}", fill="none", stroke=colour, stroke_width=2.5))
    return _sketch(*parts)


def shortcuts(blocks: int, *, dark: bool) -> str:
    """A row of blocks with an arc around each."""
    shades, colour = theme(dark=dark), kinds.colours(dark=dark)[Group.CONVOLUTION]
    step = (WIDTH - 40) / blocks
    parts = [svg.element("path", d=f"M8 66H{WIDTH - 8}", stroke=shades.faint, stroke_width=2)]
    for place in range(blocks):
        x = 20 + place * step
        parts += [
            svg.element("path", d=f"M{x + 1:.1f} 66Q{x + step / 2:.1f} 0 {x + step - 1:.1f} 66", fill="none",
                        stroke=shades.accent, stroke_width=2.5),
            *(_box(x + step * share, 52, step * 0.24, 28, colour, rx=2) for share in (0.2, 0.54)),
        ]  # fmt: skip
    return _sketch(*parts)


def branches(channels: Sequence[int], *, dark: bool) -> str:
    """Branches next to each other between two maps; each is as thick as it has channels."""
    shades, colour = theme(dark=dark), kinds.colours(dark=dark)[Group.CONVOLUTION]
    gap = 6.0
    unit = (HIGH - gap * (len(channels) - 1)) / sum(channels)
    parts, y = [], TOP
    for count in channels:
        high = max(count * unit, 2.0)
        middle = y + high / 2
        for end, inner in ((30.0, 84.0), (WIDTH - 30, WIDTH - 84)):
            parts.append(
                svg.element(
                    "path", d=f"M{end} {HEIGHT / 2}L{inner} {middle:.1f}", stroke=shades.faint, stroke_width=1.5
                )
            )
        parts.append(_box(84, y, WIDTH - 168, high, colour, rx=2))
        y += high + gap
    parts += [_box(x, TOP + 12, 14, HIGH - 24, shades.faint, rx=2) for x in (16, WIDTH - 30)]
    return _sketch(*parts)


def misfit(arrive: float, reads: float, *, dark: bool) -> str:
    """Two columns whose heights are to be equal and are not."""
    shades, colours = theme(dark=dark), kinds.colours(dark=dark)
    heights = [HIGH * value / max(arrive, reads) for value in (arrive, reads)]
    parts = [
        _box(left, TOP + (HIGH - high) / 2, 40, high, colour, rx=2)
        for left, high, colour in zip(
            (60, 140), heights, (colours[Group.CONVOLUTION], colours[Group.LINEAR]), strict=True
        )
    ]
    middle = HEIGHT / 2
    cross = f"M113 {middle - 7}L127 {middle + 7}M127 {middle - 7}L113 {middle + 7}"
    parts.append(svg.element("path", d=cross, stroke=shades.mark, stroke_width=3.5, stroke_linecap="round"))
    return _sketch(*parts)
