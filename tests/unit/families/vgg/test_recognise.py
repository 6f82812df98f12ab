"""VGGs, small CNNs and MLPs are recognised by their tensors; numbers, groups, heads and presets show their pools."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from explorer.errors import SpecError
from explorer.families import PRESETS
from explorer.families.building import build
from explorer.families.recognition.guess import our_shapes
from explorer.families.recognition.search import recognise
from explorer.families.vgg.spec import VggSpec
from tests.helpers.foreign_networks import Groups, check_scores, differences, recognised, shapes_of
from tests.helpers.narrow import vgg

pytestmark = pytest.mark.exhaustive

OURS = [name for name, preset in PRESETS.items() if isinstance(preset.spec, VggSpec)]


@pytest.mark.parametrize("how", ["own", "sorted", "flat", "tree"])
@pytest.mark.parametrize("name", OURS)
def test_presets_are_found_again(name: str, how: str) -> None:
    spec = PRESETS[name].spec
    found = recognised(spec, how)
    # Response normalisation has no tensors; only the numbers of the layers after it show it.
    assert differences(spec, found) == ({"cfg"} if name == "vgg11-lrn" and how in ("flat", "tree") else set())
    assert differences(spec, found) <= {question.key for question in found.questions}


def test_dropout_is_read_from_the_numbers_of_the_head() -> None:
    for name in ("vgg16", "alexnet", "vgg16-cifar10", "cnn-cifar10"):
        spec = PRESETS[name].spec.changed(num_classes=7)
        assert recognise(our_shapes(spec), ordered=True)[0].spec == spec


@pytest.mark.parametrize("classes", [10, 37])
def test_torchvisions_names_are_ours(classes: int) -> None:
    from torchvision.models import alexnet, vgg16_bn

    for name, make in (("alexnet", alexnet), ("vgg16-bn", vgg16_bn)):
        with torch.device("meta"):
            shapes = shapes_of(make(num_classes=classes).state_dict())
        found = recognise(shapes, ordered=True)[0]
        assert found.names == {name: name for name in shapes}
        assert vgg(found.spec).cfg == vgg(PRESETS[name].spec).cfg


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_groups_end_in_pools(bias: bool, ordered: bool) -> None:
    found = check_scores(Groups(bias=bias), 32, ordered=ordered)
    assert vgg(found.spec).cfg == (4, 4, "M", 8, 8, "M", *[16] * 3, "M", *[32] * 3, "M", *[32] * 3, "M")
    assert (found.spec.image_size, vgg(found.spec).classifier) == (32, (20,))


class Homework(nn.Module):
    """The CNN of a course: each layer is an attribute, and the head is registered before the convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)

    def forward(self, x: Tensor) -> Tensor:
        for conv in (self.conv1, self.conv2):
            x = nn.functional.max_pool2d(torch.relu(conv(x)), 2)
        out: Tensor = self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x.flatten(1))))))
        return out


@pytest.mark.parametrize("ordered", [True, False])
def test_homework_has_equal_scores(ordered: bool) -> None:
    assert vgg(check_scores(Homework(), 32, ordered=ordered).spec).cfg == vgg(PRESETS["cnn-cifar10"].spec).cfg


class Unpadded(nn.Module):
    """PyTorch's example for MNIST: two convolutions without padding, and one pool."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 6, 3)
        self.fc1, self.fc2 = nn.Linear(6 * 12**2, 16), nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.max_pool2d(torch.relu(self.conv2(torch.relu(self.conv1(x)))), 2)
        out: Tensor = self.fc2(torch.relu(self.fc1(x.flatten(1))))
        return out


def test_padding_and_pools_follow_from_a_usual_image_size() -> None:
    spec = vgg(check_scores(Unpadded(), 28, 1).spec)
    assert (spec.cfg, spec.image_size) == (("4:3p0", "6:3p0", "M"), 28)


class LeNet(nn.Module):
    """As in many courses: only the first convolution pads, so that digits of 28 pixels give the map of the paper."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2 = nn.Linear(400, 120), nn.Linear(120, 10)

    def forward(self, x: Tensor) -> Tensor:
        for convolution in (self.conv1, self.conv2):
            x = nn.functional.max_pool2d(torch.relu(convolution(x)), 2)
        out: Tensor = self.fc2(torch.relu(self.fc1(x.flatten(1))))
        return out


def test_only_the_first_layer_may_be_padded_for_digits_of_28_pixels() -> None:
    found = recognise(shapes_of(LeNet().state_dict()), ordered=True, image_size=28)[0]
    assert vgg(found.spec).cfg == ("6:5", "M", "16:5p0", "M")


def test_images_of_64_pixels_are_likelier_than_a_missing_last_pool() -> None:
    pooled = [nn.ReLU(), nn.MaxPool2d(2)]
    layers = [nn.Conv2d(3, 4, 3, 1, 1), *pooled, nn.Conv2d(4, 6, 3, 1, 1), *pooled]
    found = check_scores(nn.Sequential(*layers, nn.Flatten(), nn.Linear(6 * 16**2, 5)), 64)
    assert (vgg(found.spec).cfg, found.spec.image_size) == ((4, "M", 6, "M"), 64)


