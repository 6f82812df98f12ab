"""Predictions: the command's output, the same preprocessing as in an evaluation, and unreadable pictures."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from explorer.data.dataset import Dataset, Split
from explorer.errors import InputError
from explorer.families import parse_spec
from explorer.families.building import build
from explorer.prediction.classify import ClassProbability, likeliest
from explorer.prediction.image_files import predict
from explorer.prediction.networks import Network
from explorer.settings import settings
from explorer.training.weights_evaluation import evaluate_weights
from explorer.weights.files import Card, load, save, to_float16
from tests.helpers.classify import classify
from tests.helpers.command import run as command
from tests.helpers.pixels import noise
from tests.helpers.toys import CLASSES, RESNET, VGG, toy_spec


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("EXPLORER_WEIGHTS_DIR", str(tmp_path / "weights"))
    settings.cache_clear()
    yield
    settings.cache_clear()


def card(family: dict[str, object], **inputs: object) -> Card:
    spec = toy_spec(family, in_channels=3)
    preprocessing = {"size": 8, "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.2, 0.3], **inputs}
    return Card(name="toy", spec=spec.to_dict(), classes=CLASSES, preprocessing=preprocessing)


def network(about: Card) -> nn.Module:
    torch.manual_seed(0)
    return build(about.network_spec).eval()


def pictures(folder: Path, count: int, side: int = 11) -> list[Path]:
    paths = [folder / f"{number}.png" for number in range(count)]
    for path, pixels in zip(paths, noise(count, 3, side, side + 3), strict=True):
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(path)
    return paths


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    about = card(RESNET)
    path = tmp_path / "weights/net.safetensors"
    path.parent.mkdir()
    save(path, network(about).state_dict(), about)
    return path


def test_batches_do_not_change_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = card(VGG)
    net, images = network(about), list(noise(7, 3, 13, 9))
    together = classify(net, about, images)
    assert together.shape == (7, 4)
    torch.testing.assert_close(together.sum(1), torch.ones(7))
    monkeypatch.setattr("explorer.prediction.classify.MAX_BATCH_IMAGES", 3)
    paths = [tmp_path / f"{number}.png" for number in range(7)]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(path)
    for one, expected in zip(predict(Network(net, about, "toy", tmp_path), paths, 4), together, strict=True):
        assert {candidate.index: candidate.probability for candidate in one.top} == pytest.approx(
            dict(enumerate(expected.tolist()))
        )


@pytest.mark.parametrize("inputs", [{}, {"resize": 10}, {"permutation_seed": 3}])
def test_evaluation_uses_the_same_preprocessing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inputs: dict[str, object]
) -> None:
    """The loss of an evaluation follows from the probabilities, for tensors and for files."""
    about = card(RESNET, **inputs)
    net, path, images = network(about), tmp_path / "w.safetensors", noise(30, 3, 12, 15)
    save(path, net.state_dict(), about)
    labels = torch.arange(30) % 4
    expected = -classify(net, about, list(images))[torch.arange(30), labels].log().mean()
    for budget in (2**30, 0):  # decoded at once, and batch by batch in another process
        monkeypatch.setattr("explorer.training.batches.IN_MEMORY", budget)
        for stored in (images, FileImages(images)):
            use_data(monkeypatch, Split(stored, labels))
            assert evaluate_weights(path, "toys", "test", "cpu", lambda *_args: None).result["loss"] == pytest.approx(
                float(expected)
            )


def use_data(monkeypatch: pytest.MonkeyPatch, split: Split) -> None:
    """Make ``measure`` load this split."""
    data = Dataset("toys", CLASSES, 3, mirrored=True, train=split, test=split)
    monkeypatch.setattr("explorer.training.weights_evaluation.load", lambda *_args: data)


class FileImages:
    """Images with the interface of files."""

    def __init__(self, images: torch.Tensor) -> None:
        self.images = images
        self.names = [str(number) for number in range(len(images))]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.images[index]

    def take(self, indices: Sequence[int]) -> "FileImages":
        return FileImages(self.images[torch.tensor(indices)])


def test_half_precision_is_computed_in_float32(tmp_path: Path) -> None:
    about = card(RESNET)
    rounded = to_float16(network(about).state_dict())
    save(tmp_path / "h.safetensors", rounded, about)
    net, _card = load(tmp_path / "h.safetensors")
    assert {p.dtype for p in net.parameters()} == {torch.float32}
    expected = network(about)
    expected.load_state_dict(rounded)  # PyTorch casts
    images = list(noise(3, 3, 8, 8))
    assert torch.equal(classify(net, about, images), classify(expected, about, images))


def test_the_likeliest_class_comes_first_and_ties_keep_the_order() -> None:
    probabilities = torch.tensor([0.1, 0.4, 0.1, 0.4])
    assert [candidate.index for candidate in likeliest(probabilities, CLASSES, 9)] == [1, 3, 0, 2]
    assert likeliest(probabilities, CLASSES, 1) == (ClassProbability("bee", 1, float(probabilities[1])),)


def test_outputs_that_are_not_finite_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = card(VGG)
    net = network(about)
    with torch.no_grad():
        next(net.parameters()).fill_(float("nan"))
    with pytest.raises(InputError, match=r"^toy gives scores that are not finite: some of its weights are not finite"):
        classify(net, about, list(noise(1, 3, 8, 8)))
    save(tmp_path / "w.safetensors", net.state_dict(), about)
    use_data(monkeypatch, Split(noise(2, 3, 8, 8), torch.tensor([0, 1])))
    with pytest.raises(InputError):
        evaluate_weights(tmp_path / "w.safetensors", "toys", "test", "cpu", lambda *_args: None)


def test_a_network_with_two_channels_is_refused(tmp_path: Path) -> None:
    spec = parse_spec({**VGG, "in_channels": 2, "image_size": 8, "num_classes": 4})
    about = Card(name="n", spec=spec.to_dict(), classes=CLASSES, preprocessing={"size": 8, "mean": [0.5], "std": [0.5]})
    with pytest.raises(InputError, match=r"^in_channels: pictures have 1 channel or 3, and the network takes 2$"):
        list(predict(Network(network(about), about, "toy", tmp_path), pictures(tmp_path, 1), 1))


def test_the_command(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [str(path) for path in pictures(tmp_path, 3)]
    for name in ("net", str(weights)):
        status, out, err = command(capsys, monkeypatch, "predict", name, *paths, "--top", "2", "--json")
        document = json.loads(out)
        assert (status, err, [one["image"] for one in document]) == (0, "", paths)
    net, about = load(weights)
    for path, one in zip(paths, document, strict=True):
        pixels = torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)
        expected = classify(net, about, [pixels])[0]
        assert [candidate["probability"] for candidate in one["top"]] == pytest.approx(expected.topk(2).values.tolist())
        assert [candidate["index"] for candidate in one["top"]] == expected.topk(2).indices.tolist()
        assert all(candidate["class"] == CLASSES[candidate["index"]] for candidate in one["top"])
    _status, out, _err = command(capsys, monkeypatch, "predict", "net", paths[0], "--top", "99")
    first, *lines = out.splitlines()
    assert first == paths[0]
    assert [line.strip() for line in lines[4:]] == ["Not sure: no class stands out."]
    assert (document[0]["sure"], document[0]["warnings"], document[0]["notes"]) == (False, [], [])
    best = document[0]["top"][0]
    assert lines[0].split()[:2] == [f"{best['probability']:.2%}", best["class"]]


def test_an_unreadable_picture_does_not_affect_the_others(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    readable = [str(path) for path in pictures(tmp_path, 2)]
    text = tmp_path / "text.png"
    text.write_text("no picture")
    cut = tmp_path / "cut.png"
    cut.write_bytes(Path(readable[0]).read_bytes()[:150])
    os.mkfifo(pipe := tmp_path / "pipe.png")  # nobody writes into it
    unreadable = [str(text), str(cut), str(tmp_path / "gone.png"), str(tmp_path), "", "x" * 5000]
    unreadable += [str(tmp_path / "a\nb.png"), str(pipe), f"{tmp_path}/./gone.png", f"{tmp_path}/\udcff.png"]
    paths_in_order = [unreadable[0], readable[0], *unreadable[1:], readable[1]]
    status, out, err = command(capsys, monkeypatch, "predict", "net", *paths_in_order, "--json")
    document = json.loads(out)
    assert status == 2
    assert err.count("\n") == 1
    assert [one["image"] for one in document if one["top"]] == readable
    assert [one["image"] for one in document] == paths_in_order  # exactly as on the command line
    assert all(one["error"] and "\n" not in one["error"] for one in document if not one["top"])
    assert f"{pipe} can't be read: it is not a file" in err
    status, out, err = command(capsys, monkeypatch, "predict", "net", *paths_in_order)
    assert status == 2
    assert [line for line in out.splitlines() if line.endswith(".png")] == readable
    assert "text.png " in err
    assert command(capsys, monkeypatch, "predict", "net", unreadable[0])[:2] == (2, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nonesuch", "x.png"), "nonesuch"),
        (("net",), "IMAGE"),
        (("net", "x.png", "--top", "0"), "--top"),
        (("net", "x.png", "--top", "many"), "--top"),
    ],
)
def test_the_error_for_bad_arguments_is_one_line(
    weights: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    status, out, err = command(capsys, monkeypatch, "predict", *arguments)
    assert (status, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.process
def test_prediction_imports_no_streamlit(root: Path) -> None:
    code = "import sys, explorer.prediction.classify; print({'streamlit', 'torchvision'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=root, text=True)
    assert done.stdout == "set()\n"
