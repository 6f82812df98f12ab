"""Published figures beside ours: which are met, how, and why the others are not."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from explorer.analysis.publications import claims
from explorer.analysis.result import Analysis, Layer
from explorer.analysis.summary import analyse
from explorer.families import Spec
from explorer.families.claims import Claim, Metric
from explorer.i18n import _


class Verdict(StrEnum):
    """How our number stands to a printed one."""

    EXACT = "exact"
    ROUNDS = "rounds to"
    TRUNCATES = "truncates to"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Published:
    """One printed figure and our number for the same thing.

    ``value`` is what was printed, in units of one, ``step`` one in its last place. ``here`` and ``verdict`` are
    None where there is nothing to compare, as with a test error.
    """

    metric: Metric
    part: str
    printed: str
    value: Decimal
    step: Decimal
    source: str
    here: int | None
    verdict: Verdict | None
    reason: str

    @property
    def difference(self) -> float | None:
        """Ours less the printed figure, as a fraction of it."""
        return None if self.here is None else float((self.here - self.value) / self.value)


def published(spec: Spec) -> tuple[Published, ...]:
    """What is printed about this network, compared with our analysis; nothing where it is not a published one.

    Raises:
        SpecError: where torchvision can't build or run the model.
    """
    analysis = analyse(spec)
    return tuple(_compared(claim, analysis) for claim in claims(spec))


def verdict_of(here: int, value: Decimal, step: Decimal) -> Verdict:
    """How a number stands to a figure printed in steps."""
    beyond = here - value
    if not beyond:
        return Verdict.EXACT
    if -step / 2 <= beyond < step / 2:
        return Verdict.ROUNDS
    return Verdict.TRUNCATES if 0 < beyond < step else Verdict.DIFFERS


def _compared(claim: Claim, analysis: Analysis) -> Published:
    here = _measured(claim, analysis)
    verdict = None if here is None else verdict_of(here, claim.value, claim.step)
    reason = ""
    if verdict is Verdict.DIFFERS:
        reason = claim.why
    elif verdict is Verdict.TRUNCATES:
        reason = _("The source cuts off where it could round up.")
    return Published(
        claim.metric, claim.part, claim.printed, claim.value, claim.step, claim.source, here, verdict, reason
    )


def _measured(claim: Claim, analysis: Analysis) -> int | None:
    """Our number for what a claim is about."""
    if claim.metric is Metric.HEADS_DROPOUT:
        dropout: float = analysis.spec.to_dict()["aux_dropout"]
        return round(100 * dropout)
    if claim.example:
        layers: Sequence[Layer] = analyse(claim.example).layers
        module = next(layer.name.split(".")[0] for layer in reversed(layers) if layer.kind == "Concat")
        layers = _named(layers, (module,))
    else:
        heads = [layer for head in analysis.auxiliary for layer in head.layers]
        layers = _named((*analysis.layers, *heads), claim.layers) if claim.layers else analysis.layers
    field = layers[-1].field if claim.layers else analysis.field
    match claim.metric:
        case Metric.PARAMS:
            return sum(layer.params for layer in layers)
        case Metric.MACS:
            return sum(layer.macs for layer in layers)
        case Metric.WEIGHTS:
            # Each weight of a convolution or linear layer multiplies once at each place of its output.
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
        case _:  # it comes of training
            return None


def _named(layers: Sequence[Layer], names: tuple[str, ...]) -> list[Layer]:
    """Layers inside the modules of these names; ``pool3`` is the third pool."""
    pools = [layer.name for layer in layers if layer.kind.startswith(("MaxPool", "AvgPool"))]
    wanted = [pools[int(name.removeprefix("pool")) - 1] if name.startswith("pool") else name for name in names]
    return [layer for layer in layers if any(f"{layer.name}.".startswith(f"{name}.") for name in wanted)]
