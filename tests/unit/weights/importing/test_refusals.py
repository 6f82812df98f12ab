"""Refused imports: one line names tensor, shapes and likely cause, and nothing is written."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from explorer.errors import InputError
from explorer.families import PRESETS, Spec, resolve
from explorer.families.building import build
from explorer.families.recognition.guess import our_shapes
from explorer.families.recognition.search import recognise
from explorer.families.resnet.spec import ResNetSpec
from explorer.weights.importing.importing import import_checkpoint
from explorer.weights.importing.mismatch import explain_unknown
from tests.helpers.foreign_networks import RESIDUAL, SMALL, Import, Shapes, imported, shapes_of, weights_of

pytestmark = pytest.mark.process

__all__ = ["imported"]  # a fixture


def refused(
    imported: Import, tmp_path: Path, tensors: dict[str, Tensor], spec: str | None = None, **answers: Any
) -> str:
    """Returns the message of a failed import, which leaves no files."""
    with pytest.raises(InputError) as failure:
        imported(tensors, spec, **answers)
    assert {path.name for path in tmp_path.iterdir()} == {"theirs.safetensors"}
    assert "\n" not in str(failure.value)
    return str(failure.value)


def constant(shapes: Shapes) -> dict[str, Tensor]:
    """Returns constant tensors of these shapes."""
    return {name: torch.full(shape, 0.5) for name, shape in shapes.items()}


def test_a_network_with_one_output_is_refused(imported: Import, tmp_path: Path) -> None:
    """A softmax over one class is always 1."""
    assert "one output" in refused(imported, tmp_path, weights_of(SMALL.changed(num_classes=1)))


@pytest.mark.parametrize("size", [0, -3])
def test_images_without_pixels_are_refused(imported: Import, tmp_path: Path, size: int) -> None:
    message = refused(imported, tmp_path, weights_of(SMALL), image_size=size)
    assert message.startswith(f"image_size: {size} ")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        # The first fault of R0: a head that does not fit the features.
        (
            SMALL.changed(image_size=64),
            ["(20, 1024)", "(20, 4096)", "reads 1024 features, and 4096 arrive", "image_size or pool_to"],
        ),
        (SMALL.changed(num_classes=7), ["(10, 20)", "(7, 20)", "trained on 10 classes, and not 7"]),
        (SMALL.changed(cfg=[8, "M", 24, "M"]), ["features.3.weight", "(16, 8, 3, 3)", "(24, 8, 3, 3)", "widths"]),
        (SMALL.changed(cfg=[8, "M", "16:5", "M"]), ["(16, 8, 3, 3)", "(16, 8, 5, 5)", "kernels"]),
        (SMALL.changed(in_channels=1), ["(8, 3, 3, 3)", "(8, 1, 3, 3)", "images of 3 channels, and not 1"]),
        (SMALL.changed(batch_norm=True), ["has batch norm, and the checkpoint has none"]),
        (SMALL.changed(cfg=[8, "M", 16, 16, "M"]), ["3 convolutions", "checkpoint 2", "depth"]),
        (SMALL.changed(classifier=[]), ["The head of", "has 1 layer, and that of the checkpoint 2"]),
        (RESIDUAL, ["not those of"]),
        (resolve("torchvision:resnet18"), ["torchvision:resnet18"]),
    ],
)
def test_a_spec_that_does_not_fit_is_explained(spec: Spec, words: list[str], imported: Import, tmp_path: Path) -> None:
    text = spec.to_json()
    message = refused(imported, tmp_path, weights_of(SMALL), text)
    assert all(word in message for word in words), message
    assert "{" not in message  # no whole spec, which would hide the fault


def block(*names: str) -> Shapes:
    return {
        f"encoder.layers.0.{name}": shape
        for name, shape in (
            ("self_attn.in_proj_weight", (96, 32)),
            ("linear1.weight", (64, 32)),
            *((n, (32,)) for n in names),
        )
    }


def another_stem(preset: str, **widths: int) -> Shapes:
    """Returns the shapes of a GoogLeNet with other widths in its stem."""
    shapes = our_shapes(PRESETS[preset].spec)
    ours = {
        name: shapes[f"{name}.conv.weight"][0]
        for name in ("conv1", "conv2", "conv3")
        if f"{name}.conv.weight" in shapes
    }
    wide = {**ours, **widths}
    last = [*wide][-1]
    for name, before in zip(wide, (3, *wide.values()), strict=False):
        shapes[f"{name}.conv.weight"] = (wide[name], before, *shapes[f"{name}.conv.weight"][2:])
        shapes |= {n: (wide[name],) for n, shape in shapes.items() if n.startswith(f"{name}.") and len(shape) == 1}
    first = {n: s for n, s in shapes.items() if n.startswith("inception3a.") and s[1:2] == (ours[last],)}
    return shapes | {n: (s[0], wide[last], *s[2:]) for n, s in first.items()}


VECTORS = ("weight", "bias", "running_mean", "running_var")
RESNET18 = shapes_of(build(PRESETS["resnet18"].spec, "meta").state_dict())


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (block("norm1.weight", "norm1.bias"), ["transformer"]),
        ({"backbone.conv.weight": (8, 3, 3, 3), "rpn.head.conv.weight": (8, 8, 3, 3)}, ["detector", "rpn.head"]),
        ({"encoder.conv.weight": (8, 3, 3, 3), "decoder.up.weight": (8, 8, 3, 3)}, ["not a classifier", "decoder.up"]),
        ({"state.0.exp_avg": (8, 8)}, ["optimizer"]),
        ({"a.weight": (8, 3, 3, 3, 3)}, ["(8, 3, 3, 3, 3)"]),
        (
            {"a.weight": (8, 3, 3, 3), "b.weight": (8, 1, 3, 3), "c.weight": (16, 8, 1, 1), "d.weight": (4, 16)},
            ["one by one"],
        ),
        (
            {n: s for n, s in RESNET18.items() if not n.startswith(("layer4", "fc"))},
            ["resnet18", "of its 21 layers are missing", "layer4.0.conv1.weight"],
        ),
        (
            {n: s for n, s in RESNET18.items() if not n.startswith(("conv1", "bn1", "layer1"))},
            ["conv1.weight of (64, 3, 7, 7)"],
        ),
        (
            another_stem("googlenet-bn-cifar10", conv1=64),
            ["GoogLeNet with a stem", "conv1.conv.weight of (64, 3, 3, 3)", "bn-cifar10", "of (192, 3, 3, 3)"],
        ),
        (
            another_stem("googlenet-torchvision", conv2=32, conv3=96),
            ["(64, 3, 7, 7)", "(32, 64, 1, 1)", "(96, 32, 3, 3) before", "googlenet-torchvision", "(192, 64, 3, 3)"],
        ),
        ({**RESNET18, "extra.weight": (512, 512)}, ["1 of its layers have no place", "extra.weight", "(512, 512)"]),
        ({**RESNET18, "scale": (512,)}, ["scale", "without it", "resnet18"]),
        (
            {n: s for n, s in RESNET18.items() if not n.startswith("fc")}
            | {"fc.0.weight": (9, 512), "fc.2.weight": (5, 9)},
            ["head of 2 linear layers", "fc.0.weight (9, 512)", "ours have one, (5, 512)", "nearest is resnet18"],
        ),
        (
            RESNET18 | {"fc.weight": (1000, 2048)},
            ["fc.weight is (1000, 2048)", "would be (1000, 512)", "2×2 map was flattened", "resnet18"],
        ),
        (
            RESNET18
            | {"conv1.weight": (32, 3, 7, 7)}
            | {f"bn1.{leaf}": (32,) for leaf in VECTORS}
            | {"layer1.0.conv1.weight": (64, 32, 3, 3)}
            | {"layer1.0.downsample.0.weight": (64, 32, 1, 1)}
            | {f"layer1.0.downsample.1.{leaf}": (64,) for leaf in VECTORS},
            ["conv1.weight of (32, 3, 7, 7) makes 32", "stage has 64 (layer1.0.conv1.weight of (64, 32, 3, 3))"],
        ),
        (
            {re.sub(r"downsample.([01])", lambda n: f"downsample.{int(n[1]) + 1}", n): s for n, s in RESNET18.items()},
            ["layer2.0.downsample.1.weight of (128, 64, 1, 1)", "a pool (ResNet-D)", "resnet18"],
        ),
        (
            {n.replace("conv1.", "conv1.6.", 1) if n.startswith("conv1.") else n: s for n, s in RESNET18.items()}
            | {"conv1.0.weight": (32, 3, 3, 3), "conv1.3.weight": (32, 32, 3, 3), "conv1.6.weight": (64, 32, 3, 3)},
            ["stem has 3 convolutions", "conv1.0.weight of (32, 3, 3, 3)"],
        ),
        (
            {
                n.replace("bn2", "bn3").replace("bn1", "bn2") if n.startswith("layer") else n: s
                for n, s in RESNET18.items()
                if not n.startswith("bn1")
            }
            | {
                f"layer{stage}.0.bn1.{leaf}": (width,)
                for stage, width in enumerate([64, 64, 128, 256], 1)
                for leaf in VECTORS
            },
            ["pre-activation", "resnet18"],
        ),
        (
            {n: s for n, s in shapes_of(weights_of(SMALL)).items() if not n.startswith("features.0.")},
            ["part of a network", "features.3.weight of (16, 8, 3, 3)", "reads 8 channels", "the nearest network"],
        ),
        ({"a.weight": (8, 3, 3, 3), "b.weight": (9, 8, 3, 3)}, ["2 convolutions", "the head is missing"]),
        (
            {"a.kernel": (3, 3, 3, 16), "b.kernel": (16, 10)},
            ["a.kernel is (3, 3, 3, 16)", "as TensorFlow", "permute(3, 2, 0, 1)"],
        ),
        (
            {"0.weight": (8, 3, 3, 3), **{f"2.{leaf}": (8,) for leaf in VECTORS}, "5.weight": (10, 8)},
            ["between 0.weight of (8, 3, 3, 3)", "batch norm 2", "an activation or a pool"],
        ),
        ({"a.weight": (3, 7)}, ["no network that we know"]),
    ],
)
def test_networks_of_other_families_are_refused_with_a_reason(
    shapes: Shapes, words: list[str], imported: Import, tmp_path: Path
) -> None:
    message = refused(imported, tmp_path, constant(shapes))
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"classes": ["a"]}, "1 names for the network's 10"),
        ({"classes": ["a"] * 10}, "occurs twice"),
        ({"mean": [0.1, 0.2]}, "mean"),
        ({"mean": [125.0]}, "mean, entry 1: 125.0 "),
        ({"std": [0.0]}, "std"),
        ({"image_size": 4096}, "too large"),
        ({"num_classes": 7}, "10 classes, and not 7"),
        ({"epsilon": 1e-5}, "unknown key"),
        ({"colour": "red"}, "unknown key"),
    ],
)
def test_invalid_answers_are_refused(answers: dict[str, Any], words: str, imported: Import, tmp_path: Path) -> None:
    assert words in refused(imported, tmp_path, weights_of(SMALL), **answers)


def test_an_answer_must_be_one_of_the_choices(imported: Import, tmp_path: Path) -> None:
    tensors = weights_of(ResNetSpec(blocks=(2,), widths=(8,), stem="cifar", block="bottleneck"))
    assert "5x5 is not one of 3x3, 1x1" in refused(imported, tmp_path, tensors, stride_on="5x5").replace("'", "")


def test_an_output_that_can_not_be_written_is_refused_early(tmp_path: Path) -> None:
    path = tmp_path / "theirs.safetensors"
    save_file(weights_of(SMALL), path)
    described = tmp_path / "resnet.json"
    described.write_text('{"family": "resnet"}')
    for output, words in (
        (described.with_suffix(".safetensors"), "would overwrite"),
        (tmp_path / "none" / "w.safetensors", "no folder"),
        (tmp_path / "w.pth", "does not end in .safetensors"),
        (path, "the checkpoint itself"),
    ):
        with pytest.raises(InputError, match=words):
            import_checkpoint(path, output, name="x", answers={})
    assert sorted(tmp_path.iterdir()) == [described, path]
    assert described.read_text() == '{"family": "resnet"}'


@pytest.mark.parametrize("kind", [torch.int8, torch.int64, torch.uint8, torch.bool])
def test_integer_weights_are_refused(kind: torch.dtype, imported: Import, tmp_path: Path) -> None:
    tensors = weights_of(RESIDUAL)
    tensors["layer1.0.conv1.weight"] = tensors["layer1.0.conv1.weight"].to(kind)
    fault = refused(imported, tmp_path, tensors)
    assert "layer1.0.conv1.weight" in fault
    assert f"whole numbers ({str(kind).removeprefix('torch.')})" in fault


KINDS = st.sampled_from(
    [
        {"weight": (8, 3, 3, 3)}, {"weight": (8, 8, 3, 3), "bias": (8,)}, {"weight": (8, 8, 1, 1)}, {"weight": (8, 8)},
        {"weight": (10, 8), "bias": (10,)}, {"weight": (16, 8, 3, 3)}, {"weight": (8, 16, 1, 1)}, {"weight": ()},
        {"weight": (8,), "bias": (8,), "running_mean": (8,), "running_var": (8,)}, {"weight": (8,), "bias": (8,)},
        {"weight": (64, 3, 7, 7)}, {"weight": (0, 8)}, {"weight": (8, 8, 5, 5)}, {"weight": (8, 128)}, {"": (3,)},
    ]
)  # fmt: skip
MODULES = st.sampled_from(
    ["", "a", "b.0", "b.1", "b.10", "layer1.0", "features.3", "aux1.fc", "fc", "1.1.1", "é.²", "..", "x" * 40]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(MODULES, KINDS), max_size=12), st.booleans())
@example([("", {"weight": shape}) for shape in ((8, 3, 3, 3), (8, 8, 5, 5), (8, 128), (8, 128))], True)  # noqa: FBT003
def test_any_tensors_are_recognised_or_explained(layers: list[tuple[str, Shapes]], ordered: bool) -> None:
    shapes = {
        f"{module}{place}.{leaf}": shape
        for place, (module, leaves) in enumerate(layers)
        for leaf, shape in leaves.items()
    }
    guesses = recognise(shapes, ordered=ordered)
    for guess in guesses:  # all tensors exist, are used once, and have the right shapes
        needed = our_shapes(guess.spec)
        assert {name: shapes[their] for name, their in guess.names.items()}.items() <= needed.items()
        assert len(set(guess.names.values())) == len(guess.names)
        assert {*guess.names.values(), *guess.shifts.values(), *guess.ignored} == shapes.keys()
    if not guesses and len(shapes) < 6:
        assert explain_unknown(shapes, ordered=ordered)


def test_a_hundred_thousand_tensors_are_refused_quickly() -> None:
    shapes = {f"m{number}.weight": (8, 8) for number in range(100_000)}
    start = time.process_time()
    assert recognise(shapes, ordered=True) == []
    assert time.process_time() - start < 5
