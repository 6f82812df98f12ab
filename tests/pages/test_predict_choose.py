"""The choice of weights: their accuracy, and files that disappear."""

from pathlib import Path

import pytest

from explorer.prediction import verdict
from explorer.ui.predict import choose
from explorer.ui.shared import weights_options
from explorer.ui.shared.task_queue import Future
from explorer.weights import registry
from explorer.weights.files import read, save
from tests.pages.helpers import problem
from tests.pages.predict_page import box, open_page, save_weights, words

RESNET = "torchvision:ResNet18_Weights.IMAGENET1K_V1"


pytestmark = pytest.mark.usefixtures("predict_server")


@pytest.mark.parametrize(
    ("made_by", "metrics", "listed", "fact"),
    [
        ({"job": "0"}, {"test/top1": 0.5, "validation/top1": 0.6}, "50.00%", "top-1 50.00% on its test set"),
        ({"job": "0"}, {"validation/top1": 0.6}, "60.00% on validation images", "top-1 60.00% on validation images"),
        ({}, {"test/top1": 0.9}, "90.00%, as its card says", "top-1 90.00%, as its card says"),
    ],
)
def test_an_accuracy_names_the_images_that_it_was_measured_on(
    tmp_path: Path, made_by: dict[str, str], metrics: dict[str, float], listed: str, fact: str
) -> None:
    tensors, card = read(registry.PRETRAINED / "digits-cnn.safetensors")
    (tmp_path / "weights").mkdir()
    file = tmp_path / "weights/mine.safetensors"
    save(file, tensors, card.model_copy(update={"made_by": made_by, "metrics": metrics}))
    app = open_page(weights="mine")
    assert any(f"mine · {listed} · " in option for option in box(app, "weights").options)
    assert fact in words(app)


def test_a_deleted_download_is_offered_again() -> None:
    entry = next(one for one in registry.entries() if one.name == RESNET)
    weights_options.downloads._futures[RESNET, "en"] = Future(result=entry)
    app = open_page(weights=RESNET)
    app.session_state[choose.DOWNLOADS] = {RESNET}
    app.run()
    assert not app.exception
    assert app.button(key="predict.download.first")


def test_a_measured_fact_is_shown_only_for_its_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "stands_out", lambda _probabilities: False)
    bundled, other = (
        next(one.help for one in open_page(weights=name).caption if "No class stands out" in one.value)
        for name in ("resnet20-cifar10", "vgg16-cifar10")
    )
    assert "resnet20-cifar10 is wrong half of the time" in bundled
    assert not other


@pytest.mark.parametrize("show", ["predict", "test", "weights"])
@pytest.mark.parametrize("chosen", ["mine", "digits-cnn"])
def test_weights_that_disappear_during_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, show: str, chosen: str
) -> None:
    file = tmp_path / "weights/mine.safetensors"
    save_weights(file)
    listed = registry.entries()
    file.unlink()
    monkeypatch.setattr(registry, "entries", lambda: listed)
    app = open_page(show=show, weights=chosen)
    assert not app.exception
    if show == "predict":
        assert ("mine can't be read" in problem(app)) == (chosen == "mine")
    if (show, chosen) == ("weights", "mine"):
        app.session_state["predict-stored-download"] = True
        assert "mine.safetensors can't be read" in problem(app.run())


def test_a_file_may_have_a_name_like_torchvision_weights(tmp_path: Path) -> None:
    save_weights(tmp_path / "weights/torchvision:mine.safetensors")
    app = open_page(weights="torchvision:mine")
    assert "56,714 parameters" in words(app)
