"""Proof that tensors are the network they are taken for: it runs, and batch norms meet what they were trained on."""

from collections.abc import Mapping
from statistics import mean
from typing import cast

import torch
from torch import Tensor, nn

from explorer.errors import InputError
from explorer.i18n import _
from explorer.models import build, detach_auxiliary, fill
from explorer.models.weights import single
from explorer.specs import Spec

IMAGES = 2
MAX_FLOPS = 2e12  # some 20 seconds on two cores
MAX_MAP = 2**26  # values of a map, of which a few are in memory at a time
SAMPLE_PIXELS = 2**14  # of the images that batch norms are checked with
MAX_SAMPLE, MIN_SAMPLE = 64, 2
TINY = 1e-8  # variance of a channel that never changes


class _TooLargeError(Exception):
    """The images are too large to run the network."""


def prove(spec: Spec, tensors: Mapping[str, Tensor]) -> None:
    """Run images of the right size through a network in float32 and evaluation mode.

    Raises:
        InputError: where a score is not a finite number, or the images are too large for a proof.
    """
    try:
        scores = _run(_network(spec, tensors), spec, IMAGES)
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


def disagreement(spec: Spec, tensors: Mapping[str, Tensor]) -> float | None:
    """How far the running statistics of batch norms are from what arrives at them.

    Every batch norm normalises by the batch, so that each layer reads what it was trained on but for the images, and
    what arrives at it is compared with what it has kept: the error of the mean in standard deviations, and that of the
    variance in powers of e, each a mean over the channels. That hardly depends on the images. Of trained networks read
    as what they are it is well below 1; a wrong shortcut, pool or order of layers brings it above.

    Returns:
        A mean over the batch norms; None where there is none that was ever trained.
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

    for norm in norms:
        norm.train()
        norm.track_running_stats = False  # so the batch counts, and what was kept stays
    for norm in trained:
        norm.register_forward_pre_hook(compare)
    try:
        _run(network, spec, min(MAX_SAMPLE, max(MIN_SAMPLE, SAMPLE_PIXELS // spec.image_size**2)))
    except _TooLargeError:
        return None
    return mean(errors)


def images(spec: Spec, count: int) -> Tensor:
    """Smooth random images, normalised, (N, C, H, W): like photographs, the coarser the stronger, and nearly grey."""
    size = spec.image_size
    generator = torch.Generator().manual_seed(0)
    rows, columns = torch.fft.fftfreq(size)[:, None], torch.fft.rfftfreq(size)[None]
    falloff = 1 / (rows**2 + columns**2).sqrt().clamp(min=1 / size)
    grey, colour = (
        torch.randn(count, 1, size, size, generator=generator),
        torch.randn(count, spec.in_channels, size, size, generator=generator),
    )
    smooth = torch.fft.irfft2(torch.fft.rfft2(grey + 0.3 * colour) * falloff, s=(size, size))
    normalised: Tensor = (smooth - smooth.mean()) / smooth.std().clamp(min=TINY)
    return normalised


def _network(spec: Spec, tensors: Mapping[str, Tensor]) -> nn.Module:
    network = build(spec, "meta")
    detach_auxiliary(network)
    fill(network, single(dict(tensors)), assign=True)
    return network.eval()


def _run(network: nn.Module, spec: Spec, count: int) -> Tensor:
    """The scores of random images.

    Raises:
        _TooLargeError: before a convolution that would take too much memory or time.
    """
    if count * spec.in_channels * spec.image_size**2 > MAX_MAP:
        raise _TooLargeError
    done = 0.0

    def budget(module: nn.Conv2d, inputs: tuple[Tensor, ...]) -> None:
        nonlocal done
        stride = module.stride[0] * module.stride[1]
        values = inputs[0].numel() // module.in_channels * module.out_channels // stride
        done += 2 * values * module.weight[0].numel()
        if values > MAX_MAP or done > MAX_FLOPS:
            raise _TooLargeError

    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_pre_hook(budget)
    with torch.inference_mode():
        return cast(Tensor, network(images(spec, count)))
