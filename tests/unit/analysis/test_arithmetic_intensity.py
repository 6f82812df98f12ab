"""Arithmetic intensity compared with the sizes of real tensors and with MACs counted one by one."""

import re

import pytest
import torch
from torch import Tensor, nn

from explorer.analysis import Analysis, Layer, analyse
from explorer.analysis.measures import Measure
from explorer.families import parse_spec, resolve
from tests.helpers.narrow import of_kind

INTENSITY = Measure.ARITHMETIC_INTENSITY


def small(**fields: object) -> Analysis:
    spec = {"family": "vgg", "cfg": [4, "M"], "classifier": [], "image_size": 6, "in_channels": 2, "num_classes": 3}
    return analyse(parse_spec(spec | {"pool_to": 3} | fields))


def first_layer(analysis: Analysis, kind: str) -> Layer:
    return next(layer for layer in analysis.layers if layer.kind == kind)


def traffic_of(module: nn.Module, image: Tensor) -> int:
    """Returns the bytes that a module reads and writes."""
    return sum(tensor.nbytes for tensor in (image, module(image), *module.parameters()))


def test_a_convolution_by_brute_force() -> None:
    layer = first_layer(small(), "Conv2d")
    conv, image = nn.Conv2d(2, 4, 3, padding=1), torch.rand(1, 2, 6, 6)
    windows = nn.functional.unfold(image, 3, padding=1)[0].T  # a row for each position
    assert conv.bias is not None
    macs, sums = 0, torch.zeros(4, 36)
    for channel, kernel in enumerate(conv.weight.flatten(1)):
        for position, window in enumerate(windows):
            for weight, cell in zip(kernel, window, strict=True):
                sums[channel, position] += weight * cell
                macs += 1
    assert torch.allclose(sums + of_kind(torch.Tensor, conv.bias)[:, None], conv(image).flatten(2)[0], atol=1e-5)
    assert INTENSITY.definition.amount([layer]) == macs / traffic_of(conv, image)
    # 72 weights and 4 biases, 72 numbers in and 144 out, of four bytes each.
    assert INTENSITY.formula(layer) == "2,592/(304 + 288 + 576) = 2.22"


def test_a_linear_layer_by_brute_force() -> None:
    layer = first_layer(small(), "Linear")
    linear, vector = nn.Linear(4 * 3 * 3, 3), torch.rand(1, 4 * 3 * 3)
    products = [weight * cell for row in linear.weight for weight, cell in zip(row, vector[0], strict=True)]
    assert torch.allclose(torch.stack(products).view(3, -1).sum(1) + linear.bias, linear(vector)[0], atol=1e-5)
    assert INTENSITY.definition.amount([layer]) == len(products) / traffic_of(linear, vector)
    assert INTENSITY.formula(layer) == "108/(444 + 144 + 12) = 0.18"


def test_an_activation_has_traffic_and_a_view_has_none() -> None:
    analysis = analyse(resolve("vgg11"))
    relu, flat, drop = (first_layer(analysis, kind) for kind in ("ReLU", "Flatten", "Dropout"))
    assert relu.activation_bytes == 0  # in position, but read and written
    assert relu.cost.traffic == (0, 4 * 64 * 224**2, 4 * 64 * 224**2)
    assert INTENSITY.definition.amount([relu]) == 0
    assert INTENSITY.definition.amount([flat]) is INTENSITY.definition.amount([drop]) is None
    assert INTENSITY.formula(flat) == ""


def test_all_inputs_of_an_addition_are_read() -> None:
    add = first_layer(analyse(resolve("resnet18")), "Add")
    one = 4 * 64 * 56**2
    assert add.cost.traffic == (0, 2 * one, one)


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "googlenet", "torchvision:vit_b_16", "torchvision:swin_t"])
def test_the_intensity_of_a_group_is_the_ratio_of_its_sums(name: str) -> None:
    analysis = analyse(resolve(name))
    totals = analysis.totals
    weights, inputs, outputs = totals.cost.traffic
    assert weights > 0
    assert totals.macs / (weights + inputs + outputs) == INTENSITY.definition.of_network(analysis)
    assert INTENSITY.definition.amount(analysis.layers) == INTENSITY.definition.of_network(analysis)
    assert INTENSITY.definition.layers is not None
    assert (
        INTENSITY.definition.layers.along_depth([analysis.layers[:5], analysis.layers[5:]])[-1]
        == totals.cost.arithmetic_intensity
    )
    left, _equals, right = INTENSITY.formula(analysis).rpartition(" = ")
    assert re.fullmatch(r"[\d,]+/\([\d,]+ \+ [\d,]+ \+ [\d,]+\)", left)
    assert eval(left.replace(",", "")) == pytest.approx(float(right), abs=0.005)  # noqa: S307  matched above


def test_every_weight_of_a_network_without_unused_weights_is_read() -> None:
    for name in ("vgg16", "resnet50", "googlenet"):
        totals = analyse(resolve(name)).totals
        assert totals.cost.traffic.weights == totals.weight_bytes, name
