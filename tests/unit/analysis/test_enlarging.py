"""What each unit sees behind transposed convolutions, interpolations and pixel shuffles, compared with autograd."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from explorer.analysis.enlarging import MAX_READS, NOTHING
from explorer.analysis.field_states import Local, Unknown
from explorer.analysis.graphs import GraphNetwork, analyse_graph
from explorer.analysis.modules import analyse_module, trace_network
from explorer.analysis.receptive_field import propagate
from explorer.analysis.trace import Recorder
from tests.helpers.onnx_files import exported, numbers, read_here

HEIGHT, WIDTH = 9, 7
# kernel, stride, padding, output padding, dilation
TRANSPOSED = [
    (1, 2, 0, 1, 1), (2, 1, 0, 0, 1), (2, 2, 0, 0, 1), (2, 2, 1, 1, 1), (2, 3, 0, 0, 1), (3, 1, 1, 0, 1),
    (3, 1, 0, 1, 2), (3, 2, 1, 1, 1), (3, 2, 1, 0, 2), (3, 3, 2, 1, 2), (4, 2, 1, 0, 1), (5, 2, 2, 1, 1),
    (5, 3, 2, 1, 2),
]  # fmt: skip


class Calls(nn.Module):
    """A convolution, a layer, and another convolution."""

    def __init__(self, layer: Callable[[Tensor], Tensor], channels: int = 4) -> None:
        super().__init__()
        self.before, self.layer = nn.Conv2d(1, 4, 3, 2, 1), layer
        self.after = nn.Conv2d(channels, 1, (3, 2))

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.after(self.layer(self.before(x)))
        return scores


def spans(network: nn.Module) -> list[list[tuple[int, int] | None]]:
    """The first and last pixel of all units of the output, down and across."""
    network = network.to("meta")
    recorder = Recorder(network)
    with torch.no_grad(), recorder, recorder.module_hooks():
        network(torch.empty(1, 1, HEIGHT, WIDTH, device="meta"))
    trace = recorder.trace()
    state = propagate(trace)[trace.output]
    assert isinstance(state, Local), state
    return [[axis.span(unit) for unit in range(axis.units)] for axis in (state.rows, state.columns)]


def seen(network: nn.Module) -> list[list[tuple[int, int] | None]]:
    """The same from gradients, with positive weights."""
    network = network.double()
    for parameter in network.parameters():
        nn.init.ones_(parameter)
    image = torch.ones(1, 1, HEIGHT, WIDTH, dtype=torch.float64, requires_grad=True)
    output = network(image)
    found: list[list[tuple[int, int] | None]] = []
    for dim in (2, 3):
        sums = output.abs().sum((0, 1, 5 - dim))  # a row depends on what its units depend on
        found.append([])
        for one in sums:
            (gradient,) = torch.autograd.grad(one, image, retain_graph=True)
            ends = (gradient[0, 0].abs().sum(3 - dim) > NOTHING).nonzero().flatten().tolist()
            found[-1].append((ends[0], ends[-1]) if ends else None)
    return found


def test_transposed_convolutions_agree_with_autograd() -> None:
    for kernel, stride, padding, extra, dilation in TRANSPOSED:
        layer = nn.ConvTranspose2d(4, 4, kernel, stride, padding, extra, dilation=dilation)
        expected = seen(Calls(layer))
        assert spans(Calls(layer)) == expected, (kernel, stride, padding, extra, dilation)


@pytest.mark.parametrize(
    "enlarge",
    [
        lambda x: functional.interpolate(x, scale_factor=2),
        lambda x: functional.interpolate(x, size=(11, 6)),
        lambda x: functional.interpolate(x, size=(11, 6), mode="nearest-exact"),
        lambda x: functional.interpolate(x, scale_factor=1.7, mode="bilinear"),
        lambda x: functional.interpolate(x, size=(9, 7), mode="bilinear", align_corners=True),
        lambda x: functional.interpolate(x, size=(3, 8), mode="bilinear", antialias=True),
    ],
)
def test_interpolations_agree_with_autograd(enlarge: Callable[[Tensor], Tensor]) -> None:
    assert spans(Calls(enlarge)) == seen(Calls(enlarge))


def test_shuffles_agree_with_autograd() -> None:
    assert spans(Calls(nn.PixelShuffle(2), 1)) == seen(Calls(nn.PixelShuffle(2), 1))
    layers = nn.Sequential(nn.ConvTranspose2d(4, 4, 2, 2), nn.PixelUnshuffle(2))
    expected = seen(Calls(layers, 16))
    assert spans(Calls(layers, 16)) == expected


def test_a_transposed_convolution_of_stride_1_has_a_closed_form() -> None:
    analysis = analyse_module(nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ConvTranspose2d(4, 4, 5, padding=1)))
    assert analysis.field is not None
    assert (analysis.field.size, analysis.field.stride, analysis.field.padding) == (3 + 4 * 2, 2, 1 + 3 * 2)


def test_other_fields_say_what_the_middle_unit_sees() -> None:
    analysis = analyse_module(nn.ConvTranspose2d(3, 4, 3, 2, 1), image_size=8)
    assert analysis.field is None
    assert "rows 3 to 4 and columns 3 to 4" in analysis.field_note
    assert "untraced" not in {warned.code for warned in analysis.warnings}


def test_a_file_has_the_same_spans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ConvTranspose2d(4, 8, 4, 2, 1), nn.PixelShuffle(2))
    graph = read_here(exported(network, (3, 16, 16), 17, tmp_path), tmp_path, monkeypatch)
    found, expected = analyse_graph(graph), analyse_module(network, image_size=16)
    assert numbers(found) == numbers(expected)
    assert found.field_note == expected.field_note


def test_a_huge_enlargement_is_not_followed() -> None:
    network = nn.Upsample((2, MAX_READS)).to("meta")
    recorder = Recorder(network)
    with torch.no_grad(), recorder, recorder.module_hooks():
        network(torch.empty(1, 1, 2, 2, device="meta"))
    trace = recorder.trace()
    assert isinstance(propagate(trace)[trace.output], Unknown)


# attributes of ConvTranspose: kernel, strides, and how it pads
PADDINGS: list[dict[str, Any]] = [
    {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
    {"auto_pad": "SAME_UPPER", "strides": [3, 2], "dilations": [2, 1]},
    {"auto_pad": "VALID", "strides": [2, 1]},
    {"output_shape": [8, 9], "strides": [2, 2]},
    {"output_shape": [9, 8], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    {"output_shape": [10, 8], "strides": [2, 2], "output_padding": [1, 0]},
    {"pads": [1, 0, 0, 2], "strides": [2, 2]},
    {"pads": [0, 1, 2, 1], "strides": [1, 2], "output_padding": [0, 1]},
]


@pytest.mark.parametrize("kernel", [2, 3])
@pytest.mark.parametrize("settings", PADDINGS, ids=str)
def test_transposed_convolutions_of_files_agree_with_onnxruntime(
    settings: dict[str, Any], kernel: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Conv", ["image", "first"], ["a"], strides=[2, 2], pads=[1, 1, 1, 1]),
                helper.make_node("ConvTranspose", ["a", "second"], ["out"], **settings),
            ],
            "made",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 1, HEIGHT, WIDTH))],
            [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
            [
                numpy_helper.from_array(np.ones((2, 1, 3, 3), np.float32), "first"),
                numpy_helper.from_array(np.ones((2, 1, kernel, kernel), np.float32), "second"),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=10,
    )
    content = model.SerializeToString()
    trace = trace_network(GraphNetwork(read_here(content, tmp_path, monkeypatch)), (1, HEIGHT, WIDTH))
    state = propagate(trace)[trace.output]
    assert isinstance(state, Local), state

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    shape = session.run(None, {"image": np.ones((1, 1, HEIGHT, WIDTH), np.float32)})[0].shape
    for axis, dim, side in ((state.rows, 2, HEIGHT), (state.columns, 3, WIDTH)):
        readers: list[list[int]] = [[] for _unit in range(shape[dim])]
        for pixel in range(side):
            image = np.zeros((1, 1, HEIGHT, WIDTH), np.float32)
            image[(slice(None),) * dim + (pixel,)] = 1
            changed = session.run(None, {"image": image})[0].sum((0, 1, 5 - dim))
            for unit in changed.nonzero()[0]:
                readers[unit].append(pixel)
        expected = [(pixels[0], pixels[-1]) if pixels else None for pixels in readers]
        assert [axis.span(unit) for unit in range(axis.units)] == expected, dim
