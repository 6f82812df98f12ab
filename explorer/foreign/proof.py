"""Proof that tensors are the network they are taken for: it runs, and batch norms meet what they were trained on."""

from collections.abc import Mapping
from math import prod
from statistics import median
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from explorer.errors import InputError
from explorer.i18n import _
from explorer.models import build, detach_auxiliary
from explorer.specs import Spec

IMAGES = 2
MAX_FLOPS = 2e12  # of the proof: some 20 seconds on two cores
MAX_MAP = 2**28  # values of the largest map, of which a few are in memory at a time
SAMPLE_FLOPS = 5e9  # of the sample that batch norms are checked with
MAX_SAMPLE = 64
FEWEST = 8  # channels, below which a correlation says little


def prove(spec: Spec, tensors: Mapping[str, Tensor]) -> None:
    """Run images of the right size through a network in float32 and evaluation mode.

    Raises:
        InputError: where a tensor or a score is not a finite number, or the images are too large for a proof.
    """
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise InputError(
                _("the tensor {name} holds numbers that are not finite (NaN or infinity)").format(name=name)
            )
    flops, largest = _cost(spec)
    if IMAGES * flops > MAX_FLOPS or IMAGES * largest > MAX_MAP:
        raise InputError(
            _(
                "image_size: {size} is too large to run the network as a proof; name a smaller one, "
                "which fits the network too"
            ).format(size=spec.image_size)
        )
    scores = _run(_network(spec, tensors), images(spec, IMAGES))
    if tuple(scores.shape) != (IMAGES, spec.num_classes):
        raise InputError(
            _("the network gives {shape} for {images} images, and not a score for each of {classes} classes").format(
                shape=tuple(scores.shape), images=IMAGES, classes=spec.num_classes
            )
        )
    if not bool(torch.isfinite(scores).all()):
        raise InputError(_("the network's scores are not finite numbers: its weights are damaged"))


def agreement(spec: Spec, tensors: Mapping[str, Tensor]) -> float | None:
    """How well the running means of batch norms go with the network: a median correlation, 1 at best and 0 by chance.

    Every batch norm normalises by the batch, so that each layer reads what it was trained on but for the images, and
    what arrives at it is compared with the mean that it has kept. That hardly depends on the images.

    Returns:
        None where there is no batch norm that was ever trained.
    """
    flops, largest = _cost(spec)
    count = int(min(MAX_SAMPLE, SAMPLE_FLOPS // max(flops, 1), MAX_MAP // (4 * largest)))
    network = _network(spec, tensors)
    norms = [norm for norm in network.modules() if isinstance(norm, nn.BatchNorm2d)]
    if not norms or count < 1:
        return None
    arriving: dict[nn.Module, Tensor] = {}

    def note(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        arriving[norm] = inputs[0].mean((0, 2, 3))

    for norm in norms:
        norm.train()
        norm.track_running_stats = False  # so the batch counts and the running mean stays
        norm.register_forward_pre_hook(note)
    try:
        _run(network, images(spec, count))
    except ValueError:  # a batch of one, and a map of one cell: nothing to normalise by
        return None
    pairs = [(arriving[norm], cast(Tensor, norm.running_mean)) for norm in norms if norm in arriving]
    found = [correlation(*pair) for pair in pairs if len(pair[0]) >= FEWEST and bool(pair[1].std() > 0)]
    return median(found) if found else None


def correlation(first: Tensor, second: Tensor) -> float:
    """Pearson's, of two vectors."""
    return float(torch.corrcoef(torch.stack([first, second]))[0, 1].nan_to_num())


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
    return (smooth - smooth.mean()) / smooth.std().clamp(min=1e-6)


def _network(spec: Spec, tensors: Mapping[str, Tensor]) -> nn.Module:
    network = build(spec, "meta")
    detach_auxiliary(network)
    whole = {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}
    network.load_state_dict(whole, assign=True)
    return network.eval()


@torch.inference_mode()
def _run(network: nn.Module, batch: Tensor) -> Tensor:
    return cast(Tensor, network(batch))


def _cost(spec: Spec) -> tuple[float, int]:
    """Floating-point operations for one image, and values of the largest map."""
    network = build(spec, "meta").eval()
    largest = [spec.in_channels * spec.image_size**2]

    def note(_module: nn.Module, _inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            largest.append(prod(output.shape))

    for module in network.modules():
        module.register_forward_hook(note)
    with FlopCounterMode(display=False) as counter:
        _run(network, torch.empty(1, spec.in_channels, spec.image_size, spec.image_size, device="meta"))
    return float(counter.get_total_flops()), max(largest)
