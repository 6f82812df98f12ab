"""ResNets are recognised by their tensors, with any names."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import pad

from explorer.errors import SpecError
from explorer.families import PRESETS
from explorer.families.building import build
from explorer.families.recognition.guess import Guess, Misfit, our_shapes
from explorer.families.recognition.search import recognise
from explorer.families.resnet.spec import ResNetSpec
from tests.helpers.foreign_networks import R1, Groups, check_scores, differences, flat_names, recognised, shapes_of
from tests.helpers.narrow import resnet

pytestmark = pytest.mark.exhaustive

# Deeper networks, which differ only in counts and take longest to build.
DEEPER = {"resnet56", "resnet110", "plain44", "plain56", "plain110", "cifar-resnet101", "cifar-resnet152", "resnet152"}
CASES = [
    (name, how)
    for name, preset in PRESETS.items()
    if isinstance(preset.spec, ResNetSpec)
    for how in (("flat",) if name in DEEPER else ("own", "sorted", "flat", "tree"))
]
# Plain networks and option A have the same shapes, and no shape shows which convolution strides.
OPEN = {"residual", "stride_on", "blocks"}


@pytest.mark.parametrize(("name", "how"), CASES)
def test_presets_are_found_again(name: str, how: str) -> None:
    spec = resnet(PRESETS[name].spec)
    found = recognised(spec, how)
    assert differences(spec, found) <= OPEN & {question.key for question in found.questions} | (
        set() if spec.residual else {"shortcut"}
    )


@st.composite
def specs(draw: st.DrawFn) -> ResNetSpec:
    stages = draw(st.integers(1, 4))
    residual = draw(st.booleans())
    widths = sorted(draw(st.lists(st.sampled_from([8, 12, 16, 24]), min_size=stages, max_size=stages)))
    return ResNetSpec(
        blocks=tuple(draw(st.lists(st.integers(2, 3), min_size=stages, max_size=stages))),
        widths=tuple(widths),
        block=draw(st.sampled_from(["basic", "bottleneck"])),
        stem=draw(st.sampled_from(["imagenet", "cifar"])),
        shortcut=draw(st.sampled_from("ABC")) if residual else "A",
        residual=residual,
        batch_norm=draw(st.booleans()),
        in_channels=draw(st.sampled_from([1, 3])),
        num_classes=draw(st.sampled_from([5, 10])),
        image_size=32,
    )


@settings(max_examples=60, deadline=None)
@given(specs(), st.sampled_from(["own", "sorted", "flat"]))
def test_any_network_of_the_family_is_among_the_guesses(spec: ResNetSpec, how: str) -> None:
    found = next(guess for guess in guesses_of(our_shapes(spec), how) if isinstance(guess.spec, ResNetSpec))
    asked = {question.key for question in found.questions}
    open_settings = {"image_size", *(asked & OPEN), *({"widths"} if "blocks" in asked else ())}
    # In one stage without projections, options A and B are equal; a plain network has no shortcuts.
    if not any(name.endswith("downsample.0.weight") for name in our_shapes(spec)):
        open_settings |= {"shortcut", "residual"}
    assert differences(spec, found) <= open_settings
    answered = found.changed(**{key: spec.to_dict()[key] for key in open_settings})
    assert answered.spec == spec
    assert list(answered.names) == list(our_shapes(spec))


def test_blocks_of_one_width_are_asked_for_and_the_answer_gives_the_stages() -> None:
    spec = ResNetSpec(blocks=(3, 2, 1), widths=(8, 8, 8), stem="imagenet", shortcut="A", image_size=32, num_classes=5)
    found = guesses_of(our_shapes(spec), "flat")[0]
    assert isinstance(found.spec, ResNetSpec)
    assert found.spec.blocks == (6,)
    assert "blocks" in {question.key for question in found.questions}
    assert found.changed(blocks=[3, 2, 1], image_size=32).spec == spec
    for wrong in ([3, 2], [0, 6], ["3", "3"], "33", [6.0]):
        with pytest.raises((SpecError, Misfit)):
            found.changed(blocks=wrong)


def guesses_of(shapes: dict[str, tuple[int, ...]], how: str) -> list[Guess]:
    if how == "flat":
        names = flat_names(list(shapes))
        shapes = {names[name]: shape for name, shape in shapes.items()}
    return recognise(dict(sorted(shapes.items())) if how == "sorted" else shapes, ordered=how != "sorted")


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("bottleneck", [False, True])
def test_networks_of_the_notes_have_equal_scores(bottleneck: bool, bias: bool, ordered: bool) -> None:
    found = check_scores(R1(bottleneck=bottleneck, bias=bias), 16, ordered=ordered)
    spec = resnet(found.spec)
    assert (spec.blocks, spec.widths, spec.shortcut, spec.stem) == ((2, 2, 2), (8, 16, 16), "B", "cifar")


@pytest.mark.parametrize("make", [partial(R1, bottleneck=False), partial(Groups, bias=False)])
def test_another_epsilon_of_any_family_goes_into_the_scale(make: Callable[[], nn.Module]) -> None:
    network = make()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-2
    found = check_scores(network, 32, epsilon=1e-2)
    assert "epsilon" in {question.key for question in found.questions}
    with pytest.raises(AssertionError, match="not close"):
        check_scores(network, 32)
    for value in (0, "small", True, 2.0):
        with pytest.raises(SpecError, match=r"epsilon: .* is not a number between 0 and 1"):
            found.changed(epsilon=value)


class Early(nn.Module):
    """A bottleneck that registers its projection first, its convolutions next and its batch norms last."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.a = nn.Conv2d(before, width * 4, 1, stride, bias=False) if stride > 1 or before != width * 4 else None
        self.b = nn.Conv2d(before, width, 1, bias=False)
        self.c = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.d = nn.Conv2d(width, width * 4, 1, bias=False)
        self.e = nn.BatchNorm2d(width * 4) if self.a else None
        self.f, self.g, self.h = nn.BatchNorm2d(width), nn.BatchNorm2d(width), nn.BatchNorm2d(width * 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.h(self.d(torch.relu(self.g(self.c(torch.relu(self.f(self.b(x))))))))
        return torch.relu(y + (self.e(self.a(x)) if self.a and self.e else x))


class Odd(nn.Module):
    """The head registered first, the stem's batch norm after all blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(64, 5)
        self.first = nn.Conv2d(3, 8, 7, 2, 3, bias=False)
        self.body = nn.ModuleList([Early(8, 8, 1), Early(32, 8, 1), Early(32, 16, 2), Early(64, 16, 1)])
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.max_pool2d(torch.relu(self.norm(self.first(x))), 3, 2, 1)
        for block in self.body:
            x = block(x)
        out: Tensor = self.out(x.mean((2, 3)))
        return out


@pytest.mark.parametrize("ordered", [True, False])
def test_a_projection_before_the_branch_is_distinguished_from_its_last_convolution(ordered: bool) -> None:
    spec = resnet(check_scores(Odd(), 32, ordered=ordered).spec)
    assert (spec.blocks, spec.widths, spec.block, spec.stem) == ((2, 2), (8, 16), "bottleneck", "imagenet")


class OptionA(nn.Module):
    """The CIFAR networks of the paper: zeros for new channels, and no projection."""

    def __init__(self, *, both: bool) -> None:
        super().__init__()
        self.both = both
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4)
        self.blocks = nn.ModuleList()
        for before, after in ((4, 4), (4, 8), (8, 8), (8, 18), (18, 18)):
            block = nn.Module()
            block.conv1 = nn.Conv2d(before, after, 3, 1 if before == after else 2, 1, bias=False)
            block.bn1 = nn.BatchNorm2d(after)
            block.conv2, block.bn2 = nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after)
            self.blocks.append(block)
        self.linear = nn.Linear(18, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        for block in self.blocks:
            conv1, bn1, conv2, bn2 = block.children()
            y = bn2(conv2(torch.relu(bn1(conv1(x)))))
            if new := y.shape[1] - x.shape[1]:
                front = new // 2 if self.both else 0
                x = pad(x[:, :, ::2, ::2], (0, 0, 0, 0, front, new - front))
            x = torch.relu(y + x)
        out: Tensor = self.linear(x.mean((2, 3)))
        return out


@pytest.mark.parametrize(("both", "padding"), [(False, "behind"), (True, "both sides")])
def test_identity_shortcuts_are_found_and_asked_about(both: bool, padding: str) -> None:
    network = OptionA(both=both)
    found = check_scores(network, 16, padding=padding)
    spec = resnet(found.spec)
    assert (spec.shortcut, spec.residual, spec.blocks) == ("A", True, (1, 2, 2))
    asked = {question.key: question for question in found.questions}
    assert asked["residual"].choices == (True, False)
    assert asked["padding"].likely == "behind"


def test_counters_that_old_files_lack_are_filled_in() -> None:
    shapes = {n: s for n, s in our_shapes(PRESETS["resnet20"].spec).items() if "num_batches" not in n}
    found = recognise(shapes, ordered=True)[0]
    assert found.spec == PRESETS["resnet20"].spec
    assert found.names == {name: name for name in shapes}


def test_torchvisions_names_are_ours() -> None:
    from torchvision.models import resnet18, resnet50

    for name, make in (("resnet18", resnet18), ("resnet50", resnet50)):
        with torch.device("meta"):
            shapes = shapes_of(make().state_dict())
        found = recognise(shapes, ordered=True)[0]
        assert found.spec == PRESETS[name].spec
        assert found.names == {name: name for name in shapes}


def test_the_stem_is_found_where_a_file_sorts_it_last() -> None:
    spec = PRESETS["resnet20"].spec
    shapes = {
        n.replace("conv1.", "stem.", 1) if n.startswith("conv1") else f"a.{n}": s for n, s in our_shapes(spec).items()
    }
    assert recognise(dict(sorted(shapes.items())), ordered=False)[0].spec == spec


def test_tensorflows_names_of_batch_norms_are_recognised() -> None:
    shapes = our_shapes(PRESETS["resnet18"].spec)
    words = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    names = {name: name for name in shapes}
    for name in shapes:
        module, _dot, leaf = name.rpartition(".")
        if f"{module}.running_mean" in shapes and leaf in words:
            names[name] = f"{module}.{words[leaf]}"
    found = recognise({names[name]: shape for name, shape in shapes.items()}, ordered=True)[0]
    assert found.spec == PRESETS["resnet18"].spec
    assert found.names == names


def test_a_preactivation_network_is_not_recognised() -> None:
    class Block(nn.Module):
        def __init__(self, before: int, after: int) -> None:
            super().__init__()
            self.bn1, self.conv1 = nn.BatchNorm2d(before), nn.Conv2d(before, after, 3, bias=False)
            self.bn2, self.conv2 = nn.BatchNorm2d(after), nn.Conv2d(after, after, 3, bias=False)
            if before != after:
                self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, bias=False))

    network = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), Block(8, 8), Block(8, 16), nn.Linear(16, 10))
    assert recognise(shapes_of(network.state_dict()), ordered=True) == []


def test_incomplete_networks_are_not_recognised() -> None:
    shapes = our_shapes(PRESETS["resnet18"].spec)
    for left_out in ("layer4", "fc", "conv1", "layer2.0.downsample", "layer3.1.bn2"):
        remaining = {name: shape for name, shape in shapes.items() if not name.startswith(left_out)}
        assert recognise(remaining, ordered=True) == [], left_out


def test_a_network_of_ours_is_recognised_with_equal_scores() -> None:
    spec = ResNetSpec(blocks=(1, 1), widths=(4, 8), stem="cifar", image_size=16, num_classes=3)
    found = check_scores(build(spec), 16)
    assert differences(spec, found) <= {"image_size"}
