"""Class activation maps: closed forms, and every kind of layer of the bundled networks."""

import gc
import weakref

import pytest
import torch
from torch import nn

from explorer.errors import InputError
from explorer.prediction import cams, networks
from explorer.prediction.cams import Method, cam
from explorer.prediction.hooks import MapLayer, find_map_layer, map_layers, with_hook_point
from explorer.prediction.networks import Network
from tests.helpers.explained import GAP, make_network, pixels, state
from tests.helpers.toys import registry_entry

pytestmark = pytest.mark.exhaustive

PRETRAINED = ("digits-cnn", "mnist-cnn", "resnet20-cifar10", "vgg16-cifar10")


def map_layer(network: Network, name: str = "") -> MapLayer:
    return find_map_layer(map_layers(network.module, network.analysis), name)


@pytest.mark.parametrize("method", [Method.GRADCAM, Method.HIRESCAM])
@pytest.mark.parametrize("index", range(3))
def test_with_global_pooling_and_a_linear_layer_it_is_the_class_activation_map(method: Method, index: int) -> None:
    # Zhou et al. 2016, equation 2: the sum of the maps, weighted by the class's weights. Grad-CAM is its ReLU, scaled.
    network = make_network(GAP)
    seen = pixels(network)
    relu = map_layer(network)
    assert relu.layer.kind == "ReLU"
    maps = network.module.get_submodule("features")((seen[None] / 255 - 0.5) / 0.5)[0].detach()
    weights = network.module.get_parameter("classifier.0.weight")[index].detach()
    expected = torch.einsum("c,chw->hw", weights, maps).relu()
    expected = (expected - expected.min()) / (expected.max() - expected.min()).clamp_min(1e-12)
    assert torch.allclose(cam(network, relu, seen, index, method), expected, atol=1e-4)


def test_layercam_and_grad_cam_plus_plus_follow_their_equations() -> None:
    # Here the gradient of a class is w/64 everywhere.
    network = make_network(GAP)
    seen = pixels(network)
    relu = map_layer(network)
    maps = network.module.get_submodule("features")((seen[None] / 255 - 0.5) / 0.5)[0].detach()
    gradient = network.module.get_parameter("classifier.0.weight")[0].detach() / 64
    alpha = gradient**2 / (2 * gradient**2 + maps.sum((1, 2)) * gradient**3 + 1e-6)
    weightings = {Method.LAYERCAM: gradient.relu(), Method.GRADCAM_PLUS_PLUS: 64 * alpha * gradient.relu()}
    for method, weights in weightings.items():
        expected = torch.einsum("c,chw->hw", weights, maps).relu()
        expected = (expected - expected.min()) / (expected.max() - expected.min())
        assert torch.allclose(cam(network, relu, seen, 0, method), expected, atol=1e-4)


@pytest.mark.parametrize("name", PRETRAINED)
def test_all_kinds_of_layers_and_all_methods(name: str) -> None:
    network = networks.network(registry_entry(name))
    seen, before = pixels(network), state(network.module)
    kinds = {one.layer.kind: one for one in map_layers(network.module, network.analysis).values()}
    assert {"Conv2d", "ReLU"} < kinds.keys()
    for one in kinds.values():
        for method in Method:
            heat = cam(network, one, seen, 1, method)
            assert heat.shape == seen.shape[1:]
            assert heat.dtype is torch.float32
            assert 0 <= heat.min() <= heat.max() <= 1
    assert state(network.module) == before


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "densenet121", "swin_t", "mobilenet_v3_small"])
def test_torchvision_networks_with_in_place_operations_and_channels_last(name: str) -> None:
    network = make_network({"family": "torchvision", "name": name, "num_classes": 4, "image_size": 64})
    chosen = map_layer(network)
    assert chosen.shape[1:] == (2, 2)
    heat = cam(network, chosen, pixels(network), 2)
    assert heat.shape == (64, 64)
    assert heat.isfinite().all()


def test_an_in_place_relu_does_not_change_the_map() -> None:
    ours = make_network(GAP)
    theirs = make_network(GAP)
    for module in theirs.module.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = True
    seen = pixels(ours)
    for network in (ours, theirs):
        assert map_layer(network, "features.0").layer.kind == "Conv2d"
    heat = [cam(one, map_layer(one, "features.0"), seen, 1) for one in (ours, theirs)]
    assert heat[0].any()
    assert torch.equal(*heat)


def test_the_calls_of_a_repeated_module_are_distinct_layers() -> None:
    network = make_network({"family": "torchvision", "name": "resnet18", "num_classes": 4, "image_size": 64})
    layers = map_layers(network.module, network.analysis)
    first, second = layers["layer4.1.relu"], layers["layer4.1.relu#2"]
    assert (first.module, first.call, second.call) == ("layer4.1.relu", 1, 2)
    assert second is find_map_layer(layers, "")
    assert not torch.equal(cam(network, first, pixels(network), 0), cam(network, second, pixels(network), 0))


def test_invalid_requests_are_refused() -> None:
    network = make_network(GAP)
    layers = map_layers(network.module, network.analysis)
    with pytest.raises(InputError, match="class: 3 is not between 0 and 2"):
        cam(network, find_map_layer(layers, ""), pixels(network), 3)
    with pytest.raises(InputError, match=r"'feature\.1' is not a layer with maps; did you mean features\.1"):
        find_map_layer(layers, "feature.1")
    plain = networks.network(registry_entry("mnist-fc"))
    assert map_layers(plain.module, plain.analysis) == {}
    with pytest.raises(InputError):
        find_map_layer({}, "")
    torch.nn.init.constant_(network.module.get_parameter("classifier.0.weight"), float("nan"))
    with pytest.raises(InputError):
        cam(network, find_map_layer(layers, ""), pixels(network), 0)


def test_too_much_memory_is_refused_before_the_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    network = make_network(GAP)
    monkeypatch.setattr(cams, "MAX_ACTIVATION_BYTES", 1000)
    with pytest.raises(InputError, match=r"a gradient at features\.0 takes"):
        cam(network, map_layer(network, "features.0"), pixels(network), 0)


def test_an_interruption_leaves_the_network_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    network = make_network(GAP)
    before = state(network.module)

    def interrupted(*_: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("torch.Tensor.backward", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cam(network, map_layer(network), pixels(network), 0)
    assert state(network.module) == before


def test_nothing_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    network = make_network(GAP)
    cam(network, map_layer(network), pixels(network), 0)  # imports the library
    references = []

    def recording_hook_point(*arguments: object) -> object:
        module, hook_point = with_hook_point(*arguments)  # type: ignore[arg-type]
        references.append(weakref.ref(hook_point))
        return module, hook_point

    monkeypatch.setattr(cams, "with_hook_point", recording_hook_point)
    gc.disable()  # no garbage collection: the product does not run it after each map
    try:
        cam(network, map_layer(network), pixels(network), 0)
        assert references[0]() is None
    finally:
        gc.enable()
