"""The Predict page, section Test set."""

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

from explorer.data import uploads
from explorer.errors import InputError
from explorer.jobs.job import Job
from explorer.jobs.store import Store
from explorer.prediction import testing
from explorer.settings import settings
from explorer.ui.predict import evaluation, testsets
from explorer.ui.shared import task_queue
from explorer.ui.shared.recent_set import RecentSet
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
    monkeypatch.setattr(evaluation._tests, "work", in_this_process)
    evaluation._tests._futures.clear()


def run_test(app: AppTest) -> None:
    """Press the button, and wait for a result or an error.

    The page does not run while the test runs in this process. If two threads of CPython 3.11 parse source at the same
    time, here a page and the header of an array, the parser sometimes counts its recursion depth wrongly.
    """
    app.button(key="predict-test").click().run()
    for _turn in range(6000):  # minutes: the machine may be busy
        if all(piece.is_finished for piece in evaluation._tests._futures.values()):
            app.run()
            assert not any(button.key == "predict-test-stop" for button in app.button)
            return
        time.sleep(0.05)
    raise AssertionError("it never ends")


def test_the_button_runs_the_test_and_shows_the_result() -> None:
    app = open_page(weights="digits-cnn")
    assert "have not been tested on these images" in words(app)
    run_test(app)
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


def test_a_cached_result_is_shown_at_once() -> None:
    testing.evaluate(WEIGHTS, "digits")
    assert metrics(open_page(weights="digits-cnn"))["Test top-1"] == "99.72%"
    app = open_page(weights="digits-cnn", on="mnist")
    assert "11.59 MB are downloaded first" in words(app)
    assert not app.metric


def test_results_of_earlier_weights_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_WEIGHTS_DIR", str(tmp_path))
    settings.cache_clear()
    tensors, card = read(WEIGHTS)
    save(tmp_path / "mine.safetensors", tensors, card)
    first, second, third = (open_page(weights="mine") for _session in range(3))
    run_test(first)
    save(tmp_path / "mine.safetensors", {name: torch.zeros_like(tensor) for name, tensor in tensors.items()}, card)
    assert not first.run().metric
    assert "have not been tested on these images since either was last changed" in words(first)
    second.session_state[evaluation.REQUESTED] = {json.dumps(["mine", "digits"])}  # it waited when the first test ended
    assert not second.run().metric
    assert second.button(key="predict-test")
    run_test(third)
    for app in (first.run(), second.run(), third):
        assert metrics(app)["Right"] == "36 of 359"  # zero weights predict one class, which has 36 images


def test_a_note_says_that_folders_are_not_watched(server: Store) -> None:
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
    run_test(app)
    assert app.metric
    assert "Changes in a folder of images are not noticed" in words(app)


def test_an_error_of_a_catalogue_data_set_is_shown_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_key: str, _progress: Progress) -> bool:
        raise InputError("this is no address: ./mnist")

    monkeypatch.setattr(evaluation._tests, "work", fail)
    app = open_page(weights="digits-cnn", on="mnist")
    run_test(app)
    assert problem(app) == "this is no address: ./mnist"


@pytest.mark.parametrize("on", ["nothing", "/etc/passwd", "uploaded:../x.npz", "uploaded:gone-0123456789.npz"])
def test_a_link_to_missing_data(on: str) -> None:
    app = open_page(weights="digits-cnn", on=on)
    assert on.removeprefix("uploaded:") in problem(app)
    assert not app.metric


def save_upload(classes: list[str]) -> str:
    folder = settings().data_dir / "uploads"
    folder.mkdir(exist_ok=True)
    name = "mine-0123456789.npz"
    pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    np.savez(folder / name, images=pixels, labels=np.arange(60) % len(classes), classes=classes)
    assert uploads.names() == [name]
    return name


def test_uploaded_data_and_warnings() -> None:
    name = save_upload(list("abcdefghij"))
    app = open_page(weights="digits-cnn", on=f"uploaded:{name}")
    run_test(app)
    assert any("'a' with '0'" in warning.value.replace("\\", "") for warning in app.warning)
    assert metrics(app)["Right"].endswith("of 10")


def test_an_error_does_not_show_the_servers_folder() -> None:
    name = save_upload(["cat", "dog"])
    app = open_page(weights="digits-cnn", on=f"uploaded:{name}")
    run_test(app)
    assert "'cat'" in problem(app)
    assert str(settings().data_dir) not in problem(app)
    assert app.button(key="predict-test-again")