def test_kernels_of_11_stride_by_4() -> None:
    """AlexNet as it is trained on CIFAR-10."""
    pooled = [nn.ReLU(), nn.MaxPool2d(2)]
    layers = [nn.Conv2d(3, 4, 11, 4, 5), *pooled, nn.Conv2d(4, 6, 5, 1, 2), *pooled, nn.Conv2d(6, 8, 3, 1, 1), *pooled]
    found = check_scores(nn.Sequential(*layers, nn.Flatten(), nn.Linear(8, 10)), 32)
    assert (vgg(found.spec).cfg, found.spec.image_size) == (("4:11/4", "M", "6:5", "M", 8, "M"), 32)


class Strided(nn.Sequential):
    """Strided convolutions without pools."""

    def __init__(self) -> None:
        layers = [nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 6, 3, 2, 1), nn.ReLU()]
        super().__init__(*layers, nn.Flatten(), nn.Linear(6 * 8**2, 5))


def test_convolutions_stride_where_numbers_leave_no_room_for_pools() -> None:
    found = check_scores(Strided(), 32)
    assert (vgg(found.spec).cfg, vgg(found.spec).pool_to) == (("4:3/2", "6:3/2"), None)
    assert "cfg" in {question.key for question in found.questions}


@pytest.mark.parametrize("pool", [nn.MaxPool2d, nn.AvgPool2d])
def test_the_kind_of_pools_is_asked(pool: Callable[[int], nn.Module]) -> None:
    layers = [nn.Conv2d(3, 4, 3, 1, 1), nn.ReLU(), pool(2), nn.Conv2d(4, 6, 3, 1, 1), nn.ReLU(), pool(2)]
    letter = "M" if pool is nn.MaxPool2d else "A"
    answer: dict[str, Any] = {} if letter == "M" else {"cfg": [4, "A", 6, "A"]}
    found = check_scores(nn.Sequential(*layers, nn.Flatten(), nn.Linear(6 * 8**2, 5)), 32, **answer)
    assert vgg(found.spec).cfg == (4, letter, 6, letter)
    assert "cfg" in {question.key for question in found.questions}


def test_small_images_and_plausible_pools_come_before_a_pool_behind_every_convolution() -> None:
    cfg = (8, 8, "M", 16, 16, "M", 32, 32, "M", 64, "M", 64, "M")
    spec = VggSpec(cfg=cfg, pool_to=None, classifier=(), dropout=0.0, image_size=32, num_classes=10)
    assert recognised(spec, "flat").spec == spec


def test_a_chain_with_names_of_shortcuts_is_not_recognised() -> None:
    layers = {
        "conv1": nn.Conv2d(3, 8, 3),
        "res1": nn.Conv2d(8, 8, 3),
        "conv2": nn.Conv2d(8, 16, 3),
        "fc": nn.Linear(16, 5),
    }
    assert recognise(shapes_of(nn.ModuleDict(layers).state_dict()), ordered=True) == []
    layers["more"] = layers.pop("res1")
    assert recognise(shapes_of(nn.ModuleDict(layers).state_dict()), ordered=False)


class Blocks(nn.Module):
    """Convolution, batch norm and ReLU in a block of its own, blocks and pools numbered in one list."""

    def __init__(self) -> None:
        super().__init__()

        def unit(before: int, after: int) -> nn.Sequential:
            unit = nn.Sequential()
            unit.add_module("conv", nn.Conv2d(before, after, 3, 1, 1, bias=False))
            unit.add_module("norm", nn.BatchNorm2d(after))
            unit.add_module("act", nn.ReLU())
            return unit

        pool = nn.MaxPool2d(2)
        self.tail = nn.Linear(24, 6)
        self.body = nn.Sequential(unit(1, 8), unit(8, 8), pool, unit(8, 16), pool, unit(16, 16), unit(16, 24), pool)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.tail(self.body(x).mean((2, 3)))
        return out


@pytest.mark.parametrize("ordered", [True, False])
def test_numbered_blocks_leave_gaps_for_pools(ordered: bool) -> None:
    spec = check_scores(Blocks(), 28, 1, ordered=ordered, cfg=[8, 8, "M", 16, "M", 16, 24, "M"]).spec
    assert vgg(spec).pool_to == 1
    found = recognise(shapes_of(Blocks().state_dict()), ordered=ordered)[0]
    assert [entry for entry in vgg(found.spec).cfg if entry != "M"] == [8, 8, 16, 16, 24]
    assert vgg(found.spec).cfg[:5] == (8, 8, "M", 16, "M")  # nothing shows whether a pool follows the last convolution


class Perceptron(nn.Module):
    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(pixels, 30), nn.Linear(30, 30), nn.Linear(30, 10, bias=False)])

    def forward(self, x: Tensor) -> Tensor:
        first, second, last = self.layers
        out: Tensor = last(torch.relu(second(torch.relu(first(x.flatten(1))))))
        return out


@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 32), (1, 8), (3, 224)])
def test_a_perceptron_reads_square_images(channels: int, size: int) -> None:
    spec = vgg(check_scores(Perceptron(channels * size**2), size, channels).spec)
    assert (spec.cfg, spec.in_channels, spec.image_size, spec.classifier) == ((), channels, size, (30, 30))


