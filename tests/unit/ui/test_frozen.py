"""What can be frozen of a network, in words, and how many parameters that leaves."""

import pytest

from explorer.families import Spec, resolve
from explorer.families.building import build
from explorer.training.freezing import freeze
from explorer.training.start import trainable
from explorer.ui.train import frozen


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("vgg16", ["nothing", *["stage"] * 4, "features", "last"]),
        ("resnet18", ["nothing", *["stage"] * 4, "features"]),  # whose last layer is all that is behind them
        ("mnist-fc", ["nothing", "last"]),
    ],
)
def test_each_choice_stands_once_and_leaves_less_than_the_one_before(name: str, kinds: list[str]) -> None:
    spec = resolve(name)
    found = frozen.parts(spec)
    assert [part.kind for part in found] == kinds
    left = [trainable(spec, part.names) for part in found]
    assert left == sorted(left, reverse=True)
    assert len(set(left)) == len(left)
    assert all(frozen.of(spec, reversed(part.names)) == part for part in found)
    assert frozen.of(spec, ["nothing of it"]) is None


# Counts of the papers' networks: a last layer of 512 or 1,024 to 1,000 has 513,000 or 1,025,000 parameters.
@pytest.mark.parametrize(
    ("spec", "left"),
    [
        (resolve("vgg16"), 4096 * 1000 + 1000),
        (resolve("resnet18"), 512 * 1000 + 1000),
        (resolve("googlenet"), 1024 * 1000 + 1000),  # its auxiliary heads are frozen, too
        (resolve("torchvision:mobilenet_v2"), 1280 * 1000 + 1000),
    ],
)
def test_all_but_the_last_layer(spec: Spec, left: int) -> None:
    names = frozen.parts(spec)[-1].names
    network = build(spec, "meta")
    freeze(network, names)
    assert sum(one.numel() for one in network.parameters() if one.requires_grad) == trainable(spec, names) == left
