"""The weights that come with the product: each file agrees with its card."""

import json
import math
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from explorer.analysis import analyse
from explorer.data import NAMES
from explorer.data import load as read
from explorer.data.downloads import is_downloaded
from explorer.prediction import gallery
from explorer.training.weights_evaluation import evaluate_weights
from explorer.weights.files import load, read_card
from explorer.weights.registry import PRETRAINED, find
from tests.helpers import cifar
from tests.helpers.classify import classify
from tests.helpers.narrow import pixels

pytestmark = pytest.mark.exhaustive

FILES = sorted(PRETRAINED.glob("*.safetensors"))
README = PRETRAINED / "README.md"
LIMIT = 5_000_000  # bytes
MAX_MACS = 5e11  # multiply-accumulates of an evaluation in this suite
PRETRAINED_NAMES = [
    "digits-cnn",
    "googlenet-small-cifar10",
    "mnist-cnn",
    "mnist-fc",
    "resnet20-cifar10",
    "vgg16-cifar10",
]
KEYS = ("images", "correct", "top1", "topk")
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def test_the_folder_has_these_files_only() -> None:
    assert [path.stem for path in FILES] == PRETRAINED_NAMES
    cards = {path.with_suffix(".json") for path in FILES}
    assert set(PRETRAINED.iterdir()) == {*FILES, *cards, README}


@every_file
def test_a_file_is_small_and_its_network_runs(path: Path) -> None:
    assert path.stat().st_size < LIMIT
    assert find(path.stem) == path
    network, card = load(path)
    images = torch.randn(2, *card.network_spec.input_shape)
    with torch.inference_mode():
        logits = network(images)
    assert logits.shape == (2, len(card.classes))
    assert logits.isfinite().all()
    assert (logits[0] - logits[1]).abs().max() > 1e-3


def test_the_googlenet_has_less_than_a_million_parameters() -> None:
    spec = read_card(PRETRAINED / "googlenet-small-cifar10.safetensors").network_spec
    assert spec.family == "googlenet"
    assert analyse(spec).totals.params < 1_000_000


@every_file
def test_the_card_is_complete_and_equal_in_header_and_json(path: Path) -> None:
    with safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["card"])
    assert header == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    card = read_card(path)
    assert card.made_by["command"].startswith("python -m explorer train ")
    assert {"version", "date", "hardware"} <= card.made_by.keys()
    assert card.recipe
    assert card.license
    assert {"name", "train_images", "test_images"} <= card.data.keys()
    assert card.metrics["test/images"] == card.data["test_images"]
    assert card.metrics["test/top1"] == card.metrics["test/correct"] / card.metrics["test/images"]
    assert not re.search(r"(?<!\w)/\w+/", json.dumps(header)), "a path of the machine that it was made on"


@every_file
def test_the_accuracy_on_the_card_equals_an_evaluation(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cifar.cache_decoding(monkeypatch)
    card = read_card(path)
    data = card.data["name"]
    if data == "cifar10-jpeg.zip":
        if analyse(card.network_spec).totals.macs * card.metrics["test/images"] > MAX_MACS:
            pytest.skip(f"takes too long here: python -m explorer evaluate {path.stem} --dataset {data}")
        data = str(cifar.archive_of_test_images())
    elif data not in NAMES:
        data = str(Path(os.environ.get("EXPLORER_TEST_DATA", "nowhere"), data))
        if not Path(data).exists():
            pytest.skip(f"{card.data['name']} is not in the folder EXPLORER_TEST_DATA")
    elif NAMES[data].source and not is_downloaded(NAMES[data]):
        pytest.skip(f"{data} is not downloaded")
    result = evaluate_weights(path, data, "test", "cpu", lambda *_report: None).result
    assert {key: card.metrics[f"test/{key}"] for key in KEYS} == {key: result[key] for key in KEYS}


def test_the_googlenet_has_its_accuracy_on_500_images_within_chance() -> None:
    path = find("googlenet-small-cifar10")
    result = evaluate_weights(path, str(cifar.archive_of_test_images(50)), "test", "cpu", lambda *_report: None).result
    top1 = read_card(path).metrics["test/top1"]
    assert result["images"] == 500
    assert abs(result["top1"] - top1) <= 3 * math.sqrt(top1 * (1 - top1) / 500)


def mnist() -> tuple[Tensor, Tensor]:
    """Returns 200 test digits of MNIST, with all classes."""
    file = Path(os.environ.get("EXPLORER_TEST_DATA", "nowhere"), "mnist10k.npz")
    if not file.exists():
        pytest.skip("mnist10k.npz is not in the folder EXPLORER_TEST_DATA")
    test = read(str(file)).test
    every = max(len(test) // 200, 1)
    return pixels(test.take(torch.arange(0, len(test), every))), test.labels[::every]


def gallery_digits() -> tuple[Tensor, Tensor]:
    """Returns scikit-learn's digits as the gallery shows them. The network was not trained on them."""
    return torch.stack([gallery.picture(f"framed-{digit}").pixels for digit in range(10)]), torch.arange(10)


@pytest.mark.parametrize(("digits", "least"), [(gallery_digits, 0.8), (mnist, 0.9)])
def test_the_digit_network_recognises_shifted_digits(digits: Callable[[], tuple[Tensor, Tensor]], least: float) -> None:
    """Without shifts in training, it would recognise a third of MNIST's digits after a shift by 4 of 28 pixels."""
    network, card = load(PRETRAINED / "mnist-cnn.safetensors")
    images, labels = digits()
    for shift in ((4, 0), (-4, 0), (0, 4), (0, -4)):
        moved = torch.roll(images, shift, (2, 3))  # the other edge is nearly all black
        assert float((classify(network, card, list(moved)).argmax(1) == labels).float().mean()) >= least


def test_the_readme_lists_the_files_with_their_accuracies() -> None:
    rows = re.findall(r"^\| `(\S+)` \| .* \| ([\d,]+) of ([\d,]+) \| ([\d.]+)% \|", README.read_text(), re.MULTILINE)
    listed = {name: (int(right.replace(",", "")), int(of.replace(",", "")), share) for name, right, of, share in rows}
    metrics = {path.stem: read_card(path).metrics for path in FILES}
    assert listed == {
        name: (values["test/correct"], values["test/images"], f"{values['test/top1']:.2%}"[:-1])
        for name, values in metrics.items()
    }
