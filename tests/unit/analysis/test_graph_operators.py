"""Operators that networks outside the product's families have, in files of PyTorch's exporter and of other programs."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from explorer.analysis import Analysis
from explorer.analysis.graphs import analyse_graph
from explorer.analysis.modules import analyse_module
from explorer.errors import InputError
from tests.helpers.onnx_files import exported, numbers, read_here

SIDE = 16
FLOAT = TensorProto.FLOAT


class Calls(nn.Module):
    """A function of modules."""

    def __init__(self, function: Callable[..., Tensor], *parts: nn.Module) -> None:
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.parts)


def unet(x: Tensor, down: nn.Module, up: nn.Module, last: nn.Module) -> Tensor:
    scores: Tensor = last(torch.cat([x, up(down(x).relu())], 1))
    return scores


def enlarged(x: Tensor, first: nn.Module, last: nn.Module) -> Tensor:
    scores: Tensor = last(functional.interpolate(first(x), scale_factor=2, mode="bilinear"))
    return scores


def sequence(x: Tensor, first: nn.Module, recurrent: nn.Module, head: nn.Module) -> Tensor:
    results, _states = recurrent(first(x).flatten(2).permute(2, 0, 1))
    scores: Tensor = head(results[-1])
    return scores


def extremes(x: Tensor, first: nn.Module) -> Tensor:
    x = first(x)
    return torch.cat([x.amin((2, 3)), x.amax((2, 3)), x.sum((2, 3)), x.mean((2, 3))], 1)


def normalised(x: Tensor, first: nn.Conv2d, tied: nn.Module) -> Tensor:
    x = functional.normalize(first(x), dim=1)
    factor: Tensor = tied(tied(x.mean((2, 3)))).mean()
    return functional.conv_transpose2d(x, first.weight, stride=2) + factor


def unusual(x: Tensor, first: nn.Module, last: nn.Module) -> Tensor:
    x = torch.selu(first(x))
    x = functional.celu(x).reciprocal().sign() + functional.softsign(x)
    x = x.floor() * x.ceil() - x.round() / (x.sin() + x.cos())
    scores: Tensor = last(x).argmax(1, keepdim=True)
    return scores


class ConvPaddedBySize(nn.Conv2d):
    """A 3x3 convolution of stride 2 that pads as TensorFlow does; its exporter writes arithmetic of the sizes."""

    def __init__(self) -> None:
        super().__init__(3, 4, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        def needed(size: Any) -> Any:  # a tensor while the exporter traces
            if isinstance(size, Tensor):
                return ((size / 2).ceil() * 2 + 1 - size).clamp(min=0)
            return max(math.ceil(size / 2) * 2 + 1 - size, 0)

        height, width = map(needed, x.shape[-2:])
        sides = [width // 2, width - width // 2, height // 2, height - height // 2]
        return super().forward(functional.pad(x, sides))


MODULES: dict[str, Callable[[], nn.Module]] = {
    "unet": lambda: Calls(unet, nn.Conv2d(3, 8, 3, 2, 1), nn.ConvTranspose2d(8, 6, 2, 2, groups=2), nn.Conv2d(9, 2, 1)),
    "enlarged": lambda: Calls(enlarged, nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 2, 3)),
    "pixel shuffle": lambda: nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.PixelShuffle(2), nn.PReLU(2), nn.Mish()),
    "instance norm": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4, affine=True), nn.Conv2d(4, 4, 3)),
    "group norm": lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.GELU(), nn.Conv2d(8, 4, 3)),
    "recurrent, lstm": lambda: Calls(
        sequence, nn.Conv2d(3, 4, 4, 4), nn.LSTM(4, 5, bidirectional=True), nn.Linear(10, 2)
    ),
    "recurrent, gru": lambda: Calls(sequence, nn.Conv2d(3, 4, 4, 4), nn.GRU(4, 5), nn.Linear(5, 2)),
    "extremes": lambda: Calls(extremes, nn.Conv2d(3, 4, 3)),
    "unusual": lambda: Calls(unusual, nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3)),
    "padded by size": ConvPaddedBySize,
    "shared": lambda: Calls(normalised, nn.Conv2d(3, 4, 2, 2, bias=False), nn.Linear(4, 4)),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_file_has_the_numbers_of_its_module(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)  # no biases that are zero, which the exporter would leave out
    module = MODULES[name]().eval()
    graph = read_here(exported(module, (3, SIDE, SIDE), 17, tmp_path), tmp_path, monkeypatch)
    found, expected = numbers(analyse_graph(graph)), numbers(analyse_module(module, image_size=SIDE))
    if "recurrent" in name:  # its results in a file have four dimensions, like a map
        assert (found.pop("field"), expected.pop("field").size) == (None, 4)
    assert found == expected
    assert found["params"] == sum(parameter.numel() for parameter in module.parameters())


Read = Callable[..., Analysis]


@pytest.fixture
def analysed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Analyses operators from ``image`` to ``out`` with weights of ones."""

    def run(
        nodes: list[onnx.NodeProto],
        weights: dict[str, tuple[int, ...]],
        shape: tuple[int | str, ...] = (1, 3, 8, 8),
        kind: str = "float32",
        opset: int = 18,
        **known: tuple[int, ...],
    ) -> Analysis:
        tensors = [numpy_helper.from_array(np.ones(sides, kind), name) for name, sides in weights.items()]
        graph = helper.make_graph(
            nodes,
            "made",
            [helper.make_tensor_value_info("image", FLOAT, shape)],
            [helper.make_tensor_value_info("out", FLOAT, None)],
            tensors,
            value_info=[helper.make_tensor_value_info(name, FLOAT, sides) for name, sides in known.items()],
        )
        imports = [helper.make_opsetid("", opset), helper.make_opsetid("acme", 1)]
        model = helper.make_model(graph, opset_imports=imports, ir_version=10)
        return analyse_graph(read_here(model.SerializeToString(), tmp_path, monkeypatch))

    return run


