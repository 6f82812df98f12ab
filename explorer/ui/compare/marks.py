"""One colour, line, symbol and hatching for each of the compared networks, the same in every chart."""

from itertools import accumulate, pairwise
from typing import NamedTuple

from explorer.drawing.kinds import Group, colours

GLYPHS = {"circle": "●", "square": "■", "diamond": "◆", "triangle-up": "▲"}


class Mark(NamedTuple):
    """How a network is drawn: told apart by each of these alone."""

    colour: str
    dash: str
    symbol: str
    pattern: str
    line: str  # the dash as a CSS background


def _dashes(*lengths: int) -> str:
    ends = [0, *accumulate(lengths)]
    stops = [
        f"{'transparent' if gap % 2 else 'currentColor'} {start}px {end}px"
        for gap, (start, end) in enumerate(pairwise(ends))
    ]
    return f"repeating-linear-gradient(90deg, {', '.join(stops)})"


def marks(*, dark: bool) -> tuple[Mark, ...]:
    """The marks of the first to the fourth network."""
    kinds = colours(dark=dark)
    return (
        Mark(kinds[Group.CONVOLUTION], "solid", "circle", "", "currentColor"),
        Mark(kinds[Group.SHORTCUT], "dash", "square", "/", _dashes(7, 3)),
        Mark(kinds[Group.ACTIVATION], "dot", "diamond", "x", _dashes(2, 2)),
        Mark(kinds[Group.LINEAR], "dashdot", "triangle-up", ".", _dashes(8, 3, 2, 3)),
    )


def sample(mark: Mark) -> str:
    """A short line with its symbol, as in the charts, as HTML; decoration, for the letter stands beside it."""
    return (
        f'<span class="line" style="color:{mark.colour};background:{mark.line}" aria-hidden="true">'
        f"<span>{GLYPHS[mark.symbol]}</span></span>"
    )
