"""The activation of a spec: modules, source, names of layers, FLOPs, initial weights, links and imports."""

import json
import math
from typing import Any, get_args

import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torchvision import models

from explorer.analysis import analyse
from explorer.analysis.comparison import compare
from explorer.analysis.kinds import Group, group_of
from explorer.errors import SpecError
from explorer.exports.formats import FORMATS
from explorer.families import PRESETS, Spec, parse_spec
from explorer.families.activations import make_activation
from explorer.families.building import build
from explorer.families.link import decode, encode
from explorer.families.torchvision.network import REPLACEABLE
from explorer.families.torchvision.spec import ZooSpec
from explorer.specs.activation import ACTIVATIONS, ActivationName
from explorer.training.initialisation import initialise
from tests.helpers.narrow import resnet

SMALL = ("resnet20", "vgg11-bn-cifar10", "densenet-40-12", "googlenet-small-cifar10")
FLOPS = {"relu": 1, "leaky_relu": 2, "elu": 3, "gelu": 5, "silu": 5, "tanh": 1, "sigmoid": 4}


def small(name: str, activation: str) -> Spec:
    """Return a small network of a family with an activation."""
    return PRESETS[name].spec.changed(activation=activation)


def test_every_name_has_a_module() -> None:
    assert set(get_args(ActivationName)) == set(ACTIVATIONS)
    for name, activation in ACTIVATIONS.items():
        module = make_activation(resnet(small("resnet20", name)))
        assert type(module).__name__ == activation.name
        made = eval(activation.source, {"nn": nn})  # noqa: S307  our own source
        assert repr(made) == repr(module)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gains_keep_the_size_of_maps(name: ActivationName) -> None:
    # torch.nn.init.calculate_gain, or He's rule 1 / sqrt(E[f(z)^2]), integrated over the normal distribution.
    if name in ("relu", "tanh", "sigmoid"):
        expected = nn.init.calculate_gain(name)
    elif name == "leaky_relu":
        expected = nn.init.calculate_gain(name, 0.01)
    else:
        z = torch.linspace(-12, 12, 200_001, dtype=torch.float64)
        density = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
        f = getattr(nn.functional, name)(z)
        expected = float(torch.trapezoid(f.square() * density, z)) ** -0.5
    assert ACTIVATIONS[name].gain == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("preset", SMALL)
@pytest.mark.parametrize("name", ["gelu", "leaky_relu"])
def test_layers_source_and_scores_follow_the_activation(preset: str, name: ActivationName) -> None:
    spec, kind = small(preset, name), ACTIVATIONS[name].name
    analysis = analyse(spec)
    found = [layer for layer in analysis.layers if group_of(layer.kind) is Group.ACTIVATION]
    assert {layer.kind for layer in found} == {kind}
    assert not any("relu" in layer.name.replace(name, "") for layer in analysis.layers)
    assert all(layer.flops == FLOPS[name] * math.prod(layer.output_shape[1:]) for layer in found)
    before = analyse(PRESETS[preset].spec)
    assert (before.totals.params, before.totals.macs) == (analysis.totals.params, analysis.totals.macs)
    assert [layer.field for layer in before.layers] == [layer.field for layer in analysis.layers]

    source = FORMATS["pytorch"].make(spec).decode()
    assert f"nn.{kind}(" in source
    assert "ReLU" not in source.replace(kind, "")
    namespace: dict[str, Any] = {"__name__": "exported"}
    exec(source, namespace)  # noqa: S102  our own source
    exported, ours = namespace["Net"]().eval(), build(spec).eval()
    exported.load_state_dict(ours.state_dict())
    images = torch.randn(2, *spec.input_shape)
    with torch.inference_mode():
        assert torch.allclose(exported(images), ours(images), atol=1e-5)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_flops_by_kind(name: ActivationName) -> None:
    spec = parse_spec({"family": "vgg", "cfg": [4], "image_size": 8, "classifier": [], "activation": name})
    (layer,) = [layer for layer in analyse(spec).layers if group_of(layer.kind) is Group.ACTIVATION]
    assert layer.flops == FLOPS[name] * 4 * 8 * 8


