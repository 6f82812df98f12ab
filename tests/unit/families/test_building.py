"""Builders: torchvision's weights load and give torchvision's outputs; every preset trains."""

import pytest
import torch
import torchvision
from hypothesis import given, settings
from torch import Tensor, nn

from explorer.analysis import analyse
from explorer.analysis.trace import MetaMode
from explorer.exports.pytorch import source
from explorer.families import PRESETS, parse_spec, resolve
from explorer.families.building import AUXILIARY, attach_auxiliary, build, detach_auxiliary
from explorer.families.link import decode, encode
from explorer.families.torchvision.spec import ZooSpec
from explorer.families.vgg.spec import VggSpec
from tests.helpers.narrow import googlenet, of_kind
from tests.helpers.specs import any_raw, narrow, parse_or_none
from tests.helpers.weights import random_weights

pytestmark = pytest.mark.exhaustive

TWINS = {
    **{
        f"vgg{depth}{suffix}": f"vgg{depth}{suffix.replace('-', '_')}"
        for depth in (11, 13, 16, 19)
        for suffix in ("", "-bn")
    },
    "alexnet": "alexnet",
    **{f"resnet{depth}": f"resnet{depth}" for depth in (18, 34, 50, 101, 152)},
    "googlenet-torchvision": "googlenet",
    **{f"densenet{depth}": f"densenet{depth}" for depth in (121, 161, 169, 201)},
}


@pytest.mark.parametrize("preset", TWINS)
def test_torchvision_twins(preset: str) -> None:
    options = {"init_weights": False} if preset == "googlenet-torchvision" else {}
    with torch.device("meta"):
        theirs = getattr(torchvision.models, TWINS[preset])(weights=None, **options)
    ours = build(resolve(preset), "meta")
    state = random_weights(theirs)
    theirs.load_state_dict(state, strict=True, assign=True)
    ours.load_state_dict(state, strict=True, assign=True)
    images = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected, got = theirs.eval()(images), ours.eval()(images)
    assert expected.std() > 1e-3
    assert (expected[0] - expected[1]).abs().max() > 1e-3
    assert torch.allclose(got, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


def test_the_cifar_pool_stem_equals_torchvision_with_another_first_convolution() -> None:
    spec = resolve("resnet18").changed(stem="cifar-pool", image_size=32, num_classes=10)
    theirs = torchvision.models.resnet18(num_classes=10)
    theirs.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    theirs.load_state_dict(random_weights(theirs))
    ours = build(spec, "cpu")
    ours.load_state_dict(theirs.state_dict())
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected, got = theirs.eval()(images), ours.eval()(images)
    assert torch.allclose(got, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))
    # A pool of 3x3 by 2 behind a 3x3: 3 + 2 pixels, a unit every second.
    pool = next(layer for layer in analyse(spec).layers if layer.name == "maxpool")
    assert pool.field is not None
    assert (pool.field.size, pool.field.stride, pool.field.padding) == (5, 2, 2)
    assert pool.output_shape[2:] == (16, 16)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_runs_forward_and_backward(preset: str) -> None:
    spec = narrow(PRESETS[preset].spec)
    if max(spec.sides) > 100 and not (isinstance(spec, VggSpec) and (spec.pool_to is None or spec.head == "conv")):
        spec = spec.changed(image_size=96)
    network = build(spec)
    logits = network(torch.randn(2, *spec.input_shape))
    heads = logits if isinstance(logits, list) else [logits]
    assert len(heads) == 1 + len(getattr(spec, "aux_after", ()))
    assert all(head.shape == (2, spec.num_classes) for head in heads)
    sum(head.logsumexp(1).sum() for head in heads).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []
    assert all(torch.isfinite(of_kind(Tensor, p.grad)).all() for p in network.parameters())


@settings(max_examples=150)
@given(any_raw())
def test_a_spec_is_accepted_if_and_only_if_the_network_runs(raw: dict[str, object]) -> None:
    """Validation by arithmetic agrees with PyTorch: every valid spec can be built, run and analysed."""
    spec = parse_or_none(raw)
    if spec is None:
        return
    network = build(spec, "meta").eval()
    with torch.no_grad(), MetaMode():
        out = network(torch.empty(1, *spec.input_shape, device="meta"))
    assert out.shape == (1, spec.num_classes)
    assert analyse(spec).layers[-1].output_shape == (1, spec.num_classes)


def test_validation_refuses_only_what_pytorch_refuses() -> None:
    """The smallest image size that a preset accepts is the smallest on which PyTorch runs the network."""
    for name in ("vgg16-cifar10", "lenet5", "alexnet", "googlenet-bn-cifar10"):
        spec = PRESETS[name].spec
        smallest = next(size for size in range(1, 300) if parse_or_none({**spec.to_dict(), "image_size": size}))
        network = build(narrow(spec).changed(image_size=smallest)).eval()
        detach_auxiliary(network)
        body = next(iter(network.children())) if isinstance(spec, VggSpec) else network
        body(torch.zeros(1, 1, smallest, smallest))
        if smallest > 1:
            with pytest.raises(RuntimeError):
                body(torch.zeros(1, 1, smallest - 1, smallest - 1))


