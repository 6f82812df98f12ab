"""Exports of trained weights: torchvision and onnxruntime compute the same as our network."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors import safe_open
from torchvision import models

from explorer.data import load as load_data
from explorer.data.preprocessing import Normalise, fitted
from explorer.exports.onnx_model import trained_onnx_model
from explorer.families import parse_spec, resolve
from explorer.families.building import build
from explorer.settings import settings
from explorer.weights.files import Card, load, read, read_card, save, to_float16
from explorer.weights.registry import find
from explorer.weights.torchvision import find_weights
from tests.helpers.classify import classify
from tests.helpers.command import run as command
from tests.helpers.narrow import pixels
from tests.helpers.toys import GOOGLENET, RESNET, VGG, toy_spec

pytestmark = pytest.mark.process

DIGITS = tuple("0123456789")
FAMILIES = {"vgg": VGG, "resnet": RESNET, "googlenet": GOOGLENET}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of imports."""
    path = tmp_path / "weights"
    path.mkdir()
    monkeypatch.setenv("EXPLORER_WEIGHTS_DIR", str(path))
    settings.cache_clear()
    yield path
    settings.cache_clear()


def made(folder: Path, family: str = "resnet", name: str = "net") -> Path:
    """Writes weights for the bundled digits, with batch norm statistics after a forward pass."""
    spec = toy_spec(FAMILIES[family], num_classes=10)
    torch.manual_seed(3)
    network = build(spec)
    with torch.no_grad():
        network(torch.randn(32, 1, 8, 8))
    preprocessing = {"size": 8, "mean": [0.3], "std": [0.4]}
    metrics = {"validation/top1": 0.5, "test/top1": 0.999}
    card = Card(name="A net", spec=spec.to_dict(), classes=DIGITS, preprocessing=preprocessing, metrics=metrics)
    path = folder / f"{name}.safetensors"
    save(path, network.state_dict(), card)
    return path


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object) -> dict[str, object]:
    """Runs a command that succeeds and returns its JSON document."""
    status, out, err = command(capsys, monkeypatch, *map(str, arguments), "--json")
    assert (status, err) == (0, "")
    document: dict[str, object] = json.loads(out)
    return document


@pytest.mark.parametrize(("family", "half"), [("vgg", False), ("resnet", True), ("googlenet", False)])
def test_onnxruntime_classifies_real_images_like_the_network(family: str, half: bool, folder: Path) -> None:
    path = made(folder, family)
    if half:
        save(path, to_float16(read(path)[0]), read_card(path))
    network, card = load(path)
    images = pixels(load_data("digits").test)[:20]
    content = trained_onnx_model(path)
    assert all(
        tensor.data_type != onnx.TensorProto.FLOAT16 for tensor in onnx.load_from_string(content).graph.initializer
    )
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    inputs = Normalise(card.inputs, torch.device("cpu"))(fitted(images, card.inputs))
    (logits,) = session.run(None, {"image": inputs.numpy()})
    theirs = torch.from_numpy(np.asarray(logits)).softmax(1)
    ours = classify(network, card, list(images))
    assert ours.std(0).max() > 1e-4
    torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-5)
    about = session.get_modelmeta().custom_metadata_map
    assert Card.parse(about["card"], path) == card
    assert parse_spec(json.loads(about["spec"])) == card.network_spec
    assert about["weights"] == "A net"


def test_the_command_writes_onnx_in_one_file_with_its_card(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, target = made(folder), tmp_path / "out" / "net.onnx"
    target.parent.mkdir()
    document = run(capsys, monkeypatch, "export", "net", "--format", "onnx", "-o", target)
    expected = {"format": "onnx", "file": str(target), "bytes": target.stat().st_size, "weights": str(path)}
    assert document == expected | {"notes": ["Batch norm stays as layers of its own."]}
    assert sorted(file.name for file in target.parent.iterdir()) == ["net.json", "net.onnx"]
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(str(target)).graph.initializer}
    assert any(np.array_equal(value, read(path)[0]["fc.weight"].numpy()) for value in stored.values())
    assert Card.parse(target.with_suffix(".json").read_text(encoding="utf-8"), target) == read_card(path)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(("model", "options"), [("resnet18", {}), ("googlenet", {"aux_logits": False})])
