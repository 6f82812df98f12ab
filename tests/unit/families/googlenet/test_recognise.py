"""GoogLeNets are recognised by their tensors; auxiliary heads are left out."""

from collections.abc import Mapping, Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from explorer.families import PRESETS
from explorer.families.building import build
from explorer.families.googlenet.spec import GoogLeNetSpec, Module
from explorer.families.recognition.guess import our_shapes
from explorer.families.recognition.search import recognise
from explorer.weights.importing.choosing import fit_guesses
from tests.helpers.call_counts import run_within
from tests.helpers.foreign_networks import (
    check_scores,
    differences,
    flat_names,
    recognised,
    shapes_of,
    trained,
    tree_names,
)
from tests.helpers.narrow import googlenet

pytestmark = pytest.mark.exhaustive

OURS = [name for name, preset in PRESETS.items() if isinstance(preset.spec, GoogLeNetSpec)]


@pytest.mark.parametrize("how", ["own", "sorted", "flat", "tree"])
@pytest.mark.parametrize("name", OURS)
def test_presets_are_found_again(name: str, how: str) -> None:
    spec = PRESETS[name].spec
    assert differences(spec, recognised(spec, how)) == set()


@pytest.mark.parametrize("how", ["own", "sorted", "flat", "tree"])
def test_auxiliary_heads_are_left_out_and_named(how: str) -> None:
    for name in ("googlenet", "googlenet-torchvision"):
        shapes = shapes_of(build(PRESETS[name].spec, "meta").state_dict())
        rename = {"flat": flat_names, "tree": tree_names}.get(how)
        names = rename(list(shapes)) if rename else {each: each for each in shapes}
        theirs = {names[each]: shape for each, shape in shapes.items()}
        theirs = dict(sorted(theirs.items())) if how == "sorted" else theirs
        found = recognise(theirs, ordered=how != "sorted")[0]
        heads = {names[each] for each in shapes if each.startswith("aux")}
        assert set(found.ignored) == heads
        assert heads.isdisjoint(found.names.values())
        assert found.names == {each: names[each] for each in shapes if not each.startswith("aux")}
        assert googlenet(found.spec).aux_after == ()
        assert any(str(len(heads)) in note for note in found.notes)


def test_torchvisions_names_are_ours() -> None:
    from torchvision.models import googlenet

    with torch.device("meta"):
        shapes = shapes_of(googlenet(init_weights=False, aux_logits=True).state_dict())
    found = recognise(shapes, ordered=True)[0]
    assert found.spec == PRESETS["googlenet-torchvision"].spec.changed(aux_after=[], aux_pool="average")
    assert found.names == {name: name for name in shapes if not name.startswith("aux")}


class Unit(nn.Module):
    """Convolution and ReLU as in the notes with a flower classifier, with optional batch norm between."""

    def __init__(self, before: int, after: int, kernel: int, stride: int = 1, *, epsilon: float | None = None) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, stride, kernel // 2)
        self.bn = nn.BatchNorm2d(after, eps=epsilon) if epsilon else None

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return torch.relu(x if self.bn is None else self.bn(x))


class Inception(nn.Module):
    """Branches, which may be registered from the last to the first; concatenated in the order of the paper."""

    def __init__(self, before: int, row: Module, *, epsilon: float | None, backwards: bool) -> None:
        super().__init__()

        def unit(i: int, o: int, k: int) -> Unit:
            return Unit(i, o, k, epsilon=epsilon)

        branches = {
            "branch1": unit(before, row.ch1x1, 1),
            "branch2": nn.Sequential(unit(before, row.ch3x3red, 1), unit(row.ch3x3red, row.ch3x3, 3)),
            "branch3": nn.Sequential(unit(before, row.ch5x5red, 1), unit(row.ch5x5red, row.ch5x5, 5)),
            "branch_pool": nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), unit(before, row.pool_proj, 1)),
        }
        self.order = list(branches)
        for name in reversed(self.order) if backwards else self.order:
            self.add_module(name, branches[name])

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([getattr(self, name)(x) for name in self.order], 1)


