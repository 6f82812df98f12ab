"""A network and its base: links, texts and records reproduce both; an invalid base is ignored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.families import PRESETS, NamedNetwork, resolve
from tests.helpers.specs import any_raw, parse_or_none

NARROW = resolve("resnet18").changed(widths=[8, 16, 32, 64])


@given(any_raw(), st.sampled_from(sorted(PRESETS)))
def test_link_and_text_give_the_network_back(raw: dict[str, object], base: str) -> None:
    spec = parse_or_none(raw)
    if spec is None:
        return
    for network in (NamedNetwork(spec), NamedNetwork.from_record(spec.to_dict(), base)):
        assert NamedNetwork.from_link(network.link) == NamedNetwork(spec, network.start)
        assert NamedNetwork.from_text(network.text) == NamedNetwork(spec, network.start)


def test_a_known_base_is_preferred_to_the_nearest_preset() -> None:
    spec = resolve("resnet18").changed(blocks=[3, 4, 6, 3])
    assert NamedNetwork(spec, "resnet18").link == {"net": "resnet18", "blocks": "3.4.6.3"}
    assert NamedNetwork(spec).link == {"net": "resnet34"}
    assert NamedNetwork(spec, "resnet18").changed(num_classes=7).base == "resnet18"


@pytest.mark.parametrize("base", [None, "", "vgg16", "nonesuch", "torchvision:../x", "torchvision:alexnet", "x" * 500])
def test_a_base_that_a_network_is_not_made_from_is_unknown(base: str | None) -> None:
    assert NamedNetwork.from_record(NARROW.to_dict(), base) == NamedNetwork(NARROW)
    assert NamedNetwork(NARROW).start == "resnet18"


@pytest.mark.parametrize(
    ("text", "base"),
    [(" resnet18 ", "resnet18"), ("torchvision:alexnet", "torchvision:alexnet"), (NARROW.to_json(), "")],
)
def test_a_typed_name_is_the_base(text: str, base: str) -> None:
    assert NamedNetwork.resolved(text) == NamedNetwork(resolve(text), base)
