"""Published figures about networks: the figure, what it counts, and its source."""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from explorer.specs.base import Spec


class Metric(StrEnum):
    """The quantity that a figure gives. Weights are parameters without biases."""

    PARAMS = "params"
    WEIGHTS = "weights"
    MACS = "macs"
    FIELD = "receptive_field"
    STRIDE = "stride"
    PADDING = "padding"
    ERROR = "error"
    SIDE = "side"
    CHANNELS = "channels"
    HEADS_DROPOUT = "heads_dropout"
    TOP1_ERROR = "top1_error"
    TOP5_ERROR = "top5_error"
    TOP1 = "top1"
    TOP3 = "top3"
    GAIN = "gain"


# Results of training, which the analysis can't compute.
TRAINED = frozenset([Metric.ERROR, Metric.TOP1_ERROR, Metric.TOP5_ERROR, Metric.TOP1, Metric.TOP3, Metric.GAIN])


class Claim(NamedTuple):
    """One published figure.

    Attributes:
        source: Publication, with its table or section.
        metric: Quantity that the figure gives.
        printed: Figure as printed.
        part: Name of the part of the network that the figure is about; empty for the whole network.
        layers: Beginnings of the names of that part's layers; "pool3" is the third pool.
        example: Network made for the figure, whose last module is the part.
        why: Reason for a difference from our number; empty if there is none.
    """

    source: str
    metric: Metric
    printed: str
    part: str = ""
    layers: tuple[str, ...] = ()
    example: Spec | None = None
    why: str = ""

    @property
    def value(self) -> Decimal:
        """The figure as a number without unit."""
        number, unit = self._split()
        return number * unit

    @property
    def step(self) -> Decimal:
        """The value of one unit in the last printed digit."""
        number, unit = self._split()
        return unit.scaleb(-len(str(number).partition(".")[2]))

    def _split(self) -> tuple[Decimal, Decimal]:
        unit = self.printed.lstrip("0123456789.,")
        return Decimal(self.printed.removesuffix(unit).replace(",", "")), Decimal(UNITS[unit.strip()])


# K is 1024 in the GoogLeNet paper: its 112K and 1000K are exact that way.
UNITS = {"": 1, "%": 1, "K": 1024, "M": 10**6, "million": 10**6, "G": 10**9, "billion": 10**9, "× 10⁹": 10**9}

DISTILL = "Araujo et al. 2019, Distill"
TORCHVISION_META = "torchvision, Weights.meta"


def has_same_figures(spec: Spec, published: Spec, *ignored: str) -> bool:
    """Whether two specs have the same published numbers.

    Args:
        spec: Spec to compare.
        published: Spec that the numbers were published for.
        ignored: Names of fields that may differ, in addition to those that change no number.
    """
    fields = set(type(published).model_fields) - spec.uncounted() - set(ignored)
    return type(spec) is type(published) and all(getattr(spec, key) == getattr(published, key) for key in fields)


def field_claims(figures: tuple[int, ...], part: str = "", why: tuple[str, str, str] = ("", "", "")) -> Iterator[Claim]:
    """Claims of Araujo et al. about a receptive field.

    Args:
        figures: Size, stride and padding in pixels; the last ones may be missing.
        part: Name of the layer; empty for the whole network.
        why: Reason for a difference of each figure.
    """
    for metric, figure, reason in zip((Metric.FIELD, Metric.STRIDE, Metric.PADDING), figures, why, strict=False):
        yield Claim(DISTILL, metric, str(figure), part, (part,) if part else (), why=reason)


def torchvision_claims(params: str, macs: str, *, why_params: str = "", why_macs: str = "") -> Iterator[Claim]:
    """Claims of torchvision's metadata about parameters and MACs, each with the reason for a difference from ours."""
    yield Claim(TORCHVISION_META, Metric.PARAMS, params, why=why_params)
    yield Claim(TORCHVISION_META, Metric.MACS, macs, why=why_macs)
