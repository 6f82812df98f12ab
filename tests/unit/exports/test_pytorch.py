"""Exported source: the same network, only torch imported, and well written."""

import ast
import builtins
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from explorer.errors import SpecError
from explorer.exports.pytorch import source
from explorer.families import FAMILIES, PRESETS, Spec, parse_spec, resolve
from explorer.families.building import build
from explorer.families.googlenet.spec import GoogLeNetSpec
from explorer.families.registry import parts
from explorer.families.resnet.spec import ResNetSpec
from explorer.families.torchvision.names import names
from explorer.families.torchvision.source import twins
from explorer.families.torchvision.spec import ZooSpec
from tests.helpers.narrow import vgg
from tests.helpers.specs import narrow, parse_or_none, raw_googlenet, raw_resnet, raw_vgg
from tests.helpers.weights import random_weights
from tests.tiers import mostly_exhaustive

RUFF = str(Path(sys.executable).with_name("ruff"))
# Modules that hold or move data; ours and a person's differ in them, and they compute nothing.
PLUMBING = {"Module", "Sequential", "Identity", "Flatten", "functional", "Add", "Concat", "PadShortcut"}
CUSTOM = {"VGG", "ResNet", "Block", "GoogLeNet", "Inception", "BasicConv2d", "AuxHead"}


def only_torch(name: str, *rest: Any) -> Any:
    assert name.split(".")[0] == "torch", f"the source imports {name}"
    return builtins.__import__(name, *rest)


def loaded(text: str) -> dict[str, Any]:
    """The names that the source defines, where nothing but torch can be imported."""
    namespace: dict[str, Any] = {"__name__": "net", "__builtins__": {**vars(builtins), "__import__": only_torch}}
    exec(compile(text, "net.py", "exec"), namespace)  # noqa: S102
    return namespace


def on_meta(text: str) -> nn.Module:
    """The source's network without memory for its weights."""
    with torch.device("meta"):
        network: nn.Module = loaded(text)["Net"]()
    return network


def shapes(network: nn.Module) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in network.state_dict().items()}


def outputs(network: nn.Module, images: Tensor) -> list[Tensor]:
    """Logits of each head, with the same dropout in every network that drops in the same order."""
    torch.manual_seed(3)
    with torch.no_grad():
        logits = network(images)
    return logits if isinstance(logits, list) else [logits]


def assert_same_network(spec: Spec) -> None:
    ours, theirs = build(spec, "meta"), on_meta(source(spec))
    state = random_weights(ours)
    # A copy each, because running statistics change while it trains.
    ours.load_state_dict(state, strict=True, assign=True)
    theirs.load_state_dict({name: tensor.clone() for name, tensor in state.items()}, strict=True, assign=True)
    images = torch.rand(2, *spec.input_shape)
    for mode in (True, False):
        expected, got = outputs(ours.train(mode), images), outputs(theirs.train(mode), images)
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5 * (1 + float(other.abs().max())))


