"""Readings: among networks of the same shapes, running statistics find the right one and warn of the others.

The networks have random weights, and running statistics of real images: CIFAR-10's as JPEG, or digits.
"""

import os
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from explorer.data import load
from explorer.data.decode import decode
from explorer.errors import InputError
from explorer.families import Spec
from explorer.families.building import build
from explorer.families.resnet.spec import ResNetSpec
from explorer.families.vgg.spec import VggSpec
from explorer.weights.importing.checkpoint import Checkpoint
from explorer.weights.importing.importing import Proposal, propose
from explorer.weights.importing.normalisation import CIFAR10, IMAGENET, MNIST, Pair, usual_pairs
from tests.helpers.foreign_networks import batch_norm_warnings, calibrated
from tests.helpers.narrow import pixels

pytestmark = pytest.mark.exhaustive

HALF, NONE = usual_pairs(3)[2:]
BODY: dict[str, Any] = {"blocks": (2, 2, 2), "widths": (8, 16, 32), "image_size": 32, "num_classes": 10}
CHAIN: dict[str, Any] = {
    "batch_norm": True, "pool_to": 1, "classifier": (), "dropout": 0.0, "image_size": 32, "num_classes": 10,
}  # fmt: skip
GREY = BODY | {"blocks": (1, 1, 1), "in_channels": 1, "image_size": 28}

# Network, wrong values of fields that its tensors leave open, and normalisation of its images.
READINGS: dict[str, tuple[Spec, dict[str, Any], Pair]] = {
    "a pool behind the stem": (ResNetSpec(**BODY, stem="cifar-pool"), {"stem": "cifar"}, CIFAR10),
    "no pool behind the stem": (ResNetSpec(**BODY, stem="cifar"), {"stem": "cifar-pool"}, IMAGENET),
    "bottlenecks": (ResNetSpec(**BODY, stem="cifar", block="bottleneck"), {"stem": "cifar-pool"}, HALF),
    "option A": (ResNetSpec(**BODY, stem="cifar", shortcut="A"), {"residual": False}, CIFAR10),
    "plain": (ResNetSpec(**BODY, stem="cifar", shortcut="A", residual=False), {"residual": True}, CIFAR10),
    "grey": (ResNetSpec(**GREY, stem="cifar-pool"), {"stem": "cifar"}, MNIST),
    "a chain without pools": (VggSpec(cfg=(8, 16, 16, 24), **CHAIN), {"cfg": [8, "M", 16, 16, "M", 24]}, NONE),
    "a chain with pools": (VggSpec(cfg=(8, 8, "M", 16, 16, "M", 24), **CHAIN), {"cfg": [8, 8, 16, 16, 24]}, CIFAR10),
    "a chain of means": (
        VggSpec(cfg=(8, 8, "A", 16, 16, "A", 24), **CHAIN), {"cfg": [8, 8, "M", 16, 16, "M", 24]}, HALF,
    ),
    "a chain that strides": (
        VggSpec(cfg=(8, "16:3/2", 16, "24:3/2"), **CHAIN), {"cfg": [8, "M", 16, 16, "M", 24]}, CIFAR10,
    ),
}  # fmt: skip


needs_images = pytest.mark.skipif("EXPLORER_TEST_DATA" not in os.environ, reason="EXPLORER_TEST_DATA is not set")


@cache
def images(*, grey: bool) -> Tensor:
    if grey:
        digits = pixels(load("digits").test)[:64].float() / 255
        return nn.functional.pad(nn.functional.interpolate(digits, size=(20, 20), mode="bilinear"), (4, 4, 4, 4))
    with zipfile.ZipFile(Path(os.environ["EXPLORER_TEST_DATA"]) / "cifar10-jpeg.zip") as archive:
        names = [name for name in archive.namelist() if name.startswith("train/") and name.endswith(".jpg")]
        return torch.stack([decode(archive.read(name), name, 3) for name in names[::800][:64]]).float() / 255


def propose_calibrated(spec: Spec, pair: Pair) -> Proposal:
    torch.manual_seed(len(spec.to_json()))
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in pair)
    tensors = calibrated(build(spec), [(images(grey=spec.in_channels == 1) - mean) / std])
    if isinstance(spec, VggSpec):
        tensors = dict(unnumbered(tensors))
    return propose(Checkpoint(tensors, ordered=True), "net.pth")


