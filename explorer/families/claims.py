"""What is printed about networks: a figure, what it counts, and where it stands."""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from explorer.specs.base import Spec


class Metric(StrEnum):
    """What a figure counts; weights are parameters without biases, accuracies and errors are not computed."""

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


# What comes of training, and is not computed.
TRAINED = frozenset([Metric.ERROR, Metric.TOP1_ERROR, Metric.TOP5_ERROR, Metric.TOP1, Metric.TOP3, Metric.GAIN])


class Claim(NamedTuple):
    """One printed figure.

    ``part`` names what it is about, if not the whole network: layers whose names begin with one of ``layers``
    ("pool3" is the third pool), or the last module of ``example``, a network made for the figure. ``why`` is the
    reason for a difference, if there is one.
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
        """The figure in units of one."""
        number, unit = self._split()
        return number * unit

    @property
    def step(self) -> Decimal:
        """One in the last printed place."""
        number, unit = self._split()
        return unit.scaleb(-len(str(number).partition(".")[2]))

    def _split(self) -> tuple[Decimal, Decimal]:
        unit = self.printed.lstrip("0123456789.,")
        return Decimal(self.printed.removesuffix(unit).replace(",", "")), Decimal(UNITS[unit.strip()])


# GoogLeNet's K is 1024: its 112K and 1000K are exact so.
UNITS = {"": 1, "%": 1, "K": 1024, "M": 10**6, "million": 10**6, "G": 10**9, "billion": 10**9, "× 10⁹": 10**9}

DISTILL = "Araujo et al. 2019, Distill"
TORCHVISION_META = "torchvision, Weights.meta"


def same(spec: Spec, published: Spec, *more: str) -> bool:
    """Whether two specs have the same numbers: fields that none depends on, and ``more``, may differ."""
    fields = set(type(published).model_fields) - spec.uncounted() - set(more)
    return type(spec) is type(published) and all(getattr(spec, key) == getattr(published, key) for key in fields)


def field_claims(figures: tuple[int, ...], part: str = "", why: tuple[str, str, str] = ("", "", "")) -> Iterator[Claim]:
    """Size, stride and padding of a receptive field as Araujo et al. print them; ``why`` goes with each."""
    for metric, figure, reason in zip((Metric.FIELD, Metric.STRIDE, Metric.PADDING), figures, why, strict=False):
        yield Claim(DISTILL, metric, str(figure), part, (part,) if part else (), why=reason)


def counted(params: str, macs: str, *, why_params: str = "", why_macs: str = "") -> Iterator[Claim]:
    """Parameters and MACs as torchvision's metadata prints them, each with the reason for a difference."""
    yield Claim(TORCHVISION_META, Metric.PARAMS, params, why=why_params)
    yield Claim(TORCHVISION_META, Metric.MACS, macs, why=why_macs)
