"""Proof that tensors are the network they are taken for: it runs, and batch norms meet what they were trained on."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from statistics import mean
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from explorer.errors import InputError
from explorer.families import Spec
from explorer.families.building import build, detach_auxiliary, fill
from explorer.i18n import _
from explorer.weights.files import single
from explorer.weights.importing.samples import samples

IMAGES = 2
MAX_FLOPS = 2e12  # some 20 seconds on two cores
MAX_MAP = 2**26  # values of a map, of which a few are in memory at a time
SAMPLE_PIXELS = 2**15  # of the images that batch norms are checked with
MAX_SAMPLE, MIN_SAMPLE, MIN_TURNED = 64, 4, 8
CLEARLY = 0.9  # share of a reading's disagreement, below which another is clearly better
NEARLY, FEW, MOST = 0.01, 5, 0.75  # batch norms count where they differ by so much; so many of them, and such a share
TINY = 1e-8  # variance of a channel that never changes


Inputs = tuple[Sequence[float], Sequence[float]]  # mean and standard deviation of pixels that go from 0 to 1


class _EnoughError(Exception):
    """The first batch norm is reached."""


class _TooLargeError(Exception):
    """The images are too large to run the network."""


def prove(spec: Spec, tensors: Mapping[str, Tensor]) -> None:
    """Run images of the right size through a network in float32 and evaluation mode.

    Raises:
        InputError: where a score is not a finite number, or the images are too large for a proof.
    """
    try:
        scores = _run(_network(spec, tensors), _normalised(_images(spec, IMAGES)[0], None))
    except _TooLargeError:
        raise InputError(
            _(
                "image_size: {size} is too large to run the network as a proof; name a smaller one, "
                "which fits the network too"
            ).format(size=spec.image_size)
        ) from None
    if tuple(scores.shape) != (IMAGES, spec.num_classes):
        raise InputError(
            _("the network gives {shape} for {images} images, and not a score for each of {classes} classes").format(
                shape=tuple(scores.shape), images=IMAGES, classes=spec.num_classes
            )
        )
    if not bool(torch.isfinite(scores).all()):
        raise InputError(_("the network's scores are not finite numbers: its weights are damaged"))


class Disagreement(NamedTuple):
    """How far the running statistics of batch norms are from what arrives at them.

    For each batch norm the error of the mean in standard deviations, plus that of the variance in powers of e, both
    means over the channels.

    Attributes:
        first: of the batch norm that comes first, which depends on how images are prepared, and on no reading.
        others: of the others in the order in which they run, which hardly depend on the images.
    """

    first: float
    others: tuple[float, ...]

    @property
    def reading(self) -> float:
        """How wrong a network is as the reading of a checkpoint: the mean over all but the first."""
        return mean(self.others or (self.first,))

    def beats(self, other: "Disagreement") -> bool:
        """Whether a reading is clearly better than another: by a tenth on the whole, or at most batch norms."""
        if self.reading < CLEARLY * other.reading:
            return True
        pairs = list(zip(self.others, other.others, strict=False))
        apart = [ours < theirs for ours, theirs in pairs if abs(ours - theirs) > NEARLY * (ours + theirs)]
        return self.reading < other.reading and len(apart) >= FEW and sum(apart) >= MOST * len(apart)


def disagreement(
    spec: Spec, tensors: Mapping[str, Tensor], inputs: Inputs | None = None, *, first_alone: bool = False
) -> Disagreement | None:
    """Compare what arrives at each batch norm with what it has kept.

    Every batch norm normalises by the batch, so that each layer reads what it was trained on, up to the images.

    Args:
        spec: the network.
        tensors: under its names.
        inputs: mean and standard deviation that images are normalised with; none is their own.
        first_alone: stop behind the first batch norm.

    Returns:
        That of the images that suit best; None where no batch norm was ever trained, or images are too large.
    """
    network = _network(spec, tensors)
    norms = [norm for norm in network.modules() if isinstance(norm, nn.BatchNorm2d)]
    trained = [norm for norm in norms if bool(cast(Tensor, norm.running_mean).any())]
    if not trained:
        return None
    errors: list[float] = []

    def compare(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        kept, var = (cast(Tensor, getattr(norm, name)) for name in ("running_mean", "running_var"))
        error, ratio = inputs[0].mean((0, 2, 3)) - kept, inputs[0].var((0, 2, 3)).clamp(min=TINY) / var.clamp(min=TINY)
        errors.append(float((error**2 / var.clamp(min=TINY)).mean().sqrt() + ratio.log().abs().mean()))
        if first_alone:
            raise _EnoughError

    for norm in norms:
        norm.train()
        norm.track_running_stats = False  # so the batch counts, and what was kept stays
    for norm in trained:
        norm.register_forward_pre_hook(compare)
    found: list[Disagreement] = []
    try:
        for images in _images(spec, min(MAX_SAMPLE, max(MIN_SAMPLE, SAMPLE_PIXELS // spec.image_size**2))):
            errors.clear()
            with suppress(_EnoughError):
                _run(network, _normalised(images, inputs))
            found.append(Disagreement(errors[0], tuple(errors[1:])))
    except _TooLargeError:
        return None
    return min(found, key=lambda one: one.first + one.reading)


def turned(spec: Spec, tensors: Mapping[str, Tensor], inputs: Inputs, others: Sequence[Inputs]) -> list[float] | None:
    """Share of images whose likeliest class is another where they are normalised otherwise.

    Args:
        spec: the network.
        tensors: under its names.
        inputs: mean and standard deviation that are taken to be right.
        others: that are not.

    Returns:
        For each of the others; None where images are too large.
    """
    network = _network(spec, tensors)
    count = min(MAX_SAMPLE, max(MIN_TURNED, SAMPLE_PIXELS // spec.image_size**2))
    try:
        images = _images(spec, count)[0]
        usual, *classes = (_run(network, _normalised(images, pair)).argmax(1) for pair in (inputs, *others))
    except _TooLargeError:
        return None
    return [float((chosen != usual).float().mean()) for chosen in classes]


def _images(spec: Spec, count: int) -> list[Tensor]:
    if count * spec.in_channels * spec.image_size**2 > MAX_MAP:
        raise _TooLargeError
    return samples(spec.image_size, spec.in_channels, count)


def _normalised(images: Tensor, inputs: Inputs | None) -> Tensor:
    if inputs is None:
        return (images - images.mean()) / images.std().clamp(min=TINY)
    means, deviations = (torch.tensor(values).view(1, -1, 1, 1) for values in inputs)
    normalised: Tensor = (images - means) / deviations
    return normalised


def _network(spec: Spec, tensors: Mapping[str, Tensor]) -> nn.Module:
    network = build(spec, "meta")
    detach_auxiliary(network)
    fill(network, single(dict(tensors)), assign=True)
    return network.eval()


def _run(network: nn.Module, images: Tensor) -> Tensor:
    """The scores of images.

    Raises:
        _TooLargeError: before a convolution that would take too much memory or time.
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
