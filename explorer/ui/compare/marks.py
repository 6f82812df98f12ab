"""The marks of the compared networks: colour, line, symbol and pattern, the same in every chart."""

from itertools import accumulate, pairwise
from typing import NamedTuple

from explorer.drawing.kinds import Group, colours

GLYPHS = {"circle": "●", "square": "■", "diamond": "◆", "triangle-up": "▲"}


class Mark(NamedTuple):
    """The mark of a network. Each attribute alone is enough to recognise the network.

    Attributes:
        colour: Colour.
        dash: Dash of lines.
        symbol: Symbol of points.
        pattern: Pattern of bars.
        line: Dash of lines as a CSS background.
    """

    colour: str
    dash: str
    symbol: str
    pattern: str
    line: str


def _background(*lengths: int) -> str:
    ends = [0, *accumulate(lengths)]
    stops = [
        f"{'transparent' if gap % 2 else 'currentColor'} {start}px {end}px"
        for gap, (start, end) in enumerate(pairwise(ends))
    ]
    return f"repeating-linear-gradient(90deg, {', '.join(stops)})"


def marks(*, dark: bool) -> tuple[Mark, ...]:
    """Return the marks of the first to the fourth network."""
    kinds = colours(dark=dark)
    return (
        Mark(kinds[Group.CONVOLUTION], "solid", "circle", "", "currentColor"),
        Mark(kinds[Group.SHORTCUT], "dash", "square", "/", _background(7, 3)),
        Mark(kinds[Group.ACTIVATION], "dot", "diamond", "x", _background(2, 2)),
        Mark(kinds[Group.LINEAR], "dashdot", "triangle-up", ".", _background(8, 3, 2, 3)),
    )


def legend_line(mark: Mark) -> str:
    """Return HTML of a short line with the symbol, as in the charts. Screen readers skip it and read the letter."""
    return (
        f'<span class="line" style="color:{mark.colour};background:{mark.line}" aria-hidden="true">'
        f"<span>{GLYPHS[mark.symbol]}</span></span>"
    )
