"""The Test set section of the Predict page, in every state."""

import json
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from explorer.errors import InputError
from explorer.jobs.job import Job
from explorer.jobs.store import Store
from explorer.prediction import testing
from explorer.settings import settings
from explorer.ui.predict import evaluation, testsets
from explorer.ui.shared import task_queue
from explorer.ui.train import uploads
from explorer.weights import torchvision
from explorer.weights.files import read, save
from explorer.weights.registry import PRETRAINED, entries, find
from explorer.workers.progress import Progress
from tests.helpers import made_runs
from tests.pages import helpers
from tests.pages.helpers import metrics, problem
from tests.pages.predict_page import box
from tests.pages.train_page import words

open_page = partial(helpers.open_page, "predict", show="test")
WEIGHTS = PRETRAINED / "digits-cnn.safetensors"


def in_this_process(key: str, progress: Progress) -> bool:
    name, data = json.loads(key)
    testing.evaluate(find(name), data, progress)
    return True


@pytest.fixture(autouse=True)
def _server(server: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchvision, "catalogue", dict)
    monkeypatch.setattr(evaluation._testing, "work", in_this_process)
    evaluation._testing._futures.clear()


def ran(app: AppTest) -> None:
    """Press the button, and wait until there is a result or a problem.

    The page is not drawn while the test works in this process: CPython 3.11 can't read two sources (a page, the
    header of an array) at the same moment without now and then losing count of their depth.
    """
    app.button(key="predict-test").click().run()
    for _turn in range(1000):
        if all(piece.ended for piece in evaluation._testing._futures.values()):
            app.run()
            assert not any(button.key == "predict-test-stop" for button in app.button)
            return
        time.sleep(0.05)
    raise AssertionError("it never ends")


def test_from_the_button_to_the_numbers() -> None:
    app = open_page(weights="digits-cnn")
    assert "have not been tested on these images" in words(app)
    ran(app)
    shown = metrics(app)
    assert {name: shown[name] for name in ("Test top-1", "Test top-3", "Right")} == {
        "Test top-1": "99.72%", "Test top-3": "100.00%", "Right": "358 of 359",
    }  # fmt: skip
    tested = testing.load_cached(WEIGHTS, "digits")
    assert tested is not None
    assert shown["Expected calibration error"] == f"{tested.result['calibration']['ece']:.2%}"
    bins = app.dataframe[0].value
    assert sum(bins["images"]) == 359
    assert list(bins["gap"]) == list(bins["accuracy"] - bins["confidence"])
    assert "5 → 9" in " ".join(caption.value for caption in app.caption).replace("**", "")
    assert "**5** taken for **9**: 1" in words(app)


def test_what_was_tested_is_there_at_once() -> None:
    testing.evaluate(WEIGHTS, "digits")
    assert metrics(open_page(weights="digits-cnn"))["Test top-1"] == "99.72%"
    app = open_page(weights="digits-cnn", on="mnist")
    assert "MNIST is not on this server yet: 11.59 MB" in words(app)
    assert not app.metric


def test_numbers_of_earlier_weights_are_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_WEIGHTS_DIR", str(tmp_path))
    settings.cache_clear()
    tensors, card = read(WEIGHTS)
    save(tmp_path / "mine.safetensors", tensors, card)
    first, second, third = (open_page(weights="mine") for _session in range(3))
    ran(first)
    save(tmp_path / "mine.safetensors", {name: torch.zeros_like(tensor) for name, tensor in tensors.items()}, card)
    assert not first.run().metric
    assert "have not been tested on these images since either was last changed" in words(first)
    second.session_state[evaluation.ASKED] = {json.dumps(["mine", "digits"])}  # waited when the first test ended
    assert not second.run().metric
    assert second.button(key="predict-test")
    ran(third)
    for app in (first.run(), second.run(), third):
        assert metrics(app)["Right"] == "36 of 359"  # all the same: as many as there are of a class


def test_a_folder_is_said_not_to_be_watched(server: Store) -> None:
    data = settings().data_dir / "uploads" / "mine"
    for place in range(20):
        file = data / "test" / str(place % 10) / f"{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), place, np.uint8)).save(file)
    shutil.copytree(data / "test", data / "train")
    (job,) = made_runs.jobs("mine")
    folder = settings().runs_dir / job.id
    Job.new(job.spec, str(data), job.recipe, job.resources).write(folder)
    save(folder / "best.safetensors", *read(WEIGHTS))
    app = open_page(weights=job.id)
    ran(app)
    assert app.metric
    assert "Images in a folder are not watched" in words(app)


def test_a_fault_of_a_data_set_of_the_catalogue_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_key: str, _progress: Progress) -> bool:
        raise InputError("this is no address: ./mnist")

    monkeypatch.setattr(evaluation._testing, "work", fail)
    app = open_page(weights="digits-cnn", on="mnist")
    ran(app)
    assert problem(app) == "this is no address: ./mnist"


@pytest.mark.parametrize("on", ["nothing", "/etc/passwd", "uploaded:../x.npz", "uploaded:gone-0123456789.npz"])
def test_a_link_to_data_that_are_not_here(on: str) -> None:
    app = open_page(weights="digits-cnn", on=on)
    assert on.removeprefix("uploaded:") in problem(app)
    assert not app.metric


def upload(classes: list[str]) -> str:
    folder = settings().data_dir / "uploads"
    folder.mkdir(exist_ok=True)
    name = "mine-0123456789.npz"
    pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    np.savez(folder / name, images=pixels, labels=np.arange(60) % len(classes), classes=classes)
    assert uploads.names() == [name]
    return name