def test_the_training_data_of_a_run_are_the_default(server: Store) -> None:
    path = str(settings().data_dir / "uploads" / save_upload(list("0123456789")))
    (job,) = made_runs.jobs("mine")
    folder = settings().runs_dir / job.id
    Job.new(job.spec, path, job.recipe, job.resources).write(folder)
    save(folder / "best.safetensors", *read(WEIGHTS))
    app = open_page(weights=job.id)
    assert "mine-0123456789.npz, on which it was trained" in box(app, "on").options[0]
    run_test(app)
    assert metrics(app)["Right"].endswith("of 10")


def wait_until_idle() -> None:
    """Wait until no test is running."""
    for _turn in range(15_000):
        if not evaluation._tests._busy:
            return
        time.sleep(0.02)
    raise AssertionError("it never ends")


@pytest.fixture
def running_tests(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """Make tests run until nobody waits for them. Return a function that counts the started tests."""
    started: list[str] = []
    released = threading.Event()

    def work(key: str, progress: Progress) -> bool:
        started.append(key)
        while not released.wait(0.02):
            progress("halfway", 100, 400)
        return in_this_process(key, progress)

    monkeypatch.setattr(evaluation._tests, "work", work)
    yield lambda: len(started)
    evaluation._tests._waiting.clear()
    released.set()
    wait_until_idle()


def start_test(app: AppTest) -> AppTest:
    app.button(key="predict-test").click().run()
    for _turn in range(6000):  # minutes: the machine may be busy
        if any("halfway" in bar.proto.text for bar in app.get("progress")):
            return app
        time.sleep(0.02)
        app.run()
    raise AssertionError("it never begins")


def test_a_second_user_joins_a_running_test(running_tests: Callable[[], int]) -> None:
    for app in (start_test(open_page(weights="digits-cnn")), open_page(weights="digits-cnn")):
        assert not app.metric
    assert running_tests() == 1
    third = open_page(weights="mnist-cnn")
    third.button(key="predict-test").click().run()
    assert "Waiting: this server runs one test at a time" in words(third)


def test_stop_ends_the_test_if_nobody_else_waits(running_tests: Callable[[], int], clock: SimpleNamespace) -> None:
    one, other = start_test(open_page(weights="digits-cnn")), open_page(weights="digits-cnn")
    one.button(key="predict-test-stop").click().run()
    assert one.button(key="predict-test")
    for bounded in (evaluation.REQUESTED, evaluation.STOPPED):
        assert isinstance(one.session_state[bounded], RecentSet), "it does not grow for ever"
    for _turn in range(3):
        clock.now += 0.9 * task_queue.REPEAT_SECONDS
        time.sleep(0.05)  # the task checks twice whether anybody waits
        other.run()
    assert evaluation._tests._busy
    other.button(key="predict-test-stop").click().run()
    clock.now += task_queue.REPEAT_SECONDS / 2
    time.sleep(0.05)
    assert evaluation._tests._busy  # a waiting page may still ask again
    clock.now += task_queue.REPEAT_SECONDS
    wait_until_idle()
    assert running_tests() == 1
    assert testing.load_cached(WEIGHTS, "digits") is None


def test_other_pages_see_a_running_test_and_can_change_the_network(running_tests: Callable[[], int]) -> None:
    waiting_page = open_page(weights="digits-cnn")
    start_test(open_page(weights="digits-cnn"))
    for app in (open_page(weights="digits-cnn"), waiting_page.run()):
        assert any("halfway" in bar.proto.text for bar in app.get("progress"))
        assert not [button for button in app.button if button.key == "predict-test"]
    box(waiting_page, "weights").select_index(2).run()
    assert waiting_page.button(key="predict-test")
    assert running_tests() == 1


def test_a_user_who_has_stopped_does_not_join_again(running_tests: Callable[[], int]) -> None:
    one, other = start_test(open_page(weights="digits-cnn")), open_page(weights="digits-cnn")
    one.button(key="predict-test-stop").click().run()
    other.run()
    assert one.run().button(key="predict-test")
    assert other.button(key="predict-test-stop")
    assert one.button(key="predict-test").click().run().button(key="predict-test-stop")
    assert running_tests() == 1


def test_uploaded_training_data_are_found_by_their_original_name(server: Store) -> None:
    app = open_page(weights="mnist-cnn")
    assert "mnist10k.npz, are not on this server; anyone who has the file can upload it" in words(app)
    assert app.get("page_link")[-1].proto.page == "train"
    for given in ("mnist10k-more.npz", "mnist10k.zip", "mnist10k.npz"):
        uploads.save(given, BytesIO(b"nothing"), 7)
    assert re.fullmatch(r"mnist10k-\w{10}\.npz, uploaded, on which it was trained", box(app.run(), "on").options[0])
    (card,) = (one.card for one in entries() if one.name == "mnist-cnn")
    save_upload = uploads.find("mnist10k.npz")
    assert card is not None
    assert save_upload is not None
    assert testsets.training_data(card) == f"uploaded:{save_upload}"
