"""The analysis of ONNX files has the numbers of the modules from which PyTorch's exporter made them."""

from pathlib import Path

import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from explorer.analysis.graphs import analyse_graph
from explorer.analysis.modules import analyse_module
from explorer.errors import InputError
from explorer.exports.onnx_options import MAX_OPSET, MIN_OPSET
from explorer.families import parse_spec, resolve
from tests.helpers.onnx_files import exported, numbers, read_here
from tests.sweeps.onnx import sweep

SIDE = 40


class Gate(nn.Module):
    """Squeeze-and-excitation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, 2, 1)
        self.fc2 = nn.Conv2d(2, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        scale: Tensor = functional.hardsigmoid(self.fc2(functional.relu(self.fc1(self.pool(x)))))
        return scale * x


class Small(nn.Module):
    """What the families and torchvision's models are made of, in one network."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 5, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.depthwise = nn.Sequential(nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8, bias=False), nn.Hardswish())
        self.gate = Gate(8)
        self.down = nn.Sequential(nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU6())
        self.branch = nn.Sequential(nn.AvgPool2d(3, 1, 1), nn.Conv2d(16, 8, 1), nn.SiLU())
        self.norm = nn.LayerNorm(24)
        self.head = nn.Linear(24, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.gate(self.depthwise(self.pool(self.stem(x))))
        batch, channels, height, width = x.shape
        x = x.view(batch, 2, channels // 2, height, width).transpose(1, 2).reshape(batch, channels, height, width)
        x = self.down(x) + functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 4, 4))
        x = torch.cat([x, self.branch(x)], 1)
        scores: Tensor = self.head(self.norm(x.mean([2, 3])))
        return scores


@pytest.mark.parametrize("opset", [12, 20])
def test_a_file_has_the_numbers_of_its_module(opset: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = Small().eval()
    graph = read_here(exported(module, (3, SIDE, SIDE), opset, tmp_path), tmp_path, monkeypatch)
    assert (graph.batch, graph.opset) == (None, opset)
    expected = analyse_module(module, image_size=SIDE)
    assert expected.field is not None
    found = analyse_graph(graph)
    assert numbers(found) == numbers(expected)
    assert found.field_note == expected.field_note != ""
    names = {layer.name for layer in found.layers}
    assert {"stem.0", "stem.1", "depthwise.0", "gate.fc1", "down.0", "branch.1"} <= names


@pytest.mark.exhaustive
def test_files_of_the_product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``python -m tests.sweeps.onnx`` does this for all presets and opsets."""
    assert sweep(resolve("resnet20"), [MIN_OPSET, MAX_OPSET], tmp_path, monkeypatch) == []


@pytest.mark.exhaustive
def test_a_local_response_norm_that_an_exporter_wrote_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = parse_spec({"family": "vgg", "cfg": [4, "L", "M", 8], "pool_to": None, "classifier": [], "image_size": 12})
    assert sweep(spec, [MAX_OPSET], tmp_path, monkeypatch) == []


def strange(side: int, kernel: int = 3, padding: int = 1) -> bytes:
    """A convolution, an operator of somebody's own, and a convolution after it."""
    weight = numpy_helper.from_array(torch.ones(3, 3, 3, 3).numpy(), "weight")
    if kernel != 3:
        weight = TensorProto(name="weight", data_type=TensorProto.FLOAT, dims=(3, 3, kernel, kernel))
        weight.data_location = TensorProto.EXTERNAL
        weight.external_data.add(key="location", value="weights.bin")
    pads = [padding] * 4
    nodes = [
        helper.make_node("Conv", ["image", "weight"], ["a"], pads=pads, name="first"),
        helper.make_node("Strange", ["a"], ["b"], domain="acme", name="odd"),
        helper.make_node("Conv", ["b", "weight"], ["out"], pads=pads, name="second"),
    ]
    graph = helper.make_graph(
        nodes,
        "strange",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, (5, 3, side, side))],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, (5, 3, side, side))],
        [weight],
        value_info=[helper.make_tensor_value_info("b", TensorProto.FLOAT, (1, 3, side, side))],
    )
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("acme", 1)]
    return bytes(helper.make_model(graph, opset_imports=imports, ir_version=10).SerializeToString())


def test_an_unknown_operator_is_named_and_the_rest_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    analysis = analyse_graph(read_here(strange(8), tmp_path, monkeypatch))
    assert analysis.totals.params == 81
    assert analysis.totals.macs == 2 * 81 * 64
    assert {"fixed-batch", "not-counted", "untraced"} <= {warned.code for warned in analysis.warnings}
    assert any("acme.Strange" in note for layer in analysis.layers for note in layer.notes)
    assert analysis.layers[0].field is not None
    assert analysis.layers[0].field.size == 3


class Pieces(nn.Module):
    """Cuts its maps into pieces that a convolution takes as a batch, and has a token for each image."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.piece = nn.Conv2d(4, 4, 3, padding=1)
        self.token = nn.Parameter(torch.zeros(1, 1, 64))
        self.head = nn.Linear(9 * 64, 5)

    def forward(self, x: Tensor) -> Tensor:
        batch = x.shape[0]
        x = self.piece(self.stem(x).reshape(batch * 2, 4, 8, 8)).reshape(batch, 8, 64)
        scores: Tensor = self.head(torch.cat([x, self.token.expand(batch, -1, -1)], 1).reshape(batch, -1))
        return scores


def test_a_fixed_batch_changes_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = Pieces().eval()
    expected = analyse_module(module, image_size=16)
    found = {
        batch: analyse_graph(read_here(exported(module, (3, 16, 16), 17, tmp_path, batch), tmp_path, monkeypatch))
        for batch in (1, 3)
    }
    assert numbers(found[3]) == numbers(found[1])
    assert found[3].totals.macs == expected.totals.macs
    assert found[3].totals.params == expected.totals.params
    assert "fixed-batch" in {warned.code for warned in found[3].warnings}


@pytest.mark.parametrize(("side", "kernel", "padding"), [(16_000, 15_999, 7_999), (8, 3, 2**20)])
def test_huge_windows_and_paddings_are_refused_by_name(
    side: int, kernel: int, padding: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError) as caught:
        analyse_graph(read_here(strange(side, kernel, padding), tmp_path, monkeypatch))
    assert "\n" not in str(caught.value)
