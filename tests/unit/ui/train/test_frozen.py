"""The choices of frozen parts of a network, and the number of parameters that still train."""

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
        ("resnet18", ["nothing", *["stage"] * 4, "features"]),  # only its last layer follows the features
        ("mnist-fc", ["nothing", "last"]),
    ],
)
def test_each_choice_occurs_once_and_trains_fewer_parameters_than_the_previous_one(name: str, kinds: list[str]) -> None:
    spec = resolve(name)
    choices = frozen.choices(spec)
    assert [part.kind for part in choices] == kinds
    trained = [trainable(spec, part.names) for part in choices]
    assert trained == sorted(trained, reverse=True)
    assert len(set(trained)) == len(trained)
    assert all(frozen.find_choice(spec, reversed(part.names)) == part for part in choices)
    assert frozen.find_choice(spec, ["nothing of it"]) is None


# Counts of the papers' networks: a last layer of 512 or 1,024 to 1,000 has 513,000 or 1,025,000 parameters.
@pytest.mark.parametrize(
    ("spec", "trained"),
    [
        (resolve("vgg16"), 4096 * 1000 + 1000),
        (resolve("resnet18"), 512 * 1000 + 1000),
        (resolve("googlenet"), 1024 * 1000 + 1000),  # its auxiliary heads are frozen, too
        (resolve("torchvision:mobilenet_v2"), 1280 * 1000 + 1000),
    ],
)
def test_only_the_last_layer_is_trained(spec: Spec, trained: int) -> None:
    names = frozen.choices(spec)[-1].names
    network = build(spec, "meta")
    freeze(network, names)
    counts = [parameter.numel() for parameter in network.parameters() if parameter.requires_grad]
    assert sum(counts) == trainable(spec, names) == trained
