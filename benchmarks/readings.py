"""How often running statistics identify the right network among networks of the same shapes.

usage: python -m benchmarks.readings DATA        an image folder or archive of CIFAR-10; digits are scikit-learn's

The networks have random weights, and running statistics of images of the data with one of the usual normalisations.
Networks of ``pretrained/`` with batch norms are used unchanged. The right reading of each should give no warning, and
each wrong one should. The rule was developed on networks like those of ``known`` and ``shipped``, and never tried on
``fresh``, which has other depths, widths, images and weights.
"""

import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from explorer.data import load
from explorer.data.dataset import Split
from explorer.families import Spec
from explorer.families.building import build
from explorer.families.resnet.spec import ResNetSpec
from explorer.families.vgg.spec import VggSpec
from explorer.weights import files
from explorer.weights.importing.choosing import MAX_DISAGREEMENT
from explorer.weights.importing.normalisation import CIFAR10, IMAGENET, MNIST, Pair, usual_pairs
from explorer.weights.importing.proof import disagreement
from tests.helpers.foreign_networks import calibrated

IMAGES = 32
HALF, NONE = usual_pairs(3)[2:]
CHAIN: dict[str, Any] = {
    "batch_norm": True, "pool_to": 1, "classifier": (), "dropout": 0.0, "image_size": 32, "num_classes": 10,
}  # fmt: skip
Wrong = list[dict[str, Any]]  # fields of wrong readings
Case = tuple[Spec, Wrong, Pair]
Network = tuple[Spec, dict[str, Tensor], Wrong]


def known() -> Iterator[Case]:
    """Yields networks, each with the fields of wrong readings and the normalisation of its images."""
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
    yield from chains([16, 16, "M", 32, 32, "M", 64], [16, 16, "32:3/2", 32, "64:3/2"], (CIFAR10, NONE, CIFAR10, HALF))


def fresh() -> Iterator[Case]:
    """Yields the same for networks that did not influence the rule."""
    sizes: dict[str, Any] = {"blocks": (1, 2, 2, 1), "widths": (24, 40, 56, 72), "image_size": 32, "num_classes": 10}
    pooled, unpooled, cut = {"stem": "cifar-pool"}, {"stem": "cifar"}, {"residual": False}
    yield ResNetSpec(**sizes, stem="cifar"), [pooled], IMAGENET
    yield ResNetSpec(**sizes, stem="cifar-pool"), [unpooled], HALF
    larger = sizes | {"image_size": 48}
    yield ResNetSpec(**larger, stem="cifar"), [pooled], NONE
    yield ResNetSpec(**larger, stem="cifar-pool"), [unpooled], CIFAR10
    deep = sizes | {"blocks": (3, 3, 3), "widths": (12, 24, 48)}
    yield ResNetSpec(**deep, stem="cifar", block="bottleneck"), [pooled, {"stride_on": "1x1"}], IMAGENET
    yield ResNetSpec(**deep, stem="cifar", block="bottleneck", stride_on="1x1"), [{"stride_on": "3x3"}], HALF
    yield ResNetSpec(**deep, stem="cifar", shortcut="A"), [cut, pooled], IMAGENET
    yield ResNetSpec(**deep, stem="cifar", shortcut="A", residual=False), [{"residual": True}], NONE
    grey = sizes | {"blocks": (2, 1), "widths": (12, 30), "in_channels": 1, "image_size": 28}
    yield ResNetSpec(**grey, stem="cifar"), [pooled], ([0.5], [0.5])
    yield ResNetSpec(**grey, stem="cifar-pool"), [unpooled], MNIST
    strides: list[int | str] = [20, "20:3/2", "44:3/2", 44, "72:3/2", 72]
    yield from chains([20, "M", 20, 44, "M", 44, 72, "M", 72], strides, (IMAGENET, HALF, NONE, CIFAR10))


