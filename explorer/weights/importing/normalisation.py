"""The mean and standard deviation that a network's images are normalised with: the usual ones, and which is likely."""

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
PLAINLY = 0.3  # by which the first batch norm must agree better: CIFAR-10's and ImageNet's differ by less


class Evidence(NamedTuple):
    """What was measured on a network and images of our own.

    Attributes:
        likely: the pair that its first batch norm speaks for; None where it has none, or doesn't tell.
        errors: how far that batch norm is from each of the usual pairs, in their order; empty where it has none.
        cost: what a wrong answer costs, in words; empty where that can't be tried.
    """

    likely: Pair | None = None
    errors: tuple[float, ...] = ()
    cost: str = ""


NOTHING = Evidence()


def usual(channels: int) -> list[Pair]:
    """What images of so many channels are normalised with mostly; 0 and 1 is no normalisation."""
    known = {3: [IMAGENET, CIFAR10], 1: [MNIST]}.get(channels, [])
    return [*known, ([0.5] * channels, [0.5] * channels), ([0.0] * channels, [1.0] * channels)]


def evidence(spec: Spec, tensors: Mapping[str, Tensor], guessed: Pair) -> Evidence:
    """Try a network with each of the usual pairs.

    Args:
        spec: the network.
        tensors: under its names.
        guessed: the pair that the size of the images speaks for.
    """
    pairs = usual(spec.in_channels)
    errors = tuple(_error(spec, tensors, pair) or 0.0 for pair in pairs)
    likely = None
    if any(errors) and (_error(spec, tensors, guessed) or 0.0) > min(errors) + PLAINLY:
        likely = pairs[errors.index(min(errors))]
    return Evidence(likely, errors if any(errors) else (), _cost(spec, tensors, likely or guessed, pairs))


def misfit(spec: Spec, tensors: Mapping[str, Tensor], answered: Pair, known: Evidence) -> Pair | None:
    """The usual pair that the first batch norm goes with plainly better than with the one that was answered."""
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
