"""Effective receptive fields, compared with what theory says about stacks of convolutions (Luo et al. 2016)."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from explorer.analysis import analyse
from explorer.analysis.effective_field import (
    effective_field,
    effective_pixels,
    fit_gaussian,
)
from explorer.errors import InputError
from explorer.families import PRESETS
from explorer.families.building import build


def stack(layers: int, kernel: int, channels: int = 1) -> nn.Sequential:
    """Return convolutions without bias and activation that keep the size of the map."""
    widths = [1, *[channels] * layers]
    return nn.Sequential(*(nn.Conv2d(a, b, kernel, padding=kernel // 2, bias=False) for a, b in pairwise(widths)))


def box_power(kernel: int, layers: int, size: int) -> Tensor:
    """Return n boxes convolved with each other, centred in a square: numpy-like arithmetic, independent of autograd."""
    profile = torch.ones(1, dtype=torch.float64)
    for _layer in range(layers):
        grown = torch.zeros(len(profile) + kernel - 1, dtype=torch.float64)
        for shift in range(kernel):
            grown[shift : shift + len(profile)] += profile / kernel
        profile = grown
    line = torch.zeros(size, dtype=torch.float64)
    start = size // 2 - len(profile) // 2
    line[start : start + len(profile)] = profile
    return torch.outer(line, line)


def standard_deviation(field: Tensor) -> tuple[float, float]:
    """Return the standard deviation of a field along rows and columns, in pixels."""
    field = field.double()
    deviations = []
    for axis in (0, 1):
        weights = field.sum(1 - axis) / field.sum()
        places = torch.arange(len(weights), dtype=torch.float64)
        mean = (weights * places).sum()
        deviations.append(float((weights * (places - mean).square()).sum().sqrt()))
    return deviations[0], deviations[1]


@pytest.mark.parametrize(("kernel", "layers"), [(3, 1), (7, 1), (3, 6), (5, 4)])
def test_uniform_weights_are_known_exactly(kernel: int, layers: int) -> None:
    network = stack(layers, kernel)
    for layer in network:
        nn.init.constant_(layer.weight, 1 / kernel**2)  # type: ignore[arg-type]
    field = effective_field(network, torch.randn(3, 1, 41, 41), str(layers - 1))
    expected = box_power(kernel, layers, 41)
    assert torch.allclose(field.absolute.double(), expected, atol=1e-6)
    assert torch.allclose(field.squared.double(), expected.square(), atol=1e-7)
    deviation = math.sqrt(layers * (kernel**2 - 1) / 12)
    assert standard_deviation(field.absolute) == pytest.approx((deviation, deviation), rel=1e-4)
    assert (field.unit, field.images) == ((20, 20), 3)
    if layers == 1:
        assert effective_pixels(field.absolute) == kernel**2  # all of the theoretical field


def test_random_stacks_are_gaussian_with_the_variance_of_the_theory() -> None:
    # Luo et al. 2016, section 2: with independent weights of mean 0, boxes convolved are the expected squared gradient.
    torch.manual_seed(0)
    kernel, layers = 3, 8
    squared = torch.zeros(25, 25)
    for _network in range(40):
        network = stack(layers, kernel, channels=8)
        squared += effective_field(network, torch.zeros(1, 1, 25, 25), str(layers - 1)).squared
    deviation = math.sqrt(layers * (kernel**2 - 1) / 12)
    assert standard_deviation(squared) == pytest.approx((deviation, deviation), rel=0.05)
    fit = fit_gaussian(squared)
    assert fit is not None
    assert fit.sigma == pytest.approx((deviation, deviation), rel=0.1)
    assert fit.centre == pytest.approx((12, 12), abs=0.3)
    assert fit.r2 > 0.85
    assert effective_pixels(squared) < 0.7 * 17**2


def test_the_fit_of_a_gaussian_is_exact() -> None:
    rows, columns = torch.meshgrid(torch.arange(40.0), torch.arange(30.0), indexing="ij")
    bell = 7 * torch.exp(-((rows - 18.5) ** 2) / (2 * 3.0**2) - (columns - 14) ** 2 / (2 * 2.0**2))
    fit = fit_gaussian(bell)
    assert fit is not None
    assert fit.centre == pytest.approx((18.5, 14), abs=1e-3)
    assert fit.sigma == pytest.approx((3, 2), rel=1e-3)
    assert fit.r2 == pytest.approx(1, abs=1e-4)
    assert fit_gaussian(torch.zeros(9, 9)) is None
    assert fit_gaussian(torch.eye(9)[4].outer(torch.eye(9)[4])) is None


def test_the_field_stays_inside_the_theoretical_one() -> None:
    spec = PRESETS["resnet20"].spec
    torch.manual_seed(0)
    network = build(spec).eval()
    layer = next(one for one in analyse(spec).layers if one.name == "layer1.1.relu")
    assert layer.field is not None
    seen: list[tuple[int, int]] = []
    field = effective_field(network, torch.randn(20, 3, 32, 32), layer.name, unit=(16, 16),
                            progress=lambda *done: seen.append(done))  # fmt: skip
    assert seen == [(0, 20), (16, 20), (20, 20)]
    start = 16 * layer.field.stride - layer.field.padding
    stop = start + layer.field.size
    inside = field.absolute[start:stop, start:stop]
    assert float(field.absolute.sum()) == pytest.approx(float(inside.sum()))
    assert float(inside.sum()) > 0
    assert 0 < effective_pixels(field.absolute) < layer.field.size**2
    assert all(parameter.grad is None for parameter in network.parameters())


def test_wrong_places_are_refused() -> None:
    network = build(PRESETS["resnet20"].spec).eval()
    images = torch.zeros(1, 3, 32, 32)
    with pytest.raises(InputError, match="fc"):
        effective_field(network, images, "fc")
    with pytest.raises(InputError, match="8×8"):
        effective_field(network, images, "layer3", unit=(8, 0))