class Notes(nn.Module):
    """The network of the notes with another table and an auxiliary head registered between the modules."""

    ROWS = (Module("3a", 8, 8, 8, 8, 8, 8), Module("3b", 8, 6, 16, 4, 8, 4), Module("4a", 8, 8, 12, 4, 8, 8))

    def __init__(self, *, epsilon: float | None = None, backwards: bool = False) -> None:
        super().__init__()
        self.conv1 = Unit(3, 64, 7, 2, epsilon=epsilon)
        self.conv2, self.conv3 = Unit(64, 64, 1, epsilon=epsilon), Unit(64, 192, 3, epsilon=epsilon)
        channels = 192
        for row in self.ROWS:
            self.add_module(f"inception{row.name}", Inception(channels, row, epsilon=epsilon, backwards=backwards))
            channels = row.ch1x1 + row.ch3x3 + row.ch5x5 + row.pool_proj
            if row.name == "3b":
                self.aux1 = nn.Module()
                self.aux1.conv = Unit(channels, 128, 1, epsilon=epsilon)
                self.aux1.fc1, self.aux1.fc2 = nn.Linear(2048, channels), nn.Linear(channels, 5)
        self.fc = nn.Linear(channels, 5)

    def forward(self, x: Tensor) -> Tensor:
        pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        x = pool(self.conv3(self.conv2(pool(self.conv1(x)))))
        for row in self.ROWS:
            x = getattr(self, f"inception{row.name}")(x)
            x = pool(x) if row.name == "3b" else x
        out: Tensor = self.fc(x.mean((2, 3)))
        return out


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("backwards", [True, False])
def test_the_network_of_the_notes_has_equal_scores(backwards: bool, ordered: bool) -> None:
    found = check_scores(Notes(backwards=backwards), 64, ordered=ordered)
    spec = googlenet(found.spec)
    assert spec.modules == Notes.ROWS
    assert (spec.pool_after, spec.last_pool, spec.batch_norm) == (("3b",), 3, False)
    assert set(found.ignored) == {
        f"aux1.{t}.{leaf}" for t in ("conv.conv", "fc1", "fc2") for leaf in ("weight", "bias")
    }


def test_a_bias_before_batch_norm_goes_into_its_mean() -> None:
    found = check_scores(Notes(epsilon=1e-5), 64)  # PyTorch's, as torchvision's has no bias there
    assert googlenet(found.spec).batch_norm
    assert found.questions[-1].likely == 1e-5


def test_layers_numbered_in_a_sequence_have_pytorchs_epsilon() -> None:
    spec = PRESETS["googlenet-bn-cifar10"].spec
    for leaves, epsilon in ((("conv", "bn"), 1e-3), (("0", "1"), 1e-5)):
        pairs = zip(("conv.", "bn."), leaves, strict=True)
        names = {name: name for name in our_shapes(spec)}
        for own, their in pairs:
            names = {name: now.replace(f".{own}", f".{their}.") for name, now in names.items()}
        found = recognise({names[name]: shape for name, shape in our_shapes(spec).items()}, ordered=True)[0]
        assert found.adaptations == {"epsilon": epsilon}


def test_another_epsilon_goes_into_the_scale() -> None:
    network = Notes(epsilon=1e-5)
    with torch.no_grad():
        for name, buffer in trained(network).named_buffers():
            if name.endswith("running_var"):
                buffer.mul_(0.01)  # small enough for an epsilon to count
    with pytest.raises(AssertionError, match="not close"):
        check_scores(Notes(epsilon=1e-2), 64)
    check_scores(network, 64, epsilon=1e-5)


def test_names_show_the_reduction_among_equal_convolutions() -> None:
    """The names of the paper's own network sort the wide convolutions first."""
    spec = GoogLeNetSpec(modules=(Module("a", 8, 8, 16, 6, 8, 4),), pool_after=(), aux_after=(), stem="cifar")
    theirs = {
        "branch1": "conv_1x1", "branch2.0": "reduce_3x3", "branch2.1": "conv3x3",
        "branch3.0": "reduce_5x5", "branch3.1": "conv5x5", "branch4.1": "pool_proj",
    }  # fmt: skip
    names = {name: name for name in our_shapes(spec)}
    for own, their in theirs.items():
        names = {name: now.replace(f"{own}.conv.", f"{their}.") for name, now in names.items()}
    shapes = {names[name]: shape for name, shape in our_shapes(spec).items()}
    found = recognise(dict(sorted(shapes.items())), ordered=False)[0]
    assert list(found.names.values()) == list(names.values())


def test_rows_of_equal_widths_keep_reductions_and_branches_apart() -> None:
    spec = GoogLeNetSpec(modules=(Module("a", 8, 8, 8, 8, 8, 8),) * 1, pool_after=(), aux_after=(), stem="cifar")
    for how in ("own", "sorted", "flat", "tree"):
        recognised(spec, how)


rows = st.lists(st.tuples(*[st.sampled_from([4, 6, 8])] * 6), min_size=1, max_size=5)


@settings(max_examples=50, deadline=None)
@given(rows, st.booleans(), st.sampled_from(["imagenet", "cifar"]), st.booleans(), st.sampled_from([3, 5]), st.data())
def test_any_table_is_found_up_to_its_pools(
    table: list[tuple[int, ...]], reduce: bool, stem: str, batch_norm: bool, kernel: int, data: st.DataObject
) -> None:
    modules = [Module(f"{number}a", *row) for number, row in enumerate(table, 3)]
    spec = GoogLeNetSpec.parse(
        {
            "modules": [list(row) for row in modules],
            "pool_after": data.draw(st.sampled_from([[], ["3a"]])),
            "aux_after": [],
            "stem": stem,
            "batch_norm": batch_norm,
            "branch5x5": kernel,
            "reduce": reduce,
            "num_classes": 4,
            "image_size": 64,
        }
    )
    found = recognised(spec, data.draw(st.sampled_from(["own", "sorted", "flat"])))
    left = differences(spec, found) - {question.key for question in found.questions}
    assert left <= {"modules"}
    used = (1, 2, 3, 4, 5, 6) if reduce else (1, 3, 5)
    assert [[row[place] for place in used] for row in googlenet(found.spec).modules] == [
        [row[place] for place in used] for row in modules
    ]


