"""The mean and standard deviation that normalise a network's images: the usual pairs, and the likely one."""

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from explorer.families import Spec
from explorer.i18n import _
from explorer.weights.importing.proof import disagreement, turned

Pair = tuple[list[float], list[float]]

IMAGENET: Pair = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
CIFAR10: Pair = ([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.201])
MNIST: Pair = ([0.1307], [0.3081])
PLAINLY = 0.3  # least difference for a clear result: CIFAR-10's and ImageNet's pairs differ by less


class Evidence(NamedTuple):
    """Measurements on a network with our own images.

    Attributes:
        likely: Pair that its first batch norm supports. None without a batch norm, or without a clear result.
        errors: Disagreement of that batch norm for each of the usual pairs, in order. Empty without a batch norm.
        cost: Sentence about the cost of a wrong answer. Empty if it can't be measured.
    """

    likely: Pair | None = None
    errors: tuple[float, ...] = ()
    cost: str = ""


NOTHING = Evidence()


def usual(channels: int) -> list[Pair]:
    """Returns the usual pairs for this number of channels. Mean 0 and standard deviation 1 change nothing."""
    known = {3: [IMAGENET, CIFAR10], 1: [MNIST]}.get(channels, [])
    return [*known, ([0.5] * channels, [0.5] * channels), ([0.0] * channels, [1.0] * channels)]


def evidence(spec: Spec, tensors: Mapping[str, Tensor], guessed: Pair) -> Evidence:
    """Tries a network with each of the usual pairs.

    Args:
        spec: Spec of the network.
        tensors: Tensors under the network's names.
        guessed: Pair that the image size suggests.
    """
    pairs = usual(spec.in_channels)
    errors = tuple(_error(spec, tensors, pair) or 0.0 for pair in pairs)
    likely = None
    if any(errors) and (_error(spec, tensors, guessed) or 0.0) > min(errors) + PLAINLY:
        likely = pairs[errors.index(min(errors))]
    return Evidence(likely, errors if any(errors) else (), _cost(spec, tensors, likely or guessed, pairs))


def misfit(spec: Spec, tensors: Mapping[str, Tensor], answered: Pair, known: Evidence) -> Pair | None:
    """Returns the usual pair that fits the first batch norm clearly better than the given answer. None if none does."""
    if not known.errors or (error := _error(spec, tensors, answered)) is None:
        return None
    least = min(known.errors)
    return usual(spec.in_channels)[known.errors.index(least)] if error > least + PLAINLY else None


def _error(spec: Spec, tensors: Mapping[str, Tensor], pair: Pair) -> float | None:
    found = disagreement(spec, tensors, pair, first_alone=True)
    return None if found is None else found.first


def _cost(spec: Spec, tensors: Mapping[str, Tensor], right: Pair, pairs: list[Pair]) -> str:
    others = [pair for pair in pairs if abs(pair[1][0] - right[1][0]) > 0.1 or abs(pair[0][0] - right[0][0]) > 0.1]
    shares = turned(spec, tensors, right, others)
    if not shares or not any(shares):
        return ""
    if spec.in_channels == 1:
        text = _("With a wrong answer, up to {share:.0%} of the digits that were tried here get another class.")
    else:
        text = _("With a wrong answer, up to {share:.0%} of the photographs that were tried here get another class.")
    return text.format(share=max(shares))
