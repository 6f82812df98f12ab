"""Tests that tensors belong to a network: it runs, and the inputs of its batch norms match their running statistics."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import prod
from statistics import mean
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from explorer.errors import InputError
from explorer.families import Spec
from explorer.families.building import build, detach_auxiliary, fill
from explorer.i18n import _, ngettext
from explorer.weights.files import to_float32
from explorer.weights.importing.samples import samples

IMAGES = 2
MAX_FLOPS = 2e12  # about 20 seconds on two cores
MAX_MAP = 2**26  # values of a map; a few maps are in memory at a time
SAMPLE_PIXELS = 2**15  # pixels of all images for the check of batch norms
MAX_SAMPLE, MIN_SAMPLE, MIN_CLASSIFIED = 64, 4, 8  # numbers of images
CLEAR_RATIO = 0.9  # a candidate is clearly better if its disagreement is below this share of the other's
MIN_DIFFERENCE = 0.01  # relative difference from which on a batch norm is compared
MIN_NORMS, MOST = 5, 0.75  # least number of such batch norms, and share of them in favour of a candidate
MIN_VARIANCE = 1e-8  # for a channel that never changes

Inputs = tuple[Sequence[float], Sequence[float]]  # mean and standard deviation of pixels from 0 to 1


class _EnoughError(Exception):
    """The first batch norm was reached."""


class _TooLargeError(Exception):
    """The images are too large to run the network."""


def prove(spec: Spec, tensors: Mapping[str, Tensor]) -> None:
    """Runs images of the right size through a network in float32 and evaluation mode.

    Raises:
        InputError: If a score is not finite, or the images are too large to run.
    """
    try:
        scores = _run(_network(spec, tensors), _normalised(_images(spec, IMAGES)[0], None))
    except _TooLargeError:
        raise InputError(
            _(
                "image_size: {size} is too large for a test run of the network; name a smaller one that also "
                "fits the network"
            ).format(size=spec.image_size)
        ) from None
    if tuple(scores.shape) != (IMAGES, spec.num_classes):
        raise InputError(
            ngettext(
                "the network gives {shape} for {images} images, and not a score for the one class",
                "the network gives {shape} for {images} images, and not a score for each of {classes} classes",
                spec.num_classes,
            ).format(shape=tuple(scores.shape), images=IMAGES, classes=spec.num_classes)
        )
    if not bool(torch.isfinite(scores).all()):
        raise InputError(_("the network's scores are not finite numbers: its weights are damaged"))


class Disagreement(NamedTuple):
    """The difference between the running statistics of batch norms and the statistics of their inputs.

    For each batch norm, it is the error of the mean in standard deviations, plus the error of the log variance. Both
    are averaged over the channels.

    Attributes:
        first: Difference at the first batch norm. It depends on the preparation of the images, and not on the candidate
            network.
        others: Differences at the other batch norms, in the order in which they run. They hardly depend on the images.
    """

    first: float
    others: tuple[float, ...]

    @property
    def average(self) -> float:
        """Mean over all batch norms except the first. It measures how badly a candidate network fits a checkpoint."""
        return mean(self.others or (self.first,))

    def beats(self, other: "Disagreement") -> bool:
        """Returns whether a candidate is clearly better: by a tenth on average, or at most of the batch norms."""
        if self.average < CLEAR_RATIO * other.average:
            return True
        pairs = list(zip(self.others, other.others, strict=False))
        better = [ours < theirs for ours, theirs in pairs if abs(ours - theirs) > MIN_DIFFERENCE * (ours + theirs)]
        return self.average < other.average and len(better) >= MIN_NORMS and sum(better) >= MOST * len(better)


def disagreement(
    spec: Spec, tensors: Mapping[str, Tensor], inputs: Inputs | None = None, *, first_only: bool = False
) -> Disagreement | None:
    """Compares the inputs of each batch norm with its running statistics.

    Every batch norm normalises by the batch, so each layer receives inputs as in training, except for the images.

    Args:
        spec: Spec of the network.
        tensors: Tensors under the network's names.
        inputs: Mean and standard deviation for the images. None normalises them by their own.
        first_only: Whether to stop after the first batch norm.

    Returns:
        The result for the kind of images that fits best. None if no batch norm was trained, or images are too large.
    """
    network = _network(spec, tensors)
    norms = [norm for norm in network.modules() if isinstance(norm, nn.BatchNorm2d)]
    trained = [norm for norm in norms if bool(cast(Tensor, norm.running_mean).any())]
    if not trained:
        return None
    errors: list[float] = []

    def compare(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        mean, var = (cast(Tensor, getattr(norm, name)) for name in ("running_mean", "running_var"))
        expected = var.clamp(min=MIN_VARIANCE)
        error = (inputs[0].mean((0, 2, 3)) - mean) ** 2 / expected
        ratio = inputs[0].var((0, 2, 3)).clamp(min=MIN_VARIANCE) / expected
        errors.append(float(error.mean().sqrt() + ratio.log().abs().mean()))
        if first_only:
            raise _EnoughError

    for norm in norms:
        norm.train()
        norm.track_running_stats = False  # use the batch statistics and leave the running ones unchanged
    for norm in trained:
        norm.register_forward_pre_hook(compare)
    results: list[Disagreement] = []
    try:
        for images in _images(spec, min(MAX_SAMPLE, max(MIN_SAMPLE, SAMPLE_PIXELS // spec.sides.area))):
            errors.clear()
            with suppress(_EnoughError):
                _run(network, _normalised(images, inputs))
            results.append(Disagreement(errors[0], tuple(errors[1:])))
    except _TooLargeError:
        return None
    return min(results, key=lambda one: one.first + one.average)


def class_changes(
    spec: Spec, tensors: Mapping[str, Tensor], inputs: Inputs, others: Sequence[Inputs]
) -> list[float] | None:
    """Returns the share of images that get another class if they are normalised differently.

    Args:
        spec: Spec of the network.
        tensors: Tensors under the network's names.
        inputs: Mean and standard deviation that are assumed to be right.
        others: Other means and standard deviations.

    Returns:
        The share for each of the others. None if images are too large.
    """
    network = _network(spec, tensors)
    count = min(MAX_SAMPLE, max(MIN_CLASSIFIED, SAMPLE_PIXELS // spec.sides.area))
    try:
        images = _images(spec, count)[0]
        usual, *classes = (_run(network, _normalised(images, pair)).argmax(1) for pair in (inputs, *others))
    except _TooLargeError:
        return None
    return [float((chosen != usual).float().mean()) for chosen in classes]


def _images(spec: Spec, count: int) -> list[Tensor]:
    if count * prod(spec.input_shape) > MAX_MAP:
        raise _TooLargeError
    return samples(spec.sides, spec.in_channels, count)


def _normalised(images: Tensor, inputs: Inputs | None) -> Tensor:
    if inputs is None:
        return (images - images.mean()) / images.std().clamp(min=MIN_VARIANCE)
    means, deviations = (torch.tensor(values).view(1, -1, 1, 1) for values in inputs)
    normalised: Tensor = (images - means) / deviations
    return normalised


def _network(spec: Spec, tensors: Mapping[str, Tensor]) -> nn.Module:
    network = build(spec, "meta")
    detach_auxiliary(network)
    fill(network, to_float32(dict(tensors)), assign=True)
    return network.eval()


def _run(network: nn.Module, images: Tensor) -> Tensor:
    """Returns the scores of images.

    Raises:
        _TooLargeError: Before a convolution that would take too much memory or time.
    """
    done = 0.0

    def budget(module: nn.Conv2d, inputs: tuple[Tensor, ...]) -> None:
        nonlocal done
        stride = module.stride[0] * module.stride[1]
        values = inputs[0].numel() // module.in_channels * module.out_channels // stride
        done += 2 * values * module.weight[0].numel()
        if values > MAX_MAP or done > MAX_FLOPS:
            raise _TooLargeError

    hooks = [m.register_forward_pre_hook(budget) for m in network.modules() if isinstance(m, nn.Conv2d)]
    try:
        with torch.inference_mode():
            return cast(Tensor, network(images))
    finally:
        for hook in hooks:
            hook.remove()