class Sliding(nn.Module):
    """A head of convolutions, as at test time in the paper."""

    def __init__(self) -> None:
        super().__init__()
        self.f = nn.Sequential(
            nn.Conv2d(3, 8, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, 1, 1), nn.ReLU()
        )
        self.g = nn.Sequential(nn.Conv2d(8, 12, 7), nn.ReLU(), nn.Conv2d(12, 5, 1))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.g(self.f(x)).mean((2, 3))
        return out


def test_a_sliding_head_is_found() -> None:
    spec = vgg(check_scores(Sliding(), 16, cfg=[8, "M", 8], image_size=16).spec)
    assert (spec.head, spec.classifier, spec.pool_to) == ("conv", (12,), 7)


@pytest.mark.parametrize(("pools", "side", "size"), [(3, 4, 32), (5, 7, 224)])
def test_dense_layers_as_convolutions_before_a_linear_one_read_the_whole_map(pools: int, side: int, size: int) -> None:
    layers: list[nn.Module] = []
    for group in range(pools):
        layers += [nn.Conv2d(8 if group else 3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    dense = [nn.Conv2d(8, 16, side), nn.ReLU(), nn.Conv2d(16, 16, 1), nn.ReLU()]
    network = nn.Sequential(nn.Sequential(*layers), nn.Sequential(*dense), nn.Flatten(), nn.Linear(16, 5))
    spec = vgg(check_scores(network, size).spec)
    assert spec.cfg == (*[8, "M"] * pools, f"16:{side}p0", "16:1")
    assert spec.image_size == size


@st.composite
def specs(draw: st.DrawFn) -> VggSpec:
    cfg: list[int | str] = []
    for _group in range(draw(st.integers(1, 4))):
        cfg += draw(st.lists(st.sampled_from([6, 8, 12, 16, "8:1", "12:5"]), min_size=1, max_size=3))
        cfg.append("M")
    return VggSpec(
        cfg=tuple(cfg[: draw(st.integers(len(cfg) - 1, len(cfg)))]),
        batch_norm=draw(st.booleans()),
        pool_to=draw(st.sampled_from([None, 1, 2])),
        classifier=tuple(draw(st.lists(st.sampled_from([20, 30]), max_size=2))),
        dropout=0.0,
        in_channels=draw(st.sampled_from([1, 3])),
        num_classes=7,
        image_size=draw(st.sampled_from([28, 32, 64])),
    )


@settings(max_examples=80, deadline=None)
@given(specs(), st.sampled_from(["own", "sorted", "flat"]))
def test_any_network_of_the_family_is_recognised_except_for_open_questions(spec: VggSpec, how: str) -> None:
    found = recognised(spec, how)
    asked = {question.key for question in found.questions}
    assert differences(spec, found) <= {"pool_to", "image_size", "cfg"}
    assert "cfg" in asked or "M" not in spec.cfg[:-1] or how != "flat"
    answered = found.changed(cfg=list(spec.cfg), pool_to=spec.pool_to, image_size=spec.image_size, dropout=0.0)
    assert answered.spec.changed(dropout_position="after") == spec
    assert list(answered.names) == list(our_shapes(spec))
    if how != "flat":  # numbers show every pool between two convolutions
        assert pools_inside(vgg(found.spec)) == pools_inside(spec) or "cfg" in asked


def pools_inside(spec: VggSpec) -> list[int]:
    convolutions, places = 0, []
    for entry in spec.cfg:
        places += [convolutions] if entry == "M" else []
        convolutions += entry != "M"
    return [place for place in places if place < convolutions]


def test_a_known_image_size_decides_the_pools() -> None:
    shapes = our_shapes(VggSpec(cfg=(8, 16), pool_to=8, classifier=(), image_size=32, num_classes=4))
    small, large = (recognise(shapes, ordered=True, image_size=size)[0].spec for size in (8, 32))
    assert (small.image_size, large.image_size) == (8, 32)


@pytest.mark.parametrize("fault", ["grouped", "rectangular", "features", "order"])
def test_networks_that_no_spec_describes_are_not_recognised(fault: str) -> None:
    shapes = our_shapes(PRESETS["vgg11-bn-cifar10"].spec)
    if fault == "grouped":
        shapes["features.4.weight"] = (128, 32, 3, 3)
    elif fault == "rectangular":
        shapes["features.4.weight"] = (128, 64, 3, 1)
    elif fault == "features":
        shapes["classifier.0.weight"] = (10, 700)
    else:
        shapes["features.8.weight"] = (256, 64, 3, 3)
    assert recognise(shapes, ordered=True) == []


def test_answers_are_checked() -> None:
    found = recognise(our_shapes(PRESETS["vgg11"].spec), ordered=True)[0]
    with pytest.raises(SpecError, match="pool_to"):
        found.changed(pool_to=0)


def test_a_network_of_ours_is_recognised_with_equal_scores() -> None:
    spec = PRESETS["mnist-cnn"].spec
    assert check_scores(build(spec), 28, 1).spec == spec
