"""The mean and standard deviation that normalise a network's images: the usual pairs, and the likely one."""

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from explorer.families import Spec
from explorer.i18n import _
from explorer.weights.importing.proof import class_changes, disagreement

Pair = tuple[list[float], list[float]]

IMAGENET: Pair = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
CIFAR10: Pair = ([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.201])
MNIST: Pair = ([0.1307], [0.3081])
CLEAR_DIFFERENCE = 0.3  # CIFAR-10's and ImageNet's pairs differ by less


class Evidence(NamedTuple):
    """Measurements on a network with our own images.

    Attributes:
        likely: Pair that the first batch norm supports. None without a batch norm, or without a clear result.
        errors: Disagreement of that batch norm for each of the usual pairs, in order. Empty without a batch norm.
        cost: Sentence about the effect of a wrong answer. Empty if it can't be measured.
    """

    likely: Pair | None = None
    errors: tuple[float, ...] = ()
    cost: str = ""


NO_EVIDENCE = Evidence()


def usual_pairs(channels: int) -> list[Pair]:
    """Returns the usual pairs for this number of channels. Mean 0 and standard deviation 1 change nothing."""
    published = {3: [IMAGENET, CIFAR10], 1: [MNIST]}.get(channels, [])
    return [*published, ([0.5] * channels, [0.5] * channels), ([0.0] * channels, [1.0] * channels)]


def collect_evidence(spec: Spec, tensors: Mapping[str, Tensor], expected: Pair) -> Evidence:
    """Runs a network with each of the usual pairs.

    Args:
        spec: Spec of the network.
        tensors: Tensors under the network's names.
        expected: Pair that the file or the image size suggests.
    """
    pairs = usual_pairs(spec.in_channels)
    errors = tuple(_error(spec, tensors, pair) or 0.0 for pair in pairs)
    likely = None
    if any(errors) and (_error(spec, tensors, expected) or 0.0) > min(errors) + CLEAR_DIFFERENCE:
        likely = pairs[errors.index(min(errors))]
    return Evidence(likely, errors if any(errors) else (), _cost(spec, tensors, likely or expected, pairs))


def better_pair(spec: Spec, tensors: Mapping[str, Tensor], answer: Pair, evidence: Evidence) -> Pair | None:
    """Returns the usual pair that fits the first batch norm clearly better than the answer. None if none does."""
    if not evidence.errors or (error := _error(spec, tensors, answer)) is None:
        return None
    least = min(evidence.errors)
    pairs = usual_pairs(spec.in_channels)
    return pairs[evidence.errors.index(least)] if error > least + CLEAR_DIFFERENCE else None


def _error(spec: Spec, tensors: Mapping[str, Tensor], pair: Pair) -> float | None:
    result = disagreement(spec, tensors, pair, first_only=True)
    return None if result is None else result.first


def _cost(spec: Spec, tensors: Mapping[str, Tensor], right: Pair, pairs: list[Pair]) -> str:
    others = [pair for pair in pairs if abs(pair[1][0] - right[1][0]) > 0.1 or abs(pair[0][0] - right[0][0]) > 0.1]
    shares = class_changes(spec, tensors, right, others)
    if not shares or not any(shares):
        return ""
    if spec.in_channels == 1:
        text = _("With a wrong answer, up to {share:.0%} of the digits that were tried here get another class.")
    else:
        text = _("With a wrong answer, up to {share:.0%} of the photographs that were tried here get another class.")
    return text.format(share=max(shares))