def test_an_image_with_its_channels_last_is_read_as_one_with_channels_first(analysed: Read) -> None:
    nodes = [
        helper.make_node("Transpose", ["image"], ["moved"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["moved", "weight"], ["out"], auto_pad="SAME_UPPER", strides=[2, 2]),
    ]
    analysis = analysed(nodes, {"weight": (4, 3, 3, 3)}, ("batch", 12, 8, 3))
    assert analysis.input_shape == (1, 3, 12, 8)
    assert analysis.field is not None
    assert (analysis.field.size, analysis.totals.macs) == (3, 4 * 6 * 4 * 27)


def test_weights_of_operators_without_a_rule_are_counted_once(analysed: Read) -> None:
    nodes = [
        helper.make_node("Odd", ["image", "weight"], ["a"], domain="acme"),
        helper.make_node("Odd", ["a", "weight"], ["b"], domain="acme"),
        helper.make_node("Lost", ["b", "other"], ["c"], domain="acme"),
        helper.make_node("Relu", ["c"], ["out"]),
    ]
    analysis = analysed(nodes, {"weight": (5, 2), "other": (7,)}, a=(1, 3, 8, 8), b=(1, 3, 8, 8))
    assert analysis.totals.params == 17
    assert {"left-out", "not-counted"} <= {warned.code for warned in analysis.warnings}


@pytest.mark.parametrize(("bias", "mask"), [(False, False), (True, False), (False, True), (True, True)])
def test_a_deformable_convolution_costs_as_a_convolution(analysed: Read, *, bias: bool, mask: bool) -> None:
    others = ["bias" if bias else "", *(["mask"] if mask else [])]
    nodes = [
        helper.make_node("Conv", ["image", "first"], ["offset"], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["image", "second"], ["mask"], pads=[1, 1, 1, 1]),
        helper.make_node("DeformConv", ["image", "weight", "offset", *others], ["out"], pads=[1, 1, 1, 1]),
    ]
    weights = {"first": (18, 3, 3, 3), "second": (9, 3, 3, 3), "weight": (6, 3, 3, 3)}
    layer = analysed(nodes, weights | ({"bias": (6,)} if bias else {}), opset=19).layers[-1]
    assert (layer.kind, layer.macs, layer.params) == ("DeformConv2d", 64 * 6 * 27, 6 * 27 + 6 * bias)
    assert layer.output_shape == (1, 6, 8, 8)


def test_a_token_that_is_expanded_to_the_batch_is_a_parameter(analysed: Read) -> None:
    sides = numpy_helper.from_array(np.array([1, 3, 1, 8]), "sides")
    nodes = [
        helper.make_node("Constant", [], ["sides"], value=sides),
        helper.make_node("Expand", ["token", "sides"], ["expanded"]),
        helper.make_node("Concat", ["expanded", "image"], ["out"], axis=2),
    ]
    analysis = analysed(nodes, {"token": (1, 3, 1, 8)})
    assert (analysis.totals.params, analysis.layers[-1].output_shape) == (24, (1, 3, 9, 8))


def test_no_advice_stands_on_the_field_of_a_part(analysed: Read) -> None:
    nodes = [
        helper.make_node("Conv", ["image", "weight"], ["a"]),
        helper.make_node("Lost", ["a"], ["b"], domain="acme"),
        helper.make_node("Relu", ["b"], ["out"]),
    ]
    analysis = analysed(nodes, {"weight": (4, 3, 3, 3)})
    assert [warned.code for warned in analysis.warnings] == ["left-out"]
    assert (analysis.field, "operators are left out" in analysis.field_note) == (None, True)
    assert analysis.layers[0].field is not None
    whole = analysed([nodes[0], helper.make_node("Relu", ["a"], ["out"])], {"weight": (4, 3, 3, 3)})
    assert [warned.code for warned in whole.warnings] == ["field-smaller-than-image"]


@pytest.mark.parametrize(("operator", "flops"), [("Sum", 2), ("Mean", 3), ("Max", 2), ("Min", 2)])
def test_operators_of_several_inputs_join_them_all(operator: str, flops: int, analysed: Read) -> None:
    nodes = [
        helper.make_node("Conv", ["image", "weight"], ["a"]),
        helper.make_node("Conv", ["image", "other"], ["b"], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["image", "weight"], ["c"]),
        helper.make_node(operator, ["a", "b", "c"], ["out"]),
    ]
    analysis = analysed(nodes, {"weight": (4, 3, 1, 1), "other": (4, 3, 3, 3)})
    assert analysis.field is not None
    assert (analysis.field.size, analysis.layers[-1].flops) == (3, flops * 4 * 64)
    assert not {"left-out", "not-counted"} & {warned.code for warned in analysis.warnings}


def test_vectors_are_divided_by_their_norm(analysed: Read) -> None:
    nodes = [
        helper.make_node("Conv", ["image", "weight"], ["a"]),
        helper.make_node("LpNormalization", ["a"], ["out"], axis=1),
    ]
    analysis = analysed(nodes, {"weight": (4, 3, 3, 3)})
    assert analysis.field is not None
    assert (analysis.field.size, analysis.layers[-1].flops) == (3, 3 * 4 * 36)  # square, add, divide
    assert "not-counted" not in {warned.code for warned in analysis.warnings}


def test_a_quantised_convolution_has_its_macs(analysed: Read) -> None:
    nodes = [
        helper.make_node("QuantizeLinear", ["image", "scale", "zero"], ["q"]),
        helper.make_node("ConvInteger", ["q", "weight"], ["i"], pads=[1, 1, 1, 1]),
        helper.make_node("Cast", ["i"], ["out"], to=FLOAT),
        helper.make_node("Constant", [], ["scale"], value_float=0.1),
        helper.make_node("Constant", [], ["zero"], value=numpy_helper.from_array(np.array(0, np.uint8))),
    ]
    nodes = [*nodes[3:], *nodes[:3]]
    analysis = analysed(nodes, {"weight": (4, 3, 3, 3)}, kind="uint8")
    assert (analysis.totals.macs, analysis.totals.params) == (64 * 108, 108)
    assert analysis.field is not None
    assert analysis.field.size == 3


@pytest.mark.parametrize(
    ("settings", "places"),
    [({"strides": [0, 1]}, ("strides", "0")), ({"group": 0}, ("group", "0")), ({"group": 3}, ("first", "Conv"))],
)
def test_settings_that_no_layer_can_have_are_named(
    settings: dict[str, Any], places: tuple[str, ...], analysed: Read
) -> None:
    nodes = [helper.make_node("Conv", ["image", "weight"], ["out"], name="first", **settings)]
    with pytest.raises(InputError) as caught:
        analysed(nodes, {"weight": (4, 1, 3, 3)})
    assert all(place in str(caught.value) for place in places)


def test_a_padding_may_crop_and_a_softmax_over_channels_moves_no_pixels(analysed: Read) -> None:
    nodes = [
        helper.make_node("Conv", ["image", "weight"], ["a"], pads=[-1, -1, -1, -1]),
        helper.make_node("Softmax", ["a"], ["out"], axis=1),
    ]
    analysis = analysed(nodes, {"weight": (4, 3, 3, 3)})
    assert analysis.field is not None
    assert (analysis.field.size, analysis.layers[-1].output_shape) == (3, (1, 4, 4, 4))
