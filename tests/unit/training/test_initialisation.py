"""Initial weights, by their mean and standard deviation."""

from typing import Literal

import pytest
import torch
from torch import nn

from explorer.families import resolve
from explorer.families.building import build
from explorer.training.initialisation import initialise
from tests.helpers.narrow import bias, weight


def network() -> nn.Sequential:
    torch.manual_seed(0)
    conv, linear = nn.Conv2d(64, 256, 3), nn.Linear(1024, 128)
    layers = nn.Sequential(conv, nn.BatchNorm2d(256), nn.ReLU(), nn.Flatten(), linear, nn.Linear(8, 2, bias=False))
    for parameter in layers[1].parameters():
        nn.init.uniform_(parameter, 2, 3)
    return layers


@pytest.mark.parametrize(
    ("how", "conv_std", "linear_std"),
    [
        ("he", (2 / (256 * 9)) ** 0.5, (2 / 1024) ** 0.5),
        ("he_conv", (2 / (256 * 9)) ** 0.5, 0.01),
        ("normal", 0.01, 0.01),
    ],
)
def test_weights_have_the_published_moments(
    how: Literal["he", "he_conv", "normal"], conv_std: float, linear_std: float
) -> None:
    layers = network()
    initialise(layers, how)
    for layer, std in ((layers[0], conv_std), (layers[4], linear_std)):
        values, count = weight(layer).detach().double(), weight(layer).numel()
        # Five standard errors of each moment of a normal distribution.
        assert abs(values.mean()) < 5 * std / count**0.5
        assert abs(values.std() / std - 1) < 5 / (2 * count) ** 0.5
        assert abs((values / std).pow(4).mean() - 3) < 5 * (96 / count) ** 0.5
        assert not bias(layer).any()
    assert torch.equal(weight(layers[1]), torch.ones(256))
    assert torch.equal(bias(layers[1]), torch.zeros(256))


def test_default_leaves_pytorchs_weights() -> None:
    before = {key: value.clone() for key, value in network().state_dict().items()}
    layers = network()
    initialise(layers, "default")
    assert all(torch.equal(value, before[key]) for key, value in layers.state_dict().items())


def test_the_seed_determines_the_weights() -> None:
    found = []
    for seed in (1, 1, 2):
        layers = network()
        torch.manual_seed(seed)
        initialise(layers, "he")
        found.append(weight(layers[0]).detach())
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_he_keeps_gradients_from_vanishing_in_deep_plain_networks() -> None:
    """He et al. 2015, section 2.2: gradients keep their variance, and lose it with PyTorch's default."""

    def gradient(how: Literal["default", "he"]) -> float:
        torch.manual_seed(0)
        vgg = build(resolve("vgg19").changed(cfg=[64] * 16, pool_to=1, classifier=[], dropout=0.0, image_size=16))
        initialise(vgg, how)
        images = torch.randn(2, 3, 16, 16)
        vgg(images).square().mean().backward()
        first, last = (vgg.get_parameter(f"features.{number}.weight").grad for number in (2, 30))
        assert first is not None
        assert last is not None
        return float(first.norm() / last.norm())

    assert 0.2 < gradient("he") < 5
    assert gradient("default") < 0.02
