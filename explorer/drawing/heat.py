"""Heat maps: one perceptual colour scale (cividis, readable with any colour vision) for amounts of layers."""

from functools import lru_cache
from math import log

from plotly.colors import sample_colorscale

from explorer.analysis import Analysis
from explorer.analysis.measures import Measure, Number
from explorer.drawing.svg import element
from explorer.drawing.theme import theme

NONE = "url(#none)"  # fill of a layer without any of the measure
DARKEST = 0.18  # the place on the scale where dark pages begin, because the colours below are hardly seen there


def value_range(analysis: Analysis, measure: Measure) -> tuple[Number, Number]:
    """The smallest and the largest amount of a layer that has any."""
    found = [value for layer in analysis.layers if (value := measure.definition.amount([layer]))]
    return (min(found), max(found)) if found else (1, 1)


def colour(value: Number, least: Number, most: Number, *, dark: bool) -> str:
    """The colour of an amount on a logarithmic scale; more is brighter on dark pages and darker on light ones."""
    place = log(max(value, least) / least) / log(most / least) if most > least else 1.0
    place = min(1.0, place)
    return _sampled(round(100 * (DARKEST + (1 - DARKEST) * place if dark else 1 - place)))


def shade(share: float) -> str:
    """The colour of a share from 0 to 1 on the whole scale; more is brighter."""
    return _sampled(round(100 * min(max(share, 0.0), 1.0)))


def hatching(*, dark: bool) -> str:
    """The definition of the pattern that fills layers without any of the measure."""
    colours = theme(dark=dark)
    return element(
        "pattern",
        element("rect", width=6, height=6, fill=colours.ground),
        element("path", d="M-1 7L7 -1M-1 1L1 -1M5 7L7 5", stroke=colours.faint, stroke_width=1),
        id="none", width=6, height=6, patternUnits="userSpaceOnUse",
    )  # fmt: skip


@lru_cache(maxsize=101)
def _sampled(percent: int) -> str:
    sampled: list[str] = sample_colorscale("Cividis", [percent / 100])
    return sampled[0]