def test_uploads_can_be_tested_on_and_notes_are_shown() -> None:
    name = upload(list("abcdefghij"))
    app = open_page(weights="digits-cnn", on=f"uploaded:{name}")
    ran(app)
    assert any("by their position, 'a' for '0'" in warning.value.replace("\\", "") for warning in app.warning)
    assert metrics(app)["Right"].endswith("of 10")


def test_data_that_do_not_fit_are_named_without_the_servers_folder() -> None:
    name = upload(["cat", "dog"])
    app = open_page(weights="digits-cnn", on=f"uploaded:{name}")
    ran(app)
    assert "its class 'cat' is none of those of the weights" in problem(app)
    assert str(settings().data_dir) not in problem(app)
    assert app.button(key="predict-test-again")


def test_what_a_run_was_trained_on_comes_first(server: Store) -> None:
    path = str(settings().data_dir / "uploads" / upload(list("0123456789")))
    (job,) = made_runs.jobs("mine")
    folder = settings().runs_dir / job.id
    Job.new(job.spec, path, job.recipe, job.resources).write(folder)
    save(folder / "best.safetensors", *read(WEIGHTS))
    app = open_page(weights=job.id)
    assert "mine-0123456789.npz, on which it was trained" in box(app, "on").options[0]
    ran(app)
    assert metrics(app)["Right"].endswith("of 10")


def idle() -> None:
    """Wait until nothing is under way."""
    for _turn in range(3000):
        if not evaluation._testing._busy:
            return
        time.sleep(0.02)
    raise AssertionError("it never ends")


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """Tests that begin and don't end until they are left; how many have begun."""
    begun: list[str] = []
    over = threading.Event()

    def work(key: str, progress: Progress) -> bool:
        begun.append(key)
        while not over.wait(0.02):
            progress("running the network", 100, 400)
        return in_this_process(key, progress)

    monkeypatch.setattr(evaluation._testing, "work", work)
    yield lambda: len(begun)
    evaluation._testing._waiting.clear()
    over.set()
    idle()


def asked(app: AppTest) -> AppTest:
    app.button(key="predict-test").click().run()
    for _turn in range(1000):
        if any("running the network" in bar.proto.text for bar in app.get("progress")):
            return app
        time.sleep(0.02)
        app.run()
    raise AssertionError("it never begins")


def test_a_second_user_waits_for_the_same_test(held: Callable[[], int]) -> None:
    for app in (asked(open_page(weights="digits-cnn")), open_page(weights="digits-cnn")):
        assert not app.metric
    assert held() == 1
    third = open_page(weights="mnist-cnn")
    third.button(key="predict-test").click().run()
    assert "Waiting: this server runs one test at a time" in words(third)


def test_stop_ends_it_where_nobody_else_waits(held: Callable[[], int], clock: SimpleNamespace) -> None:
    one, other = asked(open_page(weights="digits-cnn")), open_page(weights="digits-cnn")
    one.button(key="predict-test-stop").click().run()
    assert one.button(key="predict-test")
    for _turn in range(3):
        clock.now += 0.9 * task_queue.MOMENT
        time.sleep(0.05)  # the work looks twice whether anybody waits
        other.run()
    assert evaluation._testing._busy
    other.button(key="predict-test-stop").click().run()
    clock.now += task_queue.MOMENT / 2
    time.sleep(0.05)
    assert evaluation._testing._busy  # a page that waits has not asked again yet
    clock.now += task_queue.MOMENT
    idle()
    assert held() == 1
    assert testing.load_cached(WEIGHTS, "digits") is None


def test_a_test_under_way_is_seen_by_whoever_comes_and_a_network_can_be_changed(held: Callable[[], int]) -> None:
    idler = open_page(weights="digits-cnn")
    asked(open_page(weights="digits-cnn"))
    for app in (open_page(weights="digits-cnn"), idler.run()):
        assert any("running the network" in bar.proto.text for bar in app.get("progress"))
        assert not [button for button in app.button if button.key == "predict-test"]
    box(idler, "weights").select_index(2).run()
    assert idler.button(key="predict-test")
    assert held() == 1


def test_who_has_stopped_is_not_drawn_in_again(held: Callable[[], int]) -> None:
    one, other = asked(open_page(weights="digits-cnn")), open_page(weights="digits-cnn")
    one.button(key="predict-test-stop").click().run()
    other.run()
    assert one.run().button(key="predict-test")
    assert other.button(key="predict-test-stop")
    assert one.button(key="predict-test").click().run().button(key="predict-test-stop")
    assert held() == 1


def test_what_a_network_was_trained_on_is_known_by_the_name_that_its_owner_gave_it(server: Store) -> None:
    app = open_page(weights="mnist-cnn")
    assert "mnist10k.npz, are not on this server; who has the file can upload it" in words(app)
    assert app.get("page_link")[-1].proto.page == "train"
    for given in ("mnist10k-more.npz", "mnist10k.zip", "mnist10k.npz"):
        uploads.keep(given, BytesIO(b"nothing"), 7)
    assert re.fullmatch(r"mnist10k-\w{10}\.npz, uploaded, on which it was trained", box(app.run(), "on").options[0])
    (card,) = (one.card for one in entries() if one.name == "mnist-cnn")
    upload = uploads.called("mnist10k.npz")
    assert card is not None
    assert upload is not None
    assert testsets.own(card) == f"uploaded:{upload}"
