"""Class activation maps: answers known in closed form, every layer of the networks that come with the product."""

import gc
import weakref

import pytest
import torch
from torch import nn

from explorer.errors import InputError
from explorer.prediction import cams, networks
from explorer.prediction.cams import Method, cam
from explorer.prediction.hooks import place, places, with_hook_point
from tests.helpers.explained import GAP, made, pixels, state
from tests.helpers.toys import listed

pytestmark = pytest.mark.exhaustive

PRETRAINED = ("digits-cnn", "mnist-cnn", "resnet20-cifar10", "vgg16-cifar10")


@pytest.mark.parametrize("method", [Method.GRADCAM, Method.HIRESCAM])
@pytest.mark.parametrize("index", range(3))
def test_behind_a_mean_and_a_linear_layer_it_is_the_class_activation_map(method: Method, index: int) -> None:
    # Zhou et al. 2016, equation 2: the maps weighed by the weights of the class; Grad-CAM is its ReLU, scaled.
    network = made(GAP)
    seen = pixels(network)
    found = places(network.module, network.analysis)
    relu = place(found, "")
    assert relu.layer.kind == "ReLU"
    maps = network.module.get_submodule("features")((seen[None] / 255 - 0.5) / 0.5)[0].detach()
    wanted = torch.einsum("c,chw->hw", network.module.get_parameter("classifier.0.weight")[index].detach(), maps).relu()
    wanted = (wanted - wanted.min()) / (wanted.max() - wanted.min()).clamp_min(1e-12)
    assert torch.allclose(cam(network, relu, seen, index, method), wanted, atol=1e-4)


def test_layercam_and_grad_cam_plus_plus_by_their_equations() -> None:
    # The gradient of a class is w/64 at every place here.
    network = made(GAP)
    seen = pixels(network)
    relu = place(places(network.module, network.analysis), "")
    maps = network.module.get_submodule("features")((seen[None] / 255 - 0.5) / 0.5)[0].detach()
    gradient = network.module.get_parameter("classifier.0.weight")[0].detach() / 64
    alpha = gradient**2 / (2 * gradient**2 + maps.sum((1, 2)) * gradient**3 + 1e-6)
    weighed = {Method.LAYERCAM: gradient.relu(), Method.GRADCAM_PLUS_PLUS: 64 * alpha * gradient.relu()}
    for method, weights in weighed.items():
        wanted = torch.einsum("c,chw->hw", weights, maps).relu()
        wanted = (wanted - wanted.min()) / (wanted.max() - wanted.min())
        assert torch.allclose(cam(network, relu, seen, 0, method), wanted, atol=1e-4)


@pytest.mark.parametrize("name", PRETRAINED)
def test_every_kind_of_layer_with_maps_and_every_method(name: str) -> None:
    network = networks.network(listed(name))
    seen, before = pixels(network), state(network.module)
    kinds = {one.layer.kind: one for one in places(network.module, network.analysis).values()}
    assert {"Conv2d", "ReLU"} < kinds.keys()
    for one in kinds.values():
        for method in Method:
            heat = cam(network, one, seen, 1, method)
            assert heat.shape == seen.shape[1:]
            assert heat.dtype is torch.float32
            assert 0 <= heat.min() <= heat.max() <= 1
    assert state(network.module) == before


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "densenet121", "swin_t", "mobilenet_v3_small"])
def test_torchvisions_networks_with_operations_in_place_and_channels_last(name: str) -> None:
    network = made({"family": "torchvision", "name": name, "num_classes": 4, "image_size": 64})
    found = places(network.module, network.analysis)
    chosen = place(found, "")
    assert chosen.shape[1:] == (2, 2)
    heat = cam(network, chosen, pixels(network), 2)
    assert heat.shape == (64, 64)
    assert heat.isfinite().all()


def test_a_relu_in_place_does_not_change_what_is_explained() -> None:
    ours = made(GAP)
    theirs = made(GAP)
    for module in theirs.module.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = True
    seen = pixels(ours)
    for network in (ours, theirs):
        assert place(places(network.module, network.analysis), "features.0").layer.kind == "Conv2d"
    heat = [cam(one, place(places(one.module, one.analysis), "features.0"), seen, 1) for one in (ours, theirs)]
    assert heat[0].any()
    assert torch.equal(*heat)


def test_a_module_that_runs_twice_is_told_by_its_call() -> None:
    network = made({"family": "torchvision", "name": "resnet18", "num_classes": 4, "image_size": 64})
    found = places(network.module, network.analysis)
    first, second = found["layer4.1.relu"], found["layer4.1.relu#2"]
    assert (first.module, first.call, second.call) == ("layer4.1.relu", 1, 2)
    assert second is place(found, "")
    assert not torch.equal(cam(network, first, pixels(network), 0), cam(network, second, pixels(network), 0))


def test_faults_are_said() -> None:
    network = made(GAP)
    found = places(network.module, network.analysis)
    with pytest.raises(InputError, match="class: 3 is not between 0 and 2"):
        cam(network, place(found, ""), pixels(network), 3)
    with pytest.raises(InputError, match=r"'feature\.1' is no layer with maps; did you mean features\.1"):
        place(found, "feature.1")
    plain = networks.network(listed("mnist-fc"))
    assert places(plain.module, plain.analysis) == {}
    with pytest.raises(InputError, match="no layer with maps"):
        place({}, "")
    torch.nn.init.constant_(network.module.get_parameter("classifier.0.weight"), float("nan"))
    with pytest.raises(InputError, match="gives no numbers"):
        cam(network, place(found, ""), pixels(network), 0)


def test_too_much_memory_is_refused_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    network = made(GAP)
    monkeypatch.setattr(cams, "MEMORY", 1000)
    with pytest.raises(InputError, match=r"from features\.0 on a gradient takes"):
        cam(network, place(places(network.module, network.analysis), "features.0"), pixels(network), 0)


def test_an_interrupted_explanation_leaves_the_network_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    network = made(GAP)
    before = state(network.module)

    def interrupted(*_: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("torch.Tensor.backward", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cam(network, place(places(network.module, network.analysis), ""), pixels(network), 0)
    assert state(network.module) == before


def test_nothing_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    network = made(GAP)
    cam(network, place(places(network.module, network.analysis), ""), pixels(network), 0)  # imports the library
    kept = []

    def watched(*arguments: object) -> object:
        module, tap = with_hook_point(*arguments)  # type: ignore[arg-type]
        kept.append(weakref.ref(tap))
        return module, tap

    monkeypatch.setattr(cams, "with_hook_point", watched)
    gc.disable()  # the product doesn't collect after every run either
    try:
        cam(network, place(places(network.module, network.analysis), ""), pixels(network), 0)
        assert kept[0]() is None
    finally:
        gc.enable()