def test_old_specs_and_links_mean_the_same() -> None:
    spec = PRESETS["resnet20"].spec
    old = {key: value for key, value in spec.to_dict().items() if key != "activation"}
    assert parse_spec(json.loads(json.dumps(old))) == spec
    assert encode(spec, "resnet20") == {"net": "resnet20"}
    link = encode(spec.changed(activation="gelu"), "resnet20")
    assert link == {"net": "resnet20", "activation": "gelu"}
    assert decode(link)[0] == spec.changed(activation="gelu")
    with pytest.raises(SpecError, match="activation"):
        spec.changed(activation="swish")


def test_a_comparison_names_the_difference() -> None:
    pair = compare([analyse(small("resnet20", name)) for name in ("relu", "elu")])
    changes = {str(change) for row in pair.rows[0] for change in row.changes}
    assert changes == {"ReLU → ELU"}


def test_he_weights_follow_the_activation() -> None:
    def weights(name: ActivationName) -> torch.Tensor:
        torch.manual_seed(0)
        network = build(small("resnet20", name))
        initialise(network, "he", ACTIVATIONS[name].gain)
        return network.get_parameter("layer3.0.conv2.weight").detach()

    assert torch.allclose(weights("tanh"), weights("relu") * (5 / 3) / math.sqrt(2))


def test_a_model_of_torchvision_with_another_activation_is_torchvisions_own() -> None:
    # RegNet is the one model whose builder takes the activation, which it also gives to squeeze-and-excitation.
    theirs = models.regnet_y_400mf(num_classes=4, activation=nn.SiLU).eval()
    spec = ZooSpec(name="regnet_y_400mf", num_classes=4, image_size=32, activation="silu")
    ours = build(spec).eval()
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), theirs(images))


@pytest.mark.parametrize(
    ("name", "kinds", "kept"),
    [
        ("mobilenet_v3_small", ("ReLU", "Hardswish"), {"Hardsigmoid"}),  # the gates
        ("swin_v2_t", ("GELU",), {"Softmax", "ReLU"}),  # attention, and the network of the position biases
    ],
)
def test_gates_of_a_model_of_torchvision_stay(name: str, kinds: tuple[str, ...], kept: set[str]) -> None:
    before, after = analyse(ZooSpec(name=name)), analyse(ZooSpec(name=name, activation="elu"))
    replaced = {layer.name for layer in before.layers if layer.kind in kinds and "cpb_mlp" not in layer.name}
    found = [layer for layer in after.layers if group_of(layer.kind) is Group.ACTIVATION]
    assert {layer.name for layer in found if layer.kind == "ELU"} == replaced
    assert {layer.kind for layer in found} == {"ELU"} | kept
    assert (before.totals.params, before.totals.macs) == (after.totals.params, after.totals.macs)


class Called(TorchFunctionMode):
    """Notes whether a function of an activation is called."""

    found = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.found |= getattr(func, "__name__", "").rstrip("_") in {
            "relu",
            "relu6",
            "hardswish",
            "silu",
            "gelu",
            "tanh",
        }
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "name", ["alexnet", "mnasnet0_5", "squeezenet1_1", "vit_b_32", "densenet121", "googlenet", "inception_v3"]
)
def test_only_models_that_call_a_function_refuse_an_activation(name: str) -> None:
    network = build(ZooSpec(name=name), "meta")
    for place, module in list(network.named_modules()):
        if isinstance(module, REPLACEABLE):
            network.set_submodule(place, nn.Identity())
    with Called() as called:
        network(torch.empty(2, *ZooSpec(name=name).input_shape, device="meta"))
    if called.found:
        with pytest.raises(SpecError, match=f"activation: .* {name} calls ReLU as a function"):
            ZooSpec(name=name, activation="tanh")
    else:
        assert ZooSpec(name=name, activation="tanh").takes_activation


def test_source_and_links_of_a_model_of_torchvision_have_the_activation() -> None:
    spec = ZooSpec(name="resnet18", num_classes=5, image_size=64, activation="gelu")
    assert decode(encode(spec, "torchvision:resnet18"))[0] == spec
    assert encode(spec, "torchvision:resnet18")["activation"] == "gelu"
    source = FORMATS["pytorch"].make(spec).decode()
    namespace: dict[str, Any] = {"__name__": "exported"}
    exec(source, namespace)  # noqa: S102  our own source
    exported, ours = namespace["Net"]().eval(), build(spec).eval()
    exported.load_state_dict(ours.state_dict())
    images = torch.randn(2, *spec.input_shape)
    with torch.inference_mode():
        torch.testing.assert_close(exported(images), ours(images), rtol=1e-5, atol=1e-5)
