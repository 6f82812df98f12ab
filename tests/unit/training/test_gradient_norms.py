"""Gradient norms by layer, compared with autograd by hand."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from explorer.families import PRESETS, parse_spec
from explorer.families.building import build
from explorer.training.gradient_norms import gradient_norms, initial_gradient_norms
from explorer.training.layer_norms import parameter_norms
from tests.helpers.narrow import of_kind


def test_norms_are_those_of_autograd() -> None:
    torch.manual_seed(0)
    conv, linear = nn.Conv2d(1, 4, 3), nn.Linear(64, 3)
    network = nn.Sequential(conv, nn.ReLU(inplace=True), nn.Flatten(), linear)
    images, labels = torch.randn(5, 1, 6, 6), torch.randint(3, (5,))
    before = conv(images)
    after = linear(before.relu().flatten(1))
    wanted = [*conv.parameters(), *linear.parameters(), before, after]
    grads = torch.autograd.grad(cross_entropy(after, labels), wanted)
    found = gradient_norms(network, images, labels)
    assert [(one.layer, one.kind) for one in found.layers] == [("0", "Conv2d"), ("3", "Linear")]
    for one, pair, output in zip(found.layers, (grads[:2], grads[2:4]), grads[4:], strict=True):
        assert one.gradient == pytest.approx(float(torch.cat([g.flatten() for g in pair]).norm()), rel=1e-5)
        assert one.output == pytest.approx(float(output.norm()), rel=1e-5)
    assert found.total == pytest.approx(float(torch.cat([g.flatten() for g in grads[:4]]).norm()), rel=1e-5)
    assert found.loss == pytest.approx(cross_entropy(after, labels).item(), rel=1e-5)
    assert found.clipped(found.total / 4).layers[0].gradient == pytest.approx(found.layers[0].gradient / 4)
    assert found.clipped(1e9) == found
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not conv._forward_hooks


def test_a_chain_of_scalars_is_a_product_by_hand() -> None:
    # y = w3 tanh(w2 tanh(w1 x)): every layer back multiplies by its weight and by the slope of tanh.
    chain = nn.Sequential()
    weights = (0.5, -1.5, 2.0)
    for index, weight in enumerate(weights):
        layer = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.constant_(layer.weight, weight)
        chain.append(layer)
        chain.append(nn.Tanh() if index < 2 else nn.Flatten())
    twice = nn.Sequential(chain, Doubled())
    x = 0.7
    a1 = math.tanh(weights[0] * x)
    a2 = math.tanh(weights[1] * a1)
    y = weights[2] * a2
    found = gradient_norms(twice, torch.full((1, 1, 1, 1), x), torch.tensor([0]))
    slope = 1 / (1 + math.exp(-y)) - 1  # of cross entropy between the logits y and 0
    d3 = abs(slope)
    d2 = d3 * weights[2] * (1 - a2**2)
    d1 = d2 * abs(weights[1]) * (1 - a1**2)
    assert [one.output for one in found.layers] == pytest.approx([d1, d2, d3], rel=1e-5)
    assert [one.gradient for one in found.layers] == pytest.approx([d1 * x, d2 * abs(a1), d3 * abs(a2)], rel=1e-5)
    assert found.ratio == pytest.approx(d1 / d3, rel=1e-5)


class Doubled(nn.Module):
    """One logit and a second that is always 0."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, torch.zeros_like(x)], 1)


def test_deep_sigmoid_networks_vanish_and_residual_ones_do_not() -> None:
    spec = parse_spec({"family": "resnet", "blocks": [8], "widths": [8], "stem": "cifar", "image_size": 8,
                       "num_classes": 10, "residual": False, "batch_norm": False})  # fmt: skip
    ratios = {name: initial_gradient_norms(spec.changed(activation=name)).ratio for name in ("relu", "sigmoid")}
    assert ratios["sigmoid"] < 1e-6 < 1e-2 < ratios["relu"]
    with_shortcuts = initial_gradient_norms(spec.changed(residual=True, batch_norm=True))
    outputs = [one.output for one in with_shortcuts.layers if one.layer.endswith("conv2")]
    assert all(after < 3 * before for before, after in pairwise(outputs))
    assert initial_gradient_norms(spec) == initial_gradient_norms(spec) != initial_gradient_norms(spec, seed=1)


def test_auxiliary_heads_add_gradient_to_the_first_layers() -> None:
    spec = PRESETS["googlenet-small-cifar10"].spec.changed(aux_after=["3a"], aux_pool="adaptive")
    without, with_heads = (initial_gradient_norms(spec, batch=2, aux_weight=weight) for weight in (0.0, 0.3))
    assert with_heads.layers[-1].layer.startswith("aux1.")
    first = [next(one for one in norms.layers if one.layer == "conv1.conv") for norms in (without, with_heads)]
    assert first[1].gradient > first[0].gradient


def test_norms_after_a_step_of_training() -> None:
    network = build(PRESETS["digits-cnn"].spec)
    assert set(parameter_norms(network).values()) == {0.0}
    network(torch.randn(2, 1, 8, 8)).sum().backward()
    norms = parameter_norms(network)
    head = of_kind(nn.Linear, network.get_submodule("classifier.0"))
    gradients = [of_kind(Tensor, parameter.grad) for parameter in head.parameters()]
    assert norms["classifier.0"] == pytest.approx(math.hypot(*(float(one.norm()) for one in gradients)), rel=1e-5)
