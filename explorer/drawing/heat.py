"""Heat: one perceptual scale (cividis, readable with any colour vision) for the amounts that layers differ in."""

from collections.abc import Sequence
from functools import lru_cache
from math import log

from plotly.colors import sample_colorscale

from explorer.analysis import Analysis, Layer

MEASURES = ("params", "macs", "activation_bytes", "field")


def amount(layers: Sequence[Layer], measure: str) -> int:
    """What a group of layers has of a measure: the sum, or the receptive field that it ends with."""
    if measure == "field":
        sizes = [layer.field.size for layer in layers if layer.field]
        return sizes[-1] if sizes else 0
    return sum(getattr(layer, measure) for layer in layers)


def steps(analysis: Analysis, measure: str) -> tuple[int, int]:
    """The smallest and the largest amount of a layer that has any."""
    found = [value for layer in analysis.layers if (value := amount([layer], measure)) > 0]
    return (min(found), max(found)) if found else (1, 1)


def colour(value: int, least: int, most: int, *, dark: bool) -> str:
    """The colour of an amount on a logarithmic scale; more is brighter on dark pages and darker on light ones."""
    place = log(max(value, least) / least) / log(most / least) if most > least else 1.0
    place = min(1.0, place)
    return _sampled(round(100 * (place if dark else 1 - place)))


@lru_cache(maxsize=101)
def _sampled(percent: int) -> str:
    sampled: list[str] = sample_colorscale("Cividis", [percent / 100])
    return sampled[0]