def test_the_convolutional_head_equals_the_linear_head() -> None:
    """Simonyan and Zisserman 2015, section 3.2: the same weights, reshaped, give the same scores."""
    spec = narrow(resolve("vgg16")).changed(cfg=[2, "M", 2, "M"], pool_to=None, image_size=12, classifier=[3])
    linear, conv = build(spec).eval(), build(spec.changed(head="conv")).eval()
    state = linear.state_dict()
    shapes = {name: tensor.shape for name, tensor in conv.state_dict().items()}
    renamed = dict(zip(shapes, state.values(), strict=True))
    conv.load_state_dict({name: tensor.reshape(shapes[name]) for name, tensor in renamed.items()})
    image = torch.rand(3, 1, 12, 12)
    assert torch.allclose(linear(image), conv(image), atol=1e-6)
    assert conv(torch.rand(1, 1, 40, 40)).shape == (1, 2)  # any larger image runs


def kinds(network: nn.Module) -> list[str]:
    """Classes of the layers in the head."""
    return [type(module).__name__ for module in network.get_submodule("classifier").children()]


def test_position_of_dropout() -> None:
    after = resolve("vgg16-cifar10").changed(dropout_position="after", classifier=[8, 8])
    linear, relu, drop = "Linear", "ReLU", "Dropout"
    assert kinds(build(after)) == [linear, relu, drop, linear, relu, drop, linear]
    before = after.changed(dropout_position="before")
    assert kinds(build(before)) == [drop, linear, relu, drop, linear, relu, linear]
    assert kinds(build(before.changed(classifier=[8, 8, 8])))[-3:] == [linear, relu, linear]
    assert kinds(build(before.changed(classifier=[]))) == [drop, linear]
    assert kinds(build(before.changed(dropout=0))) == [linear, relu, linear, relu, linear]


def test_tensors_are_named_as_in_the_references() -> None:
    assert {"features.0.weight", "classifier.1.weight", "classifier.6.bias"} <= build(
        resolve("vgg16-cifar10"), "meta"
    ).state_dict().keys()
    assert {"conv1.conv.weight", "conv1.conv.bias", "inception3a.branch2.0.conv.weight", "aux1.fc1.weight"} <= build(
        resolve("googlenet"), "meta"
    ).state_dict().keys()


def test_networks_without_batch_norm_have_biases_and_no_placeholders() -> None:
    network = build(resolve("resnet18").changed(batch_norm=False), "meta")
    names = {type(module).__name__ for module in network.modules()}
    assert not names & {"Identity", "BatchNorm2d"}
    assert "layer1.0.conv1.bias" in network.state_dict()


def test_auxiliary_heads_run_in_training_only() -> None:
    network = build(narrow(resolve("googlenet")))
    image = torch.rand(2, 1, 224, 224)
    assert len(network(image)) == 3
    heads = detach_auxiliary(network)
    assert sorted(heads) == ["aux1", "aux2"]
    assert all(AUXILIARY.fullmatch(name) for name in heads)
    assert network(image).shape == (2, 2)
    attach_auxiliary(network, heads)
    assert len(network(image)) == 3
    assert network.eval()(image).shape == (2, 2)


def test_meta_networks_allocate_nothing() -> None:
    for name in ("vgg19", "torchvision:regnet_y_400mf", "torchvision:swin_t"):
        network = build(resolve(name), "meta")
        assert all(parameter.is_meta for parameter in network.parameters())


def test_building_on_the_cpu_gives_real_weights() -> None:
    network = build(ZooSpec(name="regnet_x_400mf", num_classes=3))
    assert all(parameter.device.type == "cpu" for parameter in network.parameters())
    assert network.eval()(torch.rand(1, 3, 64, 64)).shape == (1, 3)


def test_googlenet_torchvision_equals_torchvision_with_its_heads() -> None:
    """All tensors and all scores are equal, also those of the auxiliary heads, which pool maps of any size to 4x4."""
    torch.manual_seed(0)
    theirs = torchvision.models.googlenet(weights=None, init_weights=False, num_classes=10)
    spec = resolve("googlenet-torchvision").changed(num_classes=10, image_size=96)
    ours = build(spec)
    ours.load_state_dict(theirs.state_dict())
    assert googlenet(spec).aux_dropout == theirs.aux1.dropout.p
    for network in (theirs, ours):
        network.eval()
        network.training = True  # the heads run, without dropout
    images = torch.rand(1, 3, 96, 96)
    with torch.no_grad():
        logits, second, first = theirs(images)
        assert all(torch.allclose(*pair, atol=1e-5) for pair in zip(ours(images), (logits, first, second), strict=True))


def test_dropout_of_auxiliary_heads() -> None:
    spec = resolve("googlenet").changed(aux_dropout=0.5)
    network = build(spec, "meta")
    assert [network.get_submodule(f"aux{number}.dropout").p for number in (1, 2)] == [0.5, 0.5]
    assert decode(encode(spec, "googlenet")) == (spec, "googlenet")
    assert "nn.Dropout(0.5)" in source(spec)
    assert "nn.AdaptiveAvgPool2d(4)" in source(resolve("googlenet-torchvision"))
    assert googlenet(parse_spec({**resolve("googlenet").to_dict(), "aux_after": []})).aux_dropout == 0.7
