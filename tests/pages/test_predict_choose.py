"""What the list of weights says of their accuracy, and a downloaded file that goes away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.jobs.store import Store
from explorer.prediction import verdict
from explorer.settings import settings
from explorer.ui.predict import choose
from explorer.ui.shared.task_queue import Future
from explorer.weights import registry
from explorer.weights.files import read, save
from tests.pages.helpers import problem
from tests.pages.predict_page import box, keep, open_page, words

RESNET = "torchvision:ResNet18_Weights.IMAGENET1K_V1"


@pytest.fixture(autouse=True)
def server(jobs: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Folders of the test's own."""
    for name in ("data", "weights", "saved"):
        monkeypatch.setenv(f"EXPLORER_{name.upper()}_DIR", str(tmp_path / name))
    settings.cache_clear()
    choose.fetching._futures.clear()
    yield
    settings.cache_clear()


@pytest.mark.parametrize(
    ("made_by", "metrics", "listed", "said"),
    [
        ({"job": "0"}, {"test/top1": 0.5, "validation/top1": 0.6}, "50.00%", "top-1 50.00% on its test set"),
        ({"job": "0"}, {"validation/top1": 0.6}, "60.00% on validation images", "top-1 60.00% on validation images"),
        ({}, {"test/top1": 0.9}, "90.00%, as its card says", "top-1 90.00%, as its card says"),
    ],
)
def test_an_accuracy_says_what_it_was_measured_on(
    tmp_path: Path, made_by: dict[str, str], metrics: dict[str, float], listed: str, said: str
) -> None:
    tensors, card = read(registry.PRETRAINED / "digits-cnn.safetensors")
    (tmp_path / "weights").mkdir()
    file = tmp_path / "weights/mine.safetensors"
    save(file, tensors, card.model_copy(update={"made_by": made_by, "metrics": metrics}))
    app = open_page(weights="mine")
    assert any(f"mine · {listed} · " in option for option in box(app, "weights").options)
    assert said in words(app)


def test_a_downloaded_file_that_has_gone_is_offered_again() -> None:
    entry = next(one for one in registry.entries() if one.name == RESNET)
    choose.fetching._futures[RESNET, "en"] = Future(result=entry)
    app = open_page(weights=RESNET)
    app.session_state[choose.FETCH] = {RESNET}
    app.run()
    assert not app.exception
    assert app.button(key="predict.download.first")


def test_what_is_known_of_one_network_is_not_said_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "stands_out", lambda _probabilities: False)
    ours, other = (
        next(one.help for one in open_page(weights=name).caption if "No class stands out" in one.value)
        for name in ("resnet20-cifar10", "vgg16-cifar10")
    )
    assert "resnet20-cifar10 gets every other one wrong" in ours
    assert not other


@pytest.mark.parametrize("show", ["predict", "test", "weights"])
@pytest.mark.parametrize("chosen", ["mine", "digits-cnn"])
def test_weights_that_go_while_the_page_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, show: str, chosen: str
) -> None:
    file = tmp_path / "weights/mine.safetensors"
    keep(file)
    listed = registry.entries()
    file.unlink()
    monkeypatch.setattr(registry, "entries", lambda: listed)
    app = open_page(show=show, weights=chosen)
    assert not app.exception
    if show == "predict":
        assert ("mine can't be read" in problem(app)) == (chosen == "mine")
    if (show, chosen) == ("weights", "mine"):
        app.session_state["predict-shelf-download"] = True
        assert "mine.safetensors can't be read" in problem(app.run())


def test_a_file_may_be_called_like_torchvisions(tmp_path: Path) -> None:
    keep(tmp_path / "weights/torchvision:mine.safetensors")
    app = open_page(weights="torchvision:mine")
    assert "56,714 parameters" in words(app)