def unnumbered(tensors: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Yields the tensors under names whose numbers do not show the pools."""
    count = -1
    for name, tensor in tensors.items():
        module, _dot, leaf = name.rpartition(".")
        count += tensor.dim() == 4
        kind = "fc" if module.startswith("classifier") else "conv" if tensor.dim() == 4 else "bn"
        if kind == "bn" and leaf == "bias" and f"{module}.running_mean" not in tensors:
            kind = "conv"
        yield f"{kind}{'' if kind == 'fc' else count}.{leaf}", tensor


def warnings(proposal: Proposal, answers: dict[str, Any], pair: Pair) -> list[str]:
    done = proposal.prove({"mean": pair[0], "std": pair[1], "resize": None, **answers}, "", "")
    return batch_norm_warnings(done.notes)


@needs_images
@pytest.mark.parametrize("name", READINGS)
def test_the_right_reading_is_found_and_wrong_ones_give_a_warning(name: str) -> None:
    spec, wrong, pair = READINGS[name]
    proposal = propose_calibrated(spec, pair)
    assert (
        proposal.guess.spec == spec.changed(dropout=0.0) if isinstance(spec, VggSpec) else proposal.guess.spec == spec
    )
    assert warnings(proposal, {}, pair) == []
    assert warnings(proposal, wrong, pair)
    # The right answer alone is enough.
    key = next(iter(wrong))
    assert proposal.network({key: spec.to_dict()[key]}).spec == spec
    # ImageNet's and CIFAR-10's deviations are too similar to be distinguished.
    likely = next(question for question in proposal.questions({}) if question.key == "std").likely
    assert likely[0] == pytest.approx(pair[1][0], abs=0.03)
    (mean,) = (question for question in proposal.questions({}) if question.key == "mean")
    assert list(mean.offers) == [usual for usual, _std in usual_pairs(spec.in_channels)]


@needs_images
def test_a_wrong_normalisation_gives_a_warning() -> None:
    spec, _wrong, pair = READINGS["no pool behind the stem"]
    proposal = propose_calibrated(spec, pair)
    notes = proposal.prove({"mean": NONE[0], "std": NONE[1]}, "", "").notes
    assert any("first batch norm" in note and "0.485,0.456,0.406" in note for note in notes)


@pytest.mark.parametrize("style", ["Conv{0}.{2}", "features.conv{0}_{1}", "block{0}_conv{1}", "stage{0}.conv{1}"])
def test_each_container_ends_with_a_pool(style: str) -> None:
    counts, widths = (2, 2, 3, 3, 3), (4, 8, 16, 32, 32)
    tensors: dict[str, Tensor] = {}
    before = 3
    for group, (count, width) in enumerate(zip(counts, widths, strict=True), 1):
        for number in range(count):
            module = style.format(group, number + 1, 2 * number)
            tensors |= {f"{module}.weight": torch.randn(width, before, 3, 3), f"{module}.bias": torch.zeros(width)}
            before = width
    tensors |= {"head.weight": torch.randn(10, 32 * 2 * 2), "head.bias": torch.zeros(10)}  # for images of 64 pixels
    found = propose(Checkpoint(tensors, ordered=True), "x").guess.spec
    assert isinstance(found, VggSpec)
    assert found.cfg == (4, 4, "M", 8, 8, "M", 16, 16, 16, "M", 32, 32, 32, "M", 32, 32, 32, "M")
    assert found.image_size == 64


@pytest.mark.parametrize("name", ["downsample", "other"])
def test_a_3x3_shortcut_is_refused_by_name(name: str) -> None:
    tensors = dict(build(ResNetSpec(**BODY, stem="cifar")).state_dict())
    for stage, (before, after) in ((2, (8, 16)), (3, (16, 32))):
        tensors[f"layer{stage}.0.downsample.0.weight"] = torch.zeros(after, before, 3, 3)
    renamed = {key.replace("downsample", name): tensor for key, tensor in tensors.items()}
    with pytest.raises(
        InputError, match=rf"shortcut layer2\.0\.{name}\.0\.weight of \(16, 8, 3, 3\) is a 3×3 convolution"
    ):
        propose(Checkpoint(renamed, ordered=True), "x")