def assert_well_written(texts: Iterable[str]) -> None:
    """ruff's default settings, format included, and lines of at most 100 characters; one run for all texts."""
    with tempfile.TemporaryDirectory() as folder:
        for number, text in enumerate(texts):
            Path(folder, f"net{number}.py").write_text(text)
            assert max(map(len, text.splitlines())) <= 100
        assert any(Path(folder).iterdir())
        for command in (["format", "--diff"], ["check"]):
            done = subprocess.run([RUFF, *command, "--isolated", "--no-cache", folder], capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr


def layers_named(text: str) -> set[str]:
    """What the source takes from ``nn``."""
    return {
        node.attr
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "nn"
    }


def layers_built(spec: Spec) -> set[str]:
    return {type(module).__name__ for module in build(spec, "meta").modules()}


@pytest.mark.parametrize("preset", mostly_exhaustive(PRESETS))
def test_every_preset(preset: str) -> None:
    spec = PRESETS[preset].spec
    text = source(spec)
    assert text.splitlines()[0] in [
        f'"""{preset.title} ({preset.source}).' for preset in PRESETS.values() if preset.spec == spec
    ]
    assert len(text.splitlines()) <= 160  # loops and blocks: ResNet-152 too
    assert shapes(on_meta(text)) == shapes(build(spec, "meta"))


def test_presets_are_well_written() -> None:
    assert_well_written(source(preset.spec) for preset in PRESETS.values())


@pytest.mark.parametrize("preset", mostly_exhaustive(PRESETS))
def test_every_preset_computes_the_same(preset: str) -> None:
    spec = narrow(PRESETS[preset].spec)
    if max(spec.sides) > 100 and isinstance(spec, ResNetSpec | GoogLeNetSpec):  # any size fits these
        spec = spec.changed(image_size=96)
    assert_same_network(spec)


@pytest.mark.parametrize(
    ("raw", "examples"),
    [(raw_vgg(), 80), (raw_resnet(), 40), (raw_googlenet(), 25)],
    ids=["vgg", "resnet", "googlenet"],
)
def test_random_specs(raw: st.SearchStrategy[dict[str, object]], examples: int) -> None:
    texts: list[str] = []

    @settings(max_examples=examples)
    @given(raw, st.sampled_from([0.0, 0.25]))
    def check(data: dict[str, object], dropout: float) -> None:
        spec = parse_or_none(data if data["family"] == "resnet" else {**data, "dropout": dropout})
        if spec is None:
            return
        assert_same_network(spec)
        texts.append(source(spec))
        assert layers_named(texts[-1]) - PLUMBING == layers_built(spec) - PLUMBING - CUSTOM

    check()
    assert len(texts) >= examples / 3
    assert_well_written(texts)


def wide() -> st.SearchStrategy[dict[str, object]]:
    """Specs with many and long numbers, which no line of 88 columns holds; too large to be run here."""
    number = st.sampled_from([1, 64, 16_384])
    names = [f"inception{i:03}" for i in range(12)]
    rows = st.lists(st.tuples(*[st.sampled_from([1, 8192])] * 6), min_size=1, max_size=12)
    vgg = st.fixed_dictionaries(
        {
            "family": st.just("vgg"),
            "cfg": st.lists(
                st.sampled_from([16_384, 64, "512:1", "16384:7p2", "9:5/2", "M:3/1p1", "A:2/1", "L"]), max_size=40
            ),
            "pool_to": st.sampled_from([None, 1, 64]),
            "classifier": st.lists(st.sampled_from([1, 65_536]), max_size=16),
            "head": st.sampled_from(["linear", "conv"]),
            "batch_norm": st.booleans(),
        }
    )
    resnet = st.lists(number, min_size=1, max_size=8).map(
        lambda widths: {"family": "resnet", "widths": sorted(widths), "blocks": [2] * len(widths)}
    )
    kinds = st.fixed_dictionaries(
        {
            "block": st.sampled_from(["basic", "bottleneck"]),
            "stem": st.sampled_from(["imagenet", "cifar", "cifar-pool"]),
            "shortcut": st.sampled_from("ABC"),
            "batch_norm": st.booleans(),
        }
    )
    googlenet = st.builds(
        lambda rows, aux, pools, last_pool: {
            "family": "googlenet",
            "modules": [[name, *row] for name, row in zip(names, rows, strict=False)],
            "aux_after": names[: min(aux, len(rows))],
            "pool_after": names[: min(pools, len(rows))],
            "last_pool": last_pool,
        },
        rows,
        st.integers(0, 12),
        st.integers(0, 6),
        st.sampled_from([2, 3]),
    )
    sizes = st.just({"in_channels": 1024, "image_size": 4096, "num_classes": 100_000})
    raw = st.one_of(vgg, st.builds(lambda one, other: one | other, resnet, kinds), googlenet)
    return st.builds(lambda one, other: one | other, raw, sizes)


@pytest.mark.exhaustive
def test_large_specs_are_well_written_too() -> None:
    texts: list[str] = []

    @settings(max_examples=40)
    @given(wide())
    def check(raw: dict[str, object]) -> None:
        spec = parse_or_none(raw)
        if spec is None:
            return
        texts.append(source(spec))
        assert shapes(on_meta(texts[-1])) == shapes(build(spec, "meta"))

    check()
    assert len(texts) >= 10
    assert_well_written(texts)


MODULES = [["a", 2, 1, 3, 1, 2, 1], ["b", 1, 2, 2, 1, 1, 3]]
EDGES: dict[str, dict[str, object]] = {
    "mlp": {"family": "vgg", "cfg": [], "pool_to": None, "classifier": [5, 4], "image_size": 6},
    "softmax regression": {"family": "vgg", "cfg": [], "pool_to": 2, "classifier": [], "image_size": 6},
    "convolutions alone": {"family": "vgg", "cfg": [3, "4:1"], "classifier": [], "pool_to": 1, "image_size": 8},
    "pools alone": {"family": "vgg", "cfg": ["M", "A:3/1p1", "L"], "classifier": [], "pool_to": 1, "image_size": 8},
    "pools of two kinds": {"family": "vgg", "cfg": [3, "M", 4, "M:3/2p1", "A", 5], "pool_to": 1, "image_size": 16},
    "pools of one stride": {"family": "vgg", "cfg": [3, "M:3/2", 4, "M", "M:2p1"], "pool_to": 1, "image_size": 30},
    "pools as wide as they stride": {"family": "vgg", "cfg": ["M:2", "M:3"], "pool_to": 1, "image_size": 30},
    "every window another": {"family": "vgg", "cfg": ["3:5/2p1", "4:7/3p3", "5:1", "2:2p1"], "image_size": 40},
    "one padding, two kernels": {"family": "vgg", "cfg": ["3:5p1", "4:3"], "image_size": 12, "pool_to": 2},
    "lrn": {"family": "vgg", "cfg": [4, "L", "M", 8, "L"], "classifier": [3], "pool_to": None, "image_size": 8},
    "convolutional head": {"family": "vgg", "cfg": [4, "M"], "head": "conv", "pool_to": 2, "image_size": 8},
    "head of one cell": {"family": "vgg", "cfg": [4, "M"], "head": "conv", "pool_to": 1, "image_size": 8},
    "dropout before": {"family": "vgg", "cfg": [4], "classifier": [5, 6, 7], "dropout_position": "before"},
    "no dropout": {"family": "vgg", "cfg": [4], "classifier": [5, 6], "dropout": 0.0},
    "grey": {"family": "resnet", "blocks": [1, 1], "widths": [4, 8], "in_channels": 1},
    "one stage": {"family": "resnet", "blocks": [2], "widths": [4]},
    "one stage of bottlenecks": {"family": "resnet", "blocks": [2], "widths": [4], "block": "bottleneck"},
    "one stage, padded": {"family": "resnet", "blocks": [2], "widths": [4], "block": "bottleneck", "shortcut": "A"},
    "always projected": {"family": "resnet", "blocks": [1, 1], "widths": [4, 4], "block": "bottleneck"},
    "option A": {"family": "resnet", "blocks": [2, 2], "widths": [4, 8], "shortcut": "A", "stem": "cifar"},
    "option C": {"family": "resnet", "blocks": [2, 2], "widths": [4, 8], "shortcut": "C", "batch_norm": False},
    "pool behind a 3x3 stem": {"family": "resnet", "blocks": [1, 1], "widths": [4, 8], "stem": "cifar-pool"},
    "plain": {"family": "resnet", "blocks": [2, 2], "widths": [4, 8], "residual": False, "batch_norm": False},
    "stride on 1x1": {
        "family": "resnet",
        "blocks": [2, 2],
        "widths": [4, 8],
        "block": "bottleneck",
        "stride_on": "1x1",
    },
    "naive": {"family": "googlenet", "modules": MODULES, "reduce": False, "pool_after": ["b"], "last_pool": 2},
    "cifar stem": {"family": "googlenet", "modules": MODULES, "stem": "cifar", "batch_norm": True, "dropout": 0.0},
    "one head": {"family": "googlenet", "modules": MODULES, "aux_after": ["b"], "image_size": 64, "branch5x5": 3},
    "heads of two sizes": {
        "family": "googlenet",
        "modules": MODULES,
        "stem": "cifar",
        "aux_after": ["a", "b"],
        "pool_after": ["a", "b"],
        "last_pool": 2,
        "image_size": 40,
    },
}


def edge(name: str) -> Spec:
    return parse_spec({"num_classes": 3, "image_size": 32, **EDGES[name]})


@pytest.mark.parametrize("name", EDGES)
def test_edges(name: str) -> None:
    spec = edge(name)
    text = source(spec)
    assert_same_network(spec)
    assert layers_named(text) - PLUMBING == layers_built(spec) - PLUMBING - CUSTOM


def test_edges_are_well_written() -> None:
    assert_well_written(source(edge(name)) for name in EDGES)


def test_every_family_of_our_own_has_its_source() -> None:
    assert {*parts("source")} == {*FAMILIES}


def test_the_list_of_vgg_is_written_as_people_write_it() -> None:
    namespace = loaded(source(resolve("vgg16")))
    assert namespace["CFG"] == list(vgg(resolve("vgg16")).cfg)
    assert 'CFG = [6, "A", 16, "A"]\n' in source(resolve("lenet5"))
    assert '    64, 64, "M",\n    128, 128, "M",\n' in source(resolve("vgg16"))


def test_classes_can_be_chosen() -> None:
    for name in ("lenet5", "resnet20", "googlenet-bn-cifar10"):
        network = loaded(source(resolve(name)))["Net"](num_classes=7).eval()
        spec = resolve(name)
        assert network(torch.rand(1, *spec.input_shape)).shape == (1, 7)


def test_the_header_says_what_it_is() -> None:
    text = source(resolve("googlenet"))
    header = ast.get_docstring(ast.parse(text))
    assert header is not None
    assert header.startswith("GoogLeNet (Szegedy et al. 2015, Table 1).")
    for fact in ("3 x 224 x 224", "6,998,552", "1,582,671,872", f"{3_188_840 + 3_190_888:,}"):
        assert fact in header
    custom = source(parse_spec(EDGES["mlp"]))
    assert custom.startswith('"""A network of the vgg family.')


@pytest.mark.process
def test_the_file_runs_by_itself(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(source(resolve("resnet20")))
    command = [sys.executable, "-I", "-W", "error", "net.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "output (1, 10), 269,722 parameters"


@pytest.mark.parametrize("name", ["alexnet", "vgg11_bn", "resnet18"])
def test_torchvision_twins(name: str) -> None:
    spec = ZooSpec(name=name, num_classes=5, image_size=64)
    theirs, exported = build(spec).eval(), on_meta(source(spec)).eval()
    exported.load_state_dict(theirs.state_dict(), strict=True, assign=True)
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(exported(images), theirs(images), rtol=1e-5, atol=1e-5)
    assert source(spec).startswith(f'"""{name}, ')


def test_other_models_of_torchvision_are_refused_in_words() -> None:
    assert {"vgg16_bn", "resnet50", "googlenet", "alexnet"} <= set(twins()) < set(names())
    for name in ("inception_v3", "mobilenet_v3_small"):
        with pytest.raises(SpecError, match=f"torchvision:{name} can't be written as source .* export it as onnx"):
            source(ZooSpec(name=name))
