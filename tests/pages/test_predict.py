"""The Predict page, section Images: the choice of networks and the answers, without a browser."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer.data import load
from explorer.errors import InputError
from explorer.families.building import build
from explorer.jobs import service
from explorer.jobs.store import Status, Store
from explorer.prediction import answers, reasons
from explorer.ui.predict import choose
from explorer.ui.shared import weights_options
from explorer.ui.shared.recent_set import RecentSet
from explorer.weights import files, registry
from explorer.workers import semaphore
from tests.helpers import made_runs
from tests.helpers.classify import classify
from tests.pages import helpers
from tests.pages.helpers import problem
from tests.pages.predict_page import box, html, open_page, save_weights, words

RESNET = "torchvision:ResNet18_Weights.IMAGENET1K_V1"

pytestmark = pytest.mark.usefixtures("predict_server")


def test_the_page_opens_with_an_answer() -> None:
    app = open_page()
    assert "### **cat**, 97." in words(app)
    assert "What the network sees: 32 × 32 pixels, resized straight to this size" in html(app)
    assert "Normalised: −1.57 is black, 1.27 white" in html(app)
    assert html(app).count('role="listitem"') == 5
    assert "trained on cifar10-jpeg.zip · 10 classes · 32 × 32 pixels, colour · 269.72 k parameters" in words(app)
    assert app.query_params == {}
    assert not app.warning


@pytest.mark.parametrize(
    ("name", "answer"), [("digits-cnn", "0"), ("mnist-cnn", "3"), ("mnist-fc", "3"), ("vgg16-cifar10", "cat")]
)
def test_each_bundled_network_classifies_its_first_picture(name: str, answer: str) -> None:
    app = open_page(weights=name)
    assert f"### **{answer}**, " in words(app)
    assert not app.warning
    assert not app.error


def test_the_number_of_listed_classes() -> None:
    app = open_page(weights="digits-cnn", index="3", top="3")
    expected = classify(*files.load(registry.PRETRAINED / "digits-cnn.safetensors"), [load("digits").test.images[3]])[0]
    assert html(app).count('role="listitem"') == 3
    for value in expected.topk(3).values.tolist():
        assert f"{value:.2%}" in html(app)
    assert not app.dataframe
    app.segmented_control(key="predict.view.top").set_value(10).run()
    assert html(app).count('role="listitem"') == 10
    assert app.query_params["top"] == "10"


def test_missing_weights_are_named_and_the_link_stays() -> None:
    app = open_page(weights="my-net", image="horse")
    assert "my-net is not among the weights of this server; you see resnet20-cifar10 instead." in words(app)
    assert "**horse**" in words(app)
    assert app.query_params == {"weights": "my-net", "image": "horse"}


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../pretrained/digits-cnn.safetensors", "pretrained/digits-cnn.safetensors"]
)
def test_a_path_in_the_link_is_not_a_network(name: str) -> None:
    (warning,) = open_page(weights=name).warning
    assert warning.value.replace("\\", "").startswith(f"{name} ")


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ({"source": "fax"}, "source: 'fax' is not one of"),
        ({"top": "11"}, "top:"),
        ({"index": "-1"}, "index"),
        ({"index": ".".join(map(str, range(101)))}, "index"),
        ({"unit": "1.2"}, "unit: it is not a unit"),
        ({"weights": "x" * 301}, "weights:"),
    ],
)
def test_an_invalid_link_is_explained_and_stays(link: dict[str, str], message: str) -> None:
    app = open_page(**link)
    assert message in problem(app)
    assert "**cat**" in words(app)
    assert app.query_params == link


def test_only_the_wrong_parts_of_a_link_are_dropped() -> None:
    app = open_page(weights="vgg16-cifar10", image="horse", top="11", source="fax")
    assert {part for part in ("top:", "source:", "weights:", "image:") if part in problem(app)} == {"top:", "source:"}
    assert box(app, "weights").value == "vgg16-cifar10"
    assert "**horse**" in words(app)


def test_another_network_can_be_chosen() -> None:
    app = open_page()
    box(app, "weights").set_value("vgg16-cifar10").run()
    assert "### **cat**, 83." in words(app)
    assert app.query_params == {"weights": "vgg16-cifar10"}


def test_broken_weights_are_not_offered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(registry, "PRETRAINED", tmp_path / "none")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/mine.safetensors").write_bytes(b"nothing")
    app = open_page()
    assert [warning.value.replace("\\", "").split()[0] for warning in app.warning] == ["resnet20-cifar10"]
    assert not any("mine" in option for option in box(app, "weights").options)


def test_weights_that_cannot_be_read_show_the_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    save_weights(tmp_path / "weights/mine.safetensors")

    def fail(_path: Path) -> None:
        raise InputError("the disk failed")

    monkeypatch.setattr(files, "load", fail)
    assert problem(open_page(weights="mine")) == "the disk failed"


def test_weights_of_a_job_link_to_its_run(jobs: Store, tmp_path: Path) -> None:
    job = made_runs.add(jobs, "my run", Status.FINISHED)
    save_weights(service.directory(job).best, name="my run", made_by={"job": job})
    app = open_page(weights=job)
    assert re.search(r"^### .*\*\*[0-9]\*\*", words(app), re.MULTILINE)  # its class for the first test image
    links = {link.proto.label: link.proto for link in app.get("page_link")}
    assert links["Its run"].query_string == f"job={job}"
    assert "Architecture" in links
    assert any(one.startswith("▶ my run · ") for one in labels(app))


def test_torchvision_weights_are_downloaded_on_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(registry.RegistryEntry, "is_there", property(lambda entry: entry.origin != "torchvision"))
    asked: list[str] = []

    def find(name: str, _progress: object) -> Path:
        asked.append(name)
        raise InputError("resnet18-f37072fd.pth is not in /cache, and the download failed (no route)")

    monkeypatch.setattr(registry, "find", find)
    app = open_page(weights=RESNET)
    assert "not on this server yet: 46" in words(app)
    assert not asked
    app.button(key="predict.download.first").click().run()
    assert isinstance(app.session_state[choose.DOWNLOADS], RecentSet), "it does not grow for ever"
    while not weights_options.downloads.request(RESNET).is_finished:
        time.sleep(0.01)
    app.run()
    assert asked == [RESNET]
    assert "resnet18-f37072fd.pth is not in /cache" in problem(app)
    assert app.button(key="predict.again.first").label == "Try again"
    assert any("download of 46" in one for one in labels(app))


def labels(app: AppTest) -> list[str]:
    return list(box(app, "weights").options)


def test_options_show_kind_accuracy_and_size() -> None:
    options = labels(open_page())
    assert "★ resnet20-cifar10 · 85.87% · 269.72 k" in options
    (vgg,) = [one for one in options if "VGG16_Weights.IMAGENET1K_V1" in one]
    assert vgg.startswith("◆ VGG16_Weights.IMAGENET1K_V1 · 71.59% · 138.36 M · download of 553.")


def test_two_networks_are_compared() -> None:
    app = open_page(beside="vgg16-cifar10")
    assert "Both say **cat**." in words(app)
    assert "### **cat**, 97." in words(app)
    assert "### **cat**, 83." in words(app)
    assert html(app).count('role="listitem"') == 10
    app = open_page(beside="vgg16-cifar10", image="coffee")
    assert "They disagree: **bird** against **dog**." in words(app)
    app = open_page(weights="resnet20-cifar10", beside="digits-cnn")
    assert "They know different classes" in words(app)
    assert "sees grey" in words(app) or "trained with grey images" in words(app)
    assert "gone is not among" in words(open_page(beside="gone"))


def test_a_network_with_two_channels_shows_an_error(tmp_path: Path) -> None:
    card = files.read_card(registry.PRETRAINED / "digits-cnn.safetensors")
    spec = card.network_spec.changed(in_channels=2)
    path = tmp_path / "weights/two.safetensors"
    path.parent.mkdir(parents=True)
    files.save(path, build(spec).state_dict(), card.model_copy(update={"spec": spec.to_dict()}))
    assert problem(open_page(weights="two", source="gallery")).startswith("in_channels: ")


def test_a_waiting_session_sees_the_number_of_sessions_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[str] = []

    def wait(on_wait: Callable[[int], None], **_named: object) -> object:
        on_wait(3)
        raise InputError("stopped here")

    monkeypatch.setattr(semaphore, "slot", wait)
    monkeypatch.setattr(
        "streamlit.delta_generator.DeltaGenerator.info", lambda _self, text, **_named: messages.append(text)
    )
    assert "stopped here" in problem(open_page())
    assert messages == ["Waiting: predictions before yours: 3"]


def test_one_run_of_the_page_has_one_place_in_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    place_ids: list[set[int]] = []
    slot = semaphore.slot

    @contextmanager
    def recording_slot(on_wait: Callable[[int], None], **named: bool) -> Iterator[None]:
        with slot(on_wait, **named):
            place_ids.append(set(semaphore._semaphore._present))
            yield

    answers._cache.clear()
    reasons._cache.clear()
    monkeypatch.setattr(semaphore, "slot", recording_slot)
    app = open_page(beside="vgg16-cifar10")
    assert len(place_ids) == 3  # two networks and a map
    assert place_ids == [place_ids[0]] * 3
    assert len(place_ids[0]) == 1
    assert not semaphore._semaphore._present
    reasons._cache.clear()
    app.run()
    assert min(place_ids[3]) > max(place_ids[0])


def test_a_finished_run_links_to_the_page(jobs: Store) -> None:
    job = made_runs.add(jobs, "my run", Status.FINISHED)
    service.directory(job).best.unlink()
    assert "Predict with it" not in page_links(helpers.open_page("runs", job=job))
    save_weights(service.directory(job).best)
    assert page_links(helpers.open_page("runs", job=job))["Predict with it"] == f"weights={job}"
    running = made_runs.add(jobs, "another", Status.RUNNING)
    save_weights(service.directory(running).best)
    assert "Predict with it" not in page_links(helpers.open_page("runs", job=running))


def page_links(app: AppTest) -> dict[str, str]:
    return {link.proto.label: link.proto.query_string for link in app.get("page_link")}
