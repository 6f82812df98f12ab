"""How often running statistics are right about networks of the same shapes.

usage: python -m benchmarks.readings DATA        an image folder or archive of CIFAR-10; digits are scikit-learn's

Networks get random weights, and batch norms that have seen images of the data, normalised in one of the usual ways;
those of ``pretrained/`` that have batch norms are read as they are. For each, the right reading should be silent, and
each wrong one doubted.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from explorer.data import load
from explorer.foreign.choosing import DOUBTFUL
from explorer.foreign.normalisation import CIFAR10, IMAGENET, MNIST, Pair, usual
from explorer.foreign.proof import disagreement
from explorer.models import build, weights
from explorer.specs import ResNetSpec, Spec, VggSpec

IMAGES = 64
HALF, NONE = usual(3)[2:]
CHAIN: dict[str, Any] = {
    "batch_norm": True, "pool_to": 1, "classifier": (), "dropout": 0.0, "image_size": 32, "num_classes": 10,
}  # fmt: skip
Case = tuple[Spec, list[dict[str, Any]], Pair]


def cases() -> Iterator[Case]:
    """Networks, the settings of wrong readings of each, and how its images are normalised."""
    sizes: dict[str, Any] = {"blocks": (2, 2, 2), "widths": (16, 32, 64), "image_size": 32, "num_classes": 10}
    pooled, cut = {"stem": "cifar-pool"}, {"residual": False}
    yield ResNetSpec(**sizes, stem="cifar"), [pooled], CIFAR10
    yield ResNetSpec(**sizes, stem="cifar-pool"), [{"stem": "cifar"}], IMAGENET
    yield ResNetSpec(**sizes, stem="cifar", block="bottleneck"), [pooled, {"stride_on": "1x1"}], HALF
    yield ResNetSpec(**sizes, stem="cifar", block="bottleneck", stride_on="1x1"), [{"stride_on": "3x3"}], CIFAR10
    yield ResNetSpec(**sizes, stem="cifar", shortcut="A"), [cut, pooled], CIFAR10
    yield ResNetSpec(**sizes, stem="cifar", shortcut="A", residual=False), [{"residual": True}], CIFAR10
    larger = sizes | {"image_size": 64}
    yield ResNetSpec(**larger, stem="cifar-pool"), [{"stem": "cifar"}], IMAGENET
    grey = sizes | {"blocks": (1, 1, 1), "in_channels": 1, "image_size": 28}
    yield ResNetSpec(**grey, stem="cifar"), [pooled], MNIST
    yield ResNetSpec(**grey, stem="cifar-pool"), [{"stem": "cifar"}], ([0.5], [0.5])
    maxima: list[int | str] = [16, 16, "M", 32, 32, "M", 64]
    means = ["A" if layer == "M" else layer for layer in maxima]
    bare = [layer for layer in maxima if layer != "M"]
    strides: list[int | str] = [16, 16, "32:3/2", 32, "64:3/2"]
    for cfg, pair in ((maxima, CIFAR10), (means, NONE), (bare, CIFAR10), (strides, HALF)):
        wrong = [{"cfg": other} for other in (maxima, means, bare, strides) if other != cfg]
        yield VggSpec(cfg=tuple(cfg), **CHAIN), wrong, pair


def images(spec: Spec, data: str) -> Tensor:
    """From 0 to 1, (IMAGES, C, size, size)."""
    split = load("digits" if spec.in_channels == 1 else data).test
    chosen = split.take(torch.linspace(0, len(split) - 1, IMAGES).long()).images
    parts = torch.stack([torch.as_tensor(chosen[index]) for index in range(IMAGES)]).float() / 255
    if spec.in_channels == 1:
        return pad(interpolate(parts, size=(20, 20), mode="bilinear"), (4, 4, 4, 4))
    return interpolate(parts, size=(spec.image_size,) * 2, mode="bilinear")


def calibrated(spec: Spec, pair: Pair, data: str) -> dict[str, Tensor]:
    """Tensors whose running statistics are those of images."""
    torch.manual_seed(0)
    network = build(spec)
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = None
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, std=0.2)
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in pair)
    with torch.inference_mode():
        network((images(spec, data) - mean) / std)
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def shipped() -> Iterator[tuple[Spec, dict[str, Tensor], list[dict[str, Any]]]]:
    """Trained networks, and wrong readings of each."""
    wrong: dict[str, list[dict[str, Any]]] = {
        "resnet20-cifar10": [{"stem": "cifar-pool"}, {"residual": False}],
        "googlenet-small-cifar10": [{"pool_after": []}],
    }
    for name, readings in wrong.items():
        tensors, card = weights.read(Path("pretrained", f"{name}.safetensors"))
        yield card.network_spec, tensors, readings


def main(data: str) -> None:
    """Print the rates."""
    tried = [(spec, calibrated(spec, pair, data), wrong) for spec, wrong, pair in cases()]
    silent, spoken, readings = 0, 0, 0
    networks = [*tried, *shipped()]
    for spec, tensors, wrong in networks:
        own = disagreement(spec, tensors)
        others = [disagreement(other, renamed(other, tensors)) for other in (spec.changed(**one) for one in wrong)]
        if own is None:
            continue
        known = [other for other in others if other is not None]
        silent += own.reading <= DOUBTFUL and not any(other.beats(own) for other in known)
        spoken += sum(own.beats(other) or other.reading > DOUBTFUL for other in known)
        readings += len(known)
        print(f"{spec.to_json()[:90]:92} {own.reading:.2f}  wrong {[round(other.reading, 2) for other in known]}")
    print(f"silent on the right reading: {silent} of {len(networks)}; doubts a wrong one: {spoken} of {readings}")


def renamed(spec: Spec, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under the names of another reading, in whose numbers pools count."""
    return (
        dict(zip(build(spec, "meta").state_dict(), tensors.values(), strict=True)) if spec.family == "vgg" else tensors
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