def test_two_convolutions_in_place_of_the_5x5_are_not_recognised() -> None:
    shapes = our_shapes(PRESETS["googlenet-bn-cifar10"].spec)
    shapes["inception3a.branch3.2.conv.weight"] = (32, 32, 3, 3)
    assert recognise(shapes, ordered=True) == []


def test_the_search_for_the_stem_is_limited() -> None:
    shapes: dict[str, tuple[int, ...]] = {}
    for number in range(600):
        shapes |= {f"a{number}.weight": (64, 3, 7, 7), f"b{number}.weight": (64, 64, 1, 1)}
        shapes |= {f"c{number}.weight": (192, 64, 3, 3)}
    shapes["d.weight"] = (10, 192)
    assert run_within(10_000_000, lambda: recognise(shapes, ordered=True)) == []


def test_an_ambiguous_pool_branch_is_noted() -> None:
    rows = (Module("3a", 64, 96, 128, 16, 32, 24), Module("3b", 32, 8, 16, 8, 16, 24))
    spec = GoogLeNetSpec(modules=rows, pool_after=(), aux_after=(), stem="cifar", batch_norm=True, image_size=32)
    for wanted, noted in ((spec, True), (PRESETS["googlenet-torchvision"].spec, False)):
        notes = recognised(wanted, "flat").notes
        assert any("two single 1x1 convolutions" in note for note in notes) == noted


ROWS = (Module("3a", 16, 16, 24, 4, 8, 8), Module("3b", 24, 20, 32, 6, 12, 12), Module("4a", 32, 16, 40, 4, 10, 16))


def shapes_with_names(
    spec: GoogLeNetSpec, order: Sequence[str], renamed: Mapping[str, str]
) -> dict[str, tuple[int, ...]]:
    """Shapes of a network with other names and another order of the branches in each module."""
    shapes = our_shapes(spec)
    branches = [f"branch{number}" for number in order]

    def place(name: str) -> tuple[int, str, int]:
        module, branch, *_rest = name.split(".")
        inside = module.startswith("inception")
        stage = 0 if name.startswith("conv") else 2 if module == "fc" else 1
        return stage, module if inside else "", branches.index(branch) if inside else 0

    ordered = sorted(shapes, key=place)
    for name in list(ordered):
        theirs = ".".join(renamed.get(part, part) for part in name.split("."))
        shapes[theirs] = shapes.pop(name)
    return shapes


@pytest.mark.parametrize(
    ("kernel", "order", "renamed"),
    [
        (3, "4312", {"branch1": "one", "branch2": "three", "branch3": "five", "branch4": "pool"}),
        (5, "4321", {}),  # b4 … b1: numbered backwards
        (3, "4321", {}),
    ],
)
def test_names_distinguish_branches_of_equal_shapes(kernel: int, order: str, renamed: dict[str, str]) -> None:
    spec = GoogLeNetSpec(modules=ROWS, pool_after=("3b",), aux_after=(), stem="cifar", batch_norm=True, image_size=32)
    spec = spec.changed(branch5x5=kernel)
    (found, *others) = recognise(shapes_with_names(spec, order, renamed), ordered=True)
    assert found.spec.to_dict()["modules"] == [list(row) for row in ROWS]
    assert not others
    assert not any("doesn't show" in note for note in found.notes)


def test_ambiguous_branches_give_several_guesses() -> None:
    renamed = {"branch1": "d", "branch2": "c", "branch3": "b", "branch4": "a"}
    spec = GoogLeNetSpec(modules=ROWS, pool_after=("3b",), aux_after=(), stem="cifar", branch5x5=3, image_size=32)
    guesses = recognise(shapes_with_names(spec, "4321", renamed), ordered=True)
    assert len(guesses) == 4
    assert guesses[0].spec.to_dict()["modules"] != [list(row) for row in ROWS]
    assert sum("doesn't show" in note for note in guesses[0].notes) == 2
    assert list(fit_guesses(guesses, spec))


def test_gaps_in_the_numbers_of_modules_are_pools() -> None:
    spec = GoogLeNetSpec(modules=ROWS, pool_after=("3b",), aux_after=(), stem="cifar", image_size=32)
    renamed = {"inception3a": "body.0", "inception3b": "body.1", "inception4a": "body.3"}
    (found, *_others) = recognise(shapes_with_names(spec, "1234", renamed), ordered=True)
    assert found.spec.to_dict()["pool_after"] == ["1"]
