"""Titles of networks."""

import pytest

from explorer.families import NamedNetwork, Spec, parse_spec, resolve
from explorer.families.naming import is_form_of, same_as, title
from explorer.ui.shared.networks import full_title
from explorer.ui.shared.networks import title as entry_title

CHAIN = parse_spec(
    {"family": "vgg", "cfg": [8, 16], "pool_to": 1, "classifier": [], "image_size": 28, "in_channels": 1}
)


@pytest.mark.parametrize(
    ("spec", "base", "name"),
    [
        (resolve("resnet18").changed(blocks=[3, 4, 6, 3]), "resnet18", "ResNet-34"),
        (resolve("vgg16").changed(cfg=list(resolve("vgg19").to_dict()["cfg"])), "vgg16", "VGG-19 (E)"),
        (resolve("resnet18").changed(blocks=[3, 4, 6, 3], num_classes=7), "resnet18", "ResNet-34, changed"),
        (resolve("resnet18").changed(num_classes=7), "resnet18", "ResNet-18, changed"),
    ],
)
def test_the_preset_that_a_network_equals_or_is_nearest_to(spec: Spec, base: str, name: str) -> None:
    assert title(spec, base) == name
    if "changed" not in name:
        assert entry_title(NamedNetwork(spec, base)) == full_title(NamedNetwork(spec, base)) == name
        assert same_as(spec) != base


def test_a_network_unlike_all_presets_gets_a_description() -> None:
    entry = NamedNetwork(CHAIN)
    assert not is_form_of(CHAIN, entry.start)
    assert entry_title(entry) == full_title(entry) == "Chain of 2 convolutions"
    assert entry_title(NamedNetwork(resolve("vgg16").changed(cfg=[64, "M"]), "vgg16")).startswith(
        "VGG-16"
    )  # made from it
    narrow = resolve("resnet18").changed(widths=[8, 16, 32, 64])
    assert entry_title(NamedNetwork(narrow)).startswith("ResNet-18")
    assert resolve("plain20").describe() == "Plain network, blocks 3, 3, 3"