def chains(maxima: list[int | str], strides: list[int | str], pairs: Iterable[Pair]) -> Iterator[Case]:
    """Yields chains of the same convolutions with max pools, mean pools, no pools, and strides in place of pools."""
    means = ["A" if layer == "M" else layer for layer in maxima]
    bare = [layer for layer in maxima if layer != "M"]
    every = (maxima, means, bare, strides)
    for cfg, pair in zip(every, pairs, strict=True):
        wrong: Wrong = [{"cfg": other} for other in every if other != cfg]
        yield VggSpec(cfg=tuple(cfg), **CHAIN), wrong, pair


@lru_cache
def test_images(data: str) -> Split:
    """Returns the test images of a data set. Cached, so that they are decoded once."""
    return load(data).test


def images(spec: Spec, data: str) -> Tensor:
    """Returns test images from 0 to 1, (IMAGES, C, size, size)."""
    split = test_images("digits" if spec.in_channels == 1 else data)
    chosen = split.take(torch.linspace(0, len(split) - 1, IMAGES).long()).images
    parts = torch.stack([torch.as_tensor(chosen[index]) for index in range(IMAGES)]).float() / 255
    if spec.in_channels == 1:
        return pad(interpolate(parts, size=(20, 20), mode="bilinear"), (4, 4, 4, 4))
    return interpolate(parts, size=spec.sides, mode="bilinear")


def calibrated_weights(spec: Spec, pair: Pair, data: str) -> dict[str, Tensor]:
    """Returns random weights with running statistics of images."""
    torch.manual_seed(0)
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in pair)
    return calibrated(build(spec), [(images(spec, data) - mean) / std])


def shipped() -> Iterator[Network]:
    """Yields trained networks with wrong readings of each."""
    wrong: dict[str, Wrong] = {
        "resnet20-cifar10": [{"stem": "cifar-pool"}, {"residual": False}],
        "googlenet-small-cifar10": [{"pool_after": []}],
    }
    for name, readings in wrong.items():
        tensors, card = files.read(Path("pretrained", f"{name}.safetensors"))
        yield card.network_spec, tensors, readings


def main(data: str) -> None:
    """Prints the rates."""
    for title, cases in (("known", known()), ("fresh", fresh())):
        networks = [(spec, calibrated_weights(spec, pair, data), wrong) for spec, wrong, pair in cases]
        rates(title, networks)
    rates("shipped", list(shipped()))


def rates(title: str, networks: list[Network]) -> None:
    """Prints the disagreement of each network with its statistics, then the rates of silence and warnings."""
    silent, spoken = 0, 0
    right: list[float] = []
    wrong: list[float] = []
    for spec, tensors, changes in networks:
        readings = [spec.changed(**one) for one in changes]
        own, *others = (disagreement(one, renamed(one, tensors)) for one in (spec, *readings))
        found = [other for other in others if other is not None]
        if own is None or len(found) < len(others):
            raise SystemExit(f"{spec.to_json()}: its batch norms have kept nothing")
        silent += own.average <= MAX_DISAGREEMENT and not any(other.beats(own) for other in found)
        spoken += sum(own.beats(other) or other.average > MAX_DISAGREEMENT for other in found)
        right.append(own.average)
        wrong += [other.average for other in found]
        print(f"{spec.to_json()[:90]:92} {own.average:.2f}  wrong {[round(other.average, 2) for other in found]}")
    ranges = f"{min(right):.2f} to {max(right):.2f}", f"{min(wrong):.2f} to {max(wrong):.2f}"
    print(f"{title}: silent on the right reading: {silent} of {len(right)} ({ranges[0]}); ", end="")
    print(f"doubts a wrong one: {spoken} of {len(wrong)} ({ranges[1]})", flush=True)


def renamed(spec: Spec, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Returns the tensors under the names of another reading, whose numbers also count pools."""
    if spec.family != "vgg":
        return tensors
    return dict(zip(build(spec, "meta").state_dict(), tensors.values(), strict=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
