"""Published examples, and weights of the built blocks."""

import pytest
from torch import nn

from explorer.analysis.blocks import (
    EXAMPLE,
    all_convolutions,
    basic,
    bottleneck,
    inception_modules,
    macs,
    quoted_macs,
    weights,
)
from explorer.families import PRESETS, resolve
from explorer.families.building import build
from explorer.ui.kernels.link import read_link, write_link
from explorer.ui.shared.sections import inception

# Szegedy et al. 2015, Table 1: exact weights without biases.
TABLE1 = {
    "3a": 163_328, "3b": 388_096, "4a": 375_552, "4b": 448_512, "4c": 509_440,
    "4d": 604_672, "4e": 867_328, "5a": 1_042_432, "5b": 1_442_816,
}  # fmt: skip


def convolution_weights(module: nn.Module) -> int:
    return sum(part.weight.numel() for part in module.modules() if isinstance(part, nn.Conv2d))


def test_the_worked_example_and_its_erratum() -> None:
    module = inception_modules()[EXAMPLE]
    assert macs(all_convolutions(module.naive()), 28) == 854_196_224
    assert macs(all_convolutions(module.reduced()), 28) == 271_351_808
    assert quoted_macs(module) == 358_055_936
    assert sum(module.outputs(module.naive())) == 672
    assert sum(module.outputs(module.reduced())) == 480


def test_3a_by_branch() -> None:
    branches = inception_modules()["3a"].reduced()
    assert [weights(branch) for branch in branches] == [12_288, 129_024, 15_872, 6_144]


@pytest.mark.parametrize("name", TABLE1)
def test_weights_of_table_1(name: str) -> None:
    assert weights(all_convolutions(inception_modules()[name].reduced())) == TABLE1[name]


@pytest.mark.parametrize("preset", ["googlenet", "googlenet-naive"])
def test_modules_have_the_weights_of_the_built_network(preset: str) -> None:
    network = build(resolve(preset), "meta")
    modules = dict(network.named_modules())
    inputs = 192
    for name, module in inception_modules().items():
        if name == EXAMPLE:
            continue
        # Naive modules have more output channels, so the next module has more inputs.
        module = module._replace(inputs=inputs)
        branches = module.reduced() if preset == "googlenet" else module.naive()
        assert weights(all_convolutions(branches)) == convolution_weights(modules[f"inception{name}"]), name
        inputs = sum(module.outputs(branches))


def test_sides_of_the_modules_are_the_papers() -> None:
    assert {name: module.side for name, module in inception_modules().items()} == {
        EXAMPLE: 28, "3a": 28, "3b": 28, "4a": 14, "4b": 14, "4c": 14, "4d": 14, "4e": 14, "5a": 7, "5b": 7,
    }  # fmt: skip


@pytest.mark.parametrize("width", [1, 64, 128])
def test_equal_cost_at_four_times_the_channels(width: int) -> None:
    assert weights(basic(width)) == 18 * width**2
    assert weights(bottleneck(width)) == 17 * width**2
    assert bottleneck(width)[0].inputs == bottleneck(width)[-1].outputs == 4 * width


def test_blocks_have_the_weights_of_the_built_networks() -> None:
    for preset, block in (("resnet34", basic), ("resnet50", bottleneck)):
        assert preset in PRESETS
        built = build(resolve(preset), "meta").get_submodule("layer1.1")
        assert weights(block(64)) == convolution_weights(built)


def test_a_custom_module() -> None:
    """Computed by hand, on a map of 4x4 cells with 10 channels."""
    settings = inception.InceptionView.parse(
        {"module": "own", "map": 4, "channels": 10, "ch1x1": 2, "ch3x3red": 3, "ch3x3": 4, "ch5x5red": 1, "ch5x5": 5,
         "pool_proj": 6}
    )  # fmt: skip
    module = inception.compute(settings)
    reduced, naive = all_convolutions(module.reduced()), all_convolutions(module.naive())
    assert macs(reduced, 4) == 16 * (10 * 2 + 10 * 3 + 9 * 3 * 4 + 10 * 1 + 25 * 1 * 5 + 10 * 6)
    assert macs(naive, 4) == 16 * (10 * 2 + 9 * 10 * 4 + 25 * 10 * 5)
    assert sum(module.outputs(module.reduced())) == 2 + 4 + 5 + 6
    assert read_link(write_link("inception", settings)) == ("inception", settings, [])
