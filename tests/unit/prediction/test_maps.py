"""Feature maps against the modules' outputs, filters, and the window of a unit against gradients by brute force."""

import pytest
import torch

from explorer.errors import InputError
from explorer.prediction import networks
from explorer.prediction.hooks import map_layers
from explorer.prediction.maps import (
    Window,
    channel_strengths,
    feature_maps,
    filters,
    in_network_order,
    weights_to_pixels,
    window,
)
from tests.helpers.explained import GAP, make_network, pixels, state
from tests.helpers.toys import registry_entry

SPECS = {
    "vgg": {
        "family": "vgg", "cfg": ["4:3/2", "M", "4:5/1p1", 4], "pool_to": 1, "classifier": [], "in_channels": 1,
        "image_size": 32, "num_classes": 2,
    },
    "resnet": {
        "family": "resnet", "blocks": [1, 1], "widths": [4, 8], "stem": "cifar", "image_size": 16, "num_classes": 2,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ["digits-cnn", "resnet20-cifar10"])
def test_maps_equal_the_outputs_of_the_modules(name: str) -> None:
    network = networks.network(registry_entry(name))
    seen, before = pixels(network), state(network.module)
    found = list(map_layers(network.module, network.analysis).values())
    for one in (found[0], found[1], found[len(found) // 2], found[-1]):
        outputs: list[torch.Tensor] = []
        hook = network.module.get_submodule(one.module).register_forward_hook(
            lambda _module, _inputs, maps, outputs=outputs: outputs.append(maps[0].clone())
        )
        mean, std = (torch.tensor(part).view(-1, 1, 1) for part in (network.card.inputs.mean, network.card.inputs.std))
        with torch.no_grad():
            network.module(((seen / 255 - mean) / std)[None])
        hook.remove()
        assert torch.allclose(feature_maps(network, one, seen), outputs[0], atol=1e-4)
    assert state(network.module) == before


@pytest.mark.parametrize("name", SPECS)
def test_a_unit_depends_on_no_pixel_outside_its_window(name: str) -> None:
    # Positive weights and a bright picture: no path cancels another.
    network = make_network(SPECS[name])
    size = network.card.network_spec.sides.height
    for parameter in network.module.parameters():
        torch.nn.init.constant_(parameter, 0.1)
    inside = 0
    for one in map_layers(network.module, network.analysis).values():
        if one.layer.field is None or "Pool" in one.layer.kind:
            continue
        image = torch.rand(1, network.card.network_spec.in_channels, size, size).add_(1).requires_grad_()
        outputs: list[torch.Tensor] = []
        hook = network.module.get_submodule(one.module).register_forward_hook(
            lambda _module, _inputs, maps, outputs=outputs: outputs.append(maps)
        )
        network.module(image)
        hook.remove()
        rows, columns = one.shape[1:]
        for row, column in ((0, 0), (rows // 2, columns // 2), (rows - 1, 0), (rows - 1, columns - 1)):
            (gradient,) = torch.autograd.grad(outputs[0][0, :, row, column].sum(), image, retain_graph=True)
            touched = gradient[0].abs().sum(0).nonzero()
            whole = window(one.layer.field, row, column)
            seen = Window(*(min(max(edge, 0), size - 1) for edge in whole))
            (top, left), (bottom, right) = touched.amin(0).tolist(), touched.amax(0).tolist()
            assert seen.top <= top <= bottom <= seen.bottom
            assert seen.left <= left <= right <= seen.right
            if seen == whole and name == "resnet":  # a pool passes its gradient only to the largest pixel
                inside += 1
                assert (top, bottom, left, right) == tuple(seen)
    assert inside > 3 or name == "vgg"


def test_the_window_of_alexnets_first_pool() -> None:
    # 11x11/4 padded by 2, then 3x3/2: 19 pixels, a step of 8.
    network = make_network(
        {
            "family": "vgg",
            "cfg": ["4:11/4p2", "M:3/2"],
            "pool_to": 1,
            "classifier": [],
            "image_size": 64,
            "num_classes": 2,
        }
    )
    field = map_layers(network.module, network.analysis)["features.2"].layer.field
    assert field is not None
    first, second = window(field, 0, 0), window(field, 1, 2)
    assert first == (-2, 16, -2, 16)
    assert (second.top, second.left) == (6, 14)


def test_filters_have_zero_as_middle_grey() -> None:
    network = networks.network(registry_entry("resnet20-cifar10"))
    before = state(network.module)
    found = filters(network)
    assert found.layer == "conv1"
    assert torch.equal(found.weights, network.module.get_parameter("conv1.weight"))
    alike, each = (weights_to_pixels(found.weights, each=each) for each in (False, True))
    assert alike.dtype is torch.uint8
    assert int((alike.int() - 127).abs().max()) in {127, 128}
    assert all(int((one.int() - 127).abs().max()) in {127, 128} for one in each)
    assert weights_to_pixels(torch.zeros(1, 1, 2, 2), each=True).unique().tolist() == [128]
    assert state(network.module) == before


def test_each_unit_of_a_linear_layer_is_a_picture() -> None:
    found = filters(networks.network(registry_entry("mnist-fc")))
    assert (found.layer, tuple(found.weights.shape)) == ("classifier.0", (8, 1, 28, 28))


def test_strength() -> None:
    maps = torch.tensor([[[0.0, -4.0], [2.0, 2.0]], [[1.0, 1.0], [1.0, 1.0]]])
    assert channel_strengths(maps).tolist() == [2, 1]


def test_maps_that_are_not_finite_are_refused() -> None:
    network = make_network(GAP)
    torch.nn.init.constant_(network.module.get_parameter("features.0.weight"), float("inf"))
    with pytest.raises(InputError):
        feature_maps(network, map_layers(network.module, network.analysis)["features.0"], pixels(network))


def test_shuffled_pixels_are_in_the_order_of_the_network() -> None:
    inputs = make_network(GAP).card.inputs
    seen = torch.arange(64, dtype=torch.uint8).view(1, 8, 8)
    assert torch.equal(in_network_order(seen, inputs), seen)
    order = torch.randperm(64, generator=torch.Generator().manual_seed(3))
    assert torch.equal(in_network_order(seen, inputs._replace(permutation_seed=3)).flatten(), seen.flatten()[order])
