"""Heat maps: one perceptual colour scale (cividis, readable with any colour vision) for amounts of layers."""

from functools import lru_cache
from math import log

from plotly.colors import sample_colorscale

from explorer.analysis import Analysis
from explorer.analysis.measures import Measure, Number


def value_range(analysis: Analysis, measure: Measure) -> tuple[Number, Number]:
    """The smallest and the largest amount of a layer that has any."""
    found = [value for layer in analysis.layers if (value := measure.definition.amount([layer]))]
    return (min(found), max(found)) if found else (1, 1)


def colour(value: Number, least: Number, most: Number, *, dark: bool) -> str:
    """The colour of an amount on a logarithmic scale; more is brighter on dark pages and darker on light ones."""
    place = log(max(value, least) / least) / log(most / least) if most > least else 1.0
    place = min(1.0, place)
    return _sampled(round(100 * (place if dark else 1 - place)))


@lru_cache(maxsize=101)
def _sampled(percent: int) -> str:
    sampled: list[str] = sample_colorscale("Cividis", [percent / 100])
    return sampled[0]
