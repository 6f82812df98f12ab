"""Each warning appears where it should, with advice, and nowhere else."""

import psutil
import pytest
import torch
from torch import Tensor, nn

from explorer.analysis import Analysis, advice, analyse
from explorer.analysis.devices import Device
from explorer.analysis.memory import TrainingMemory
from explorer.analysis.receptive_field import propagate
from explorer.analysis.trace import Recorder
from explorer.families import parse_spec, resolve


def codes(analysis: Analysis) -> dict[str, str]:
    return {warning.code: warning.message for warning in analysis.warnings}


def test_dropped_columns() -> None:
    even = parse_spec({"family": "vgg", "cfg": [4, "M", 4, "M"], "image_size": 32, "pool_to": 1, "classifier": []})
    assert "dropped-columns" not in codes(analyse(even))
    message = codes(analyse(even.changed(image_size=33)))["dropped-columns"]
    assert "features.2 reads a 33×33 map" in message
    assert "last 1 rows and 1 columns" in message
    assert "Choose an input size that divides evenly" in message
    assert "dropped-columns" not in codes(analyse(resolve("resnet50")))  # strided 1x1 convolutions skip by design
    assert "dropped-columns" not in codes(analyse(resolve("googlenet").changed(image_size=225)))  # ceil mode


def test_border_layers_are_counted_by_the_smallest_field_of_all_paths() -> None:
    assert "field-covers-image" not in codes(analyse(resolve("vgg16")))
    message = codes(analyse(resolve("vgg16-cifar10")))["field-covers-image"]
    # After the second convolution of block 3 a unit sees 32 pixels; the third and blocks 4 and 5 add nothing.
    assert message.startswith("7 convolutions with 848,704 parameters, from features.14 on, are border layers")
    assert "none of the 64 units that features.14 reads sees all of it" in message
    # Shortcuts carry small fields, so a residual network has no border layers and the plain one has many.
    for depth in (20, 110):
        assert "field-covers-image" not in codes(analyse(resolve(f"resnet{depth}")))
        assert "field-covers-image" in codes(analyse(resolve(f"plain{depth}")))
    assert "93 convolutions" in codes(analyse(resolve("plain110")))["field-covers-image"]


def test_border_layers_say_which_units_see_the_whole_image() -> None:
    message = codes(analyse(resolve("vgg16").changed(image_size=64)))["field-covers-image"]
    assert "Of the 64 units that features.21 reads, 4 see the whole image (rows 3 to 4, columns 3 to 4," in message
    one = codes(analyse(resolve("plain20")))["field-covers-image"]
    assert "one sees the whole image (row 8, column 8, counted from 0)" in one
    small = parse_spec({"family": "vgg", "cfg": [4, "M", "M", "M", 4], "image_size": 8, "pool_to": None})
    (last,) = [text for code, text in codes(analyse(small)).items() if code == "field-covers-image"]
    assert last.startswith("features.5, with 148 parameters, is a border layer")
    assert "Every unit that features.5 reads sees the whole image" in last
    # The convolutional form of a head is a head.
    assert "field-covers-image" not in codes(analyse(resolve("vgg16-conv")))


def test_field_smaller_than_the_image() -> None:
    assert "212 of the 224" in codes(analyse(resolve("vgg16")))["field-smaller-than-image"]
    assert "field-smaller-than-image" not in codes(analyse(resolve("resnet18")))


def test_heavy_heads() -> None:
    assert "89% of the parameters (123,642,856 of 138,357,544)" in codes(analyse(resolve("vgg16")))["head-heavy"]
    assert "head-heavy" not in codes(analyse(resolve("resnet50")))
    assert "head-heavy" in codes(analyse(resolve("vgg16-conv")))
    assert "head-heavy" not in codes(analyse(resolve("mnist-fc")))  # the network is only a head
    pooled = parse_spec({"family": "vgg", "cfg": [8], "pool_to": 1, "classifier": []})
    assert "Only fewer classes" in codes(analyse(pooled))["head-heavy"]


def test_pools_that_repeat_cells() -> None:
    spec = resolve("vgg16").changed(image_size=64)
    assert "enlarges a 2×2 map to 7×7" in codes(analyse(spec))["pool-repeats"]
    assert "pool-repeats" not in codes(analyse(resolve("vgg16")))


class TwoPaths(nn.Module):
    """Adds two pools; an even and an odd window do not line up."""

    def __init__(self, one: nn.Module, other: nn.Module) -> None:
        super().__init__()
        self.one, self.other = one, other

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.one(x) + self.other(x)
        return out


@pytest.mark.parametrize(
    ("one", "other", "size", "expected"),
    [
        (nn.AvgPool2d(3, 2), nn.AvgPool2d(2, 2), 15, "0.5 pixels apart"),
        (nn.AvgPool2d(3, 1, 1), nn.AvgPool2d(5, 1, 2), 15, None),
        (nn.AvgPool2d(2, 2), nn.AvgPool2d(5, 1), 8, "different strides"),
    ],
)
def test_branches_that_do_not_line_up(one: nn.Module, other: nn.Module, size: int, expected: str | None) -> None:
    network = TwoPaths(one, other)
    recorder = Recorder(network)
    with torch.no_grad(), recorder, recorder.module_hooks():
        network(torch.empty(1, 1, size, size, device="meta"))
    trace = recorder.trace()
    found = [
        warned for warned in advice.graph_warnings(trace, propagate(trace)) if warned.code == "misaligned-branches"
    ]
    assert len(found) == bool(expected)
    assert all(expected in warning.message for warning in found if expected)


def test_more_memory_than_the_machine_has() -> None:
    total = psutil.virtual_memory().total
    needs = TrainingMemory(weights=total // 4, half_copy=0, gradients=0, optimizer=0, activations=4 * total)
    (warning,) = advice.memory_warnings(needs, 64, Device.CPU)
    assert "A batch of about 12 would fit" in warning.message
    (too_large,) = advice.memory_warnings(TrainingMemory(2 * total, 0, 0, 0, 0), 1, Device.CPU)
    assert "narrower" in too_large.message
    assert advice.memory_warnings(TrainingMemory(1000, 0, 1000, 0, 1000), 1, Device.CPU) == []
    assert "memory" in codes(analyse(resolve("vgg16"), batch_size=65_536))
