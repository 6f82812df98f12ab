"""Comparison of published figures with our numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from explorer.analysis.publications import claims
from explorer.analysis.result import Layer, SpecAnalysis
from explorer.analysis.summary import analyse
from explorer.families import Spec
from explorer.families.claims import Claim, Metric
from explorer.i18n import _


class Agreement(StrEnum):
    """Agreement of our number with a printed figure."""

    EXACT = "exact"
    ROUNDS = "rounds to"
    TRUNCATES = "truncates to"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """A published figure and our number.

    ``part`` is a part of the network, or the conditions of the measurement. ``value`` is the figure in units of one,
    ``step`` one unit of its last digit. ``computed`` and ``agreement`` are None if we have no number, as for a test
    error.
    """

    metric: Metric
    part: str
    printed: str
    value: Decimal
    step: Decimal
    source: str
    computed: int | None
    agreement: Agreement | None
    reason: str

    @property
    def difference(self) -> float | None:
        """Our number minus the figure, as a fraction of the figure."""
        return None if self.computed is None else float((self.computed - self.value) / self.value)


def published(spec: Spec) -> tuple[PublishedFigure, ...]:
    """Returns the published figures of a network, compared with its analysis.

    Raises:
        SpecError: If torchvision can't build or run the model.
    """
    analysis = analyse(spec)
    return tuple(_compare(claim, analysis) for claim in claims(spec))


def agreement_of(computed: int, value: Decimal, step: Decimal) -> Agreement:
    """Returns the agreement of a number with a printed figure.

    Args:
        computed: Our number.
        value: Printed figure in units of one.
        step: One unit of its last digit.
    """
    difference = computed - value
    if not difference:
        return Agreement.EXACT
    if -step / 2 <= difference < step / 2:
        return Agreement.ROUNDS
    return Agreement.TRUNCATES if 0 < difference < step else Agreement.DIFFERS


def _compare(claim: Claim, analysis: SpecAnalysis) -> PublishedFigure:
    computed = _computed_number(claim, analysis)
    agreement = None if computed is None else agreement_of(computed, claim.value, claim.step)
    reason = ""
    if agreement is Agreement.DIFFERS:
        reason = claim.why
    elif agreement is Agreement.TRUNCATES:
        reason = _("The source cuts off where it could round up.")
    return PublishedFigure(
        claim.metric, claim.part, claim.printed, claim.value, claim.step, claim.source, computed, agreement, reason
    )


def _computed_number(claim: Claim, analysis: SpecAnalysis) -> int | None:
    """Returns our number for a claim."""
    if claim.metric is Metric.HEADS_DROPOUT:
        dropout: float = analysis.spec.to_dict()["aux_dropout"]
        return round(100 * dropout)
    if claim.example:
        layers: Sequence[Layer] = analyse(claim.example).layers
        module = next(layer.name.split(".")[0] for layer in reversed(layers) if layer.kind == "Concat")
        layers = _layers_of_modules(layers, (module,))
    else:
        layers = _layers_of_modules(analysis.all_layers, claim.layers) if claim.layers else analysis.layers
    field = layers[-1].field if claim.layers else analysis.field
    match claim.metric:
        case Metric.PARAMS:
            return sum(layer.params for layer in layers)
        case Metric.MACS:
            return sum(layer.macs for layer in layers)
        case Metric.WEIGHTS:
            # Each weight of a convolution or linear layer multiplies once at each position of its output.
            return sum(layer.macs // math.prod(layer.output_shape[2:]) for layer in layers)
        case Metric.FIELD:
            return field.size if field else None
        case Metric.STRIDE:
            return field.stride if field else None
        case Metric.PADDING:
            return field.padding if field else None
        case Metric.SIDE:
            return layers[-1].output_shape[-1]
        case Metric.CHANNELS:
            return layers[-1].output_shape[1]
        case _:  # a result of training
            return None


def _layers_of_modules(layers: Sequence[Layer], names: tuple[str, ...]) -> list[Layer]:
    """Returns the layers in modules with these names; ``pool3`` is the third pool."""
    pools = [layer.name for layer in layers if layer.kind.startswith(("MaxPool", "AvgPool"))]
    modules = [pools[int(name.removeprefix("pool")) - 1] if name.startswith("pool") else name for name in names]
    return [layer for layer in layers if any(f"{layer.name}.".startswith(f"{name}.") for name in modules)]