def test_torchvisions_network_loads_the_pth_strictly(
    model: str,
    options: dict[str, object],
    half: bool,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = find_weights(model).spec.changed(num_classes=7)
    network = build(spec).eval()
    tensors = to_float16(network.state_dict()) if half else network.state_dict()
    card = {"spec": spec.to_dict(), "preprocessing": find_weights(model).card().preprocessing}
    save(folder / "w.safetensors", tensors, Card(name="w", classes=tuple("abcdefg"), **card))
    target = tmp_path / "w.pth"
    run(capsys, monkeypatch, "export", "w", "--format", "pth", "-o", target)
    state = torch.load(target, weights_only=True)
    assert torch.float16 not in {tensor.dtype for tensor in state.values()}
    if model == "googlenet":
        options = {**options, "init_weights": False}
    theirs = models.get_model(model, num_classes=7, **options).eval()
    theirs.load_state_dict(state, strict=True)
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(theirs(images), load(folder / "w.safetensors")[0](images), rtol=1e-5, atol=1e-6)
    assert Card.parse(target.with_suffix(".json").read_text(encoding="utf-8"), target).name == "w"


def test_half_precision_with_the_accuracy_that_evaluate_prints(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, target = made(folder), tmp_path / "half.safetensors"
    arguments = ("--format", "safetensors", "--half", "--evaluate", "digits", "--license", "MIT", "-o", target)
    document = run(capsys, monkeypatch, "export", "net", *arguments)
    before, after = read(path)[0], read(target)[0]
    assert all(torch.equal(after[name], before[name].half()) for name in before if before[name].is_floating_point())
    assert after["bn1.num_batches_tracked"].dtype == torch.int64
    assert document["bytes"] == target.stat().st_size < path.stat().st_size
    card, result = read_card(target), run(capsys, monkeypatch, "evaluate", target, "--dataset", "digits")
    assert card.metrics["test/top1"] == result["top1"] != 0.999
    assert card.metrics == {"validation/top1": 0.5} | {
        f"test/{key}": result[key] for key in ("images", "correct", "top1", "topk")
    }
    assert (card.made_by["precision"], card.license) == ("float16", "MIT")
    with safe_open(target, "pt") as file:
        header = file.metadata()["card"]
    assert json.loads(header) == json.loads(target.with_suffix(".json").read_text(encoding="utf-8"))
    again = run(capsys, monkeypatch, "export", target, *arguments[:2], "-o", target)  # onto itself
    assert again["bytes"] == document["bytes"]
    assert read_card(target) == card


def test_names_of_weights_and_of_networks(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that both weights and a preset have means the weights for ONNX and the preset for text formats."""
    monkeypatch.setattr(
        "explorer.exports.run._export_in_process", lambda _spec, part, *_more, **_named: part.write_text("x")
    )
    for name in ("lenet5", "other"):
        path = made(folder, name=name)
        assert run(capsys, monkeypatch, "export", name, "--format", "onnx", "-o", tmp_path / "a.onnx")[
            "weights"
        ] == str(path)
    for name in ("alexnet", "torchvision:vgg16"):
        assert "weights" not in run(capsys, monkeypatch, "export", name, "--format", "onnx", "-o", tmp_path / "b.onnx")
    own = read_card(find("other")).network_spec
    for name, spec in (("lenet5", resolve("lenet5")), ("other", own), (str(find("lenet5")), own)):
        status, out, _err = command(capsys, monkeypatch, "export", name, "--format", "json")
        assert (status, parse_spec(json.loads(out))) == (0, spec)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("net", "--format", "pth"), "-o"),
        (("net", "--format", "onnx"), "-o"),
        (("gone", "--format", "pth", "-o", "x.pth"), "'gone' is neither a name in the list"),
        (("lenet5", "--format", "pth", "-o", "x.pth"), "weights: "),
        (("net", "--format", "pth", "--half", "-o", "x.pth"), "half: pth files are in float32"),
        (("lenet5", "--format", "csv", "--half", "-o", "x.csv"), "half, evaluate and license are for weights"),
        (("net", "--format", "pth", "-o", "x.json"), "x.json is the name of the card"),
        (("net", "--format", "pth", "-o", "spec.pth"), "the card would overwrite spec.json"),
        (("net", "--format", "pth", "-o", "none/x.pth"), "none/x.pth"),
        (("net", "--format", "safetensors", "-o", "."), "error: "),
        (("net", "--format", "safetensors", "--evaluate", "cifar9", "-o", "x.safetensors"), "did you mean cifar10"),
        (("large", "--format", "safetensors", "--half", "-o", "x.safetensors"), "fc.bias has a number of 100000"),
        (("broken", "--format", "onnx", "-o", "x.onnx"), "broken.safetensors can't be read"),
    ],
)
def test_errors_are_one_line_and_nothing_is_written(
    arguments: tuple[str, ...],
    words: str,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tensors, card = read(made(folder))
    tensors["fc.bias"] = tensors["fc.bias"] + 1e5
    save(folder / "large.safetensors", tensors, card)
    (folder / "broken.safetensors").write_bytes(b"broken")
    here = tmp_path / "here"
    here.mkdir()
    (here / "spec.json").write_text('{"family": "vgg"}')
    monkeypatch.chdir(here)
    status, out, err = command(capsys, monkeypatch, "export", *arguments)
    assert (status, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert [path.name for path in here.iterdir()] == ["spec.json"]
