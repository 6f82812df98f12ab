"""The data sets of the Train page, without a browser: named sets and uploads."""

import io
import time

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from explorer.data import preview, uploads
from explorer.data.catalogue import NAMES
from explorer.data.dataset import Dataset, Split
from explorer.errors import ContentError, InputError
from explorer.families import resolve
from explorer.jobs.job import Job, Resources
from explorer.jobs.store import Status, store
from explorer.recipes import Recipe
from explorer.settings import settings
from explorer.ui.shared.recent_set import RecentSet
from explorer.ui.train import data
from tests.pages.helpers import metrics, problem
from tests.pages.train_page import LR, SUBMIT, form, html, open_page, run_until_idle, words

pytestmark = pytest.mark.usefixtures("server")


@pytest.mark.parametrize("name", [name for name in NAMES if name != "digits"])
def test_a_data_set_can_be_chosen_before_its_download(name: str) -> None:
    app = run_until_idle(open_page(dataset=name))
    entry = NAMES[name]
    assert f"{entry.images[0]:,} images to train" in words(app)
    assert "to download" in words(app)
    assert metrics(app)["Test"] == f"{entry.images[1]:,}"
    assert not app.button(key=SUBMIT).disabled


def test_a_failed_download_is_explained_and_can_be_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    downloads = []

    def fail(name: str, _progress: object) -> preview.Preview:
        downloads.append(name)
        raise InputError("MNIST is not there, and the download failed (no network)")

    monkeypatch.setattr(data._downloading, "work", fail)
    app = open_page(dataset="mnist")
    app.button(key="train-download").click().run()
    assert isinstance(app.session_state[data.DOWNLOADS], RecentSet), "it does not grow for ever"
    run_until_idle(app)
    assert "the download failed (no network)" in problem(app)
    app.button(key="train-again").click().run()
    run_until_idle(app)
    assert downloads == ["mnist", "mnist"]
    assert not app.button(key=SUBMIT).disabled  # the run tries the download again


def test_a_downloaded_data_set_is_previewed(monkeypatch: pytest.MonkeyPatch) -> None:
    split = Split(torch.randint(0, 256, (60, 3, 32, 32), dtype=torch.uint8), torch.arange(60) % 3)
    dataset = Dataset(
        "cifar10", ("ape", "bee", "<b>cat"), 3, mirrored=True, train=split, test=split, notes=("A note.",)
    )
    monkeypatch.setattr("explorer.data.preview.load", lambda _name, _progress: dataset)
    monkeypatch.setattr(data, "is_downloaded", lambda _entry: True)
    preview.read("cifar10")
    app = run_until_idle(open_page(net="vgg16-cifar10", dataset="cifar10"))
    assert metrics(app)["Train"] == "54"
    assert "3 classes, colour, 32 × 32 pixels" in words(app)
    assert "A note." in words(app)
    original, augmented = [text for text in html(app) if "samples" in text]
    assert original.count("<img") == augmented.count("<img") == 16
    assert "&lt;b&gt;cat" in original
    assert "<b>cat" not in original
    assert original != augmented
    assert "augmentation: flip, crop" in words(app)
    app.button(key="train-next").click().run()
    assert [text for text in html(app) if "samples" in text][1] != augmented


def npz(images: int = 40, side: int = 8) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (images, side, side), dtype=np.uint8)
    np.savez(file, images=pixels, labels=np.arange(images) % 2)
    return file.getvalue()


def upload(app: AppTest, name: str, content: bytes) -> AppTest:
    app.file_uploader[0].upload(name, content).run()
    return run_until_idle(app)


def test_an_upload_is_previewed_used_and_removed() -> None:
    app = upload(open_page(), "../../My odd náme.npz", npz())
    assert problem(app) == ""
    (name,) = uploads.names()
    assert name.startswith("My-odd-náme-")
    assert form(app).dataset == f"uploaded:{name}"
    assert metrics(app)["Test"] == "8"
    assert "40" not in metrics(app)["Train"]
    app.button(key=SUBMIT).click().run()
    assert store().records()[0].dataset == str(uploads.path(name))
    app.button(key=f"train-really-{name}").click().run()
    assert "is used by a job that trains or waits" in problem(app)
    store().change(store().records()[0].id, Status, status=Status.FINISHED)
    app.button(key=f"train-really-{name}").click().run()
    assert uploads.names() == []
    assert form(app).dataset == "digits"


@pytest.mark.usefixtures("read_in_process")
@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("notes.txt", b"x", "notes.txt: neither .zip nor .npz"),
        ("broken.zip", b"PK nothing", " is not a zip "),
        ("empty.npz", b"", " is not a zip "),
    ],
)
def test_an_invalid_upload_is_refused_by_name(name: str, content: bytes, text: str) -> None:
    app = upload(open_page(), name, content)
    assert text in problem(app)
    assert name.partition(".")[0] in problem(app)
    assert str(settings().data_dir) not in problem(app)
    assert uploads.names() == []
    app.selectbox(key="train.dataset").set_value("digits")
    app.number_input(key=LR).set_value(0.02).run()
    assert problem(app) == ""


@pytest.mark.usefixtures("read_in_process")
def test_a_temporary_error_does_not_delete_an_upload(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str, _progress: object) -> preview.Preview:
        raise InputError(f"{path} changed while it was read; try again")

    compute = preview.compute
    monkeypatch.setattr(preview, "compute", fail)
    app = upload(open_page(), "mine.npz", npz())
    (name,) = uploads.names()
    assert f"{name} changed while it was read" in problem(app)
    monkeypatch.setattr(preview, "compute", compute)
    app.button(key="train-again").click().run()
    assert metrics(run_until_idle(app))["Test"] == "8"
    assert problem(app) == ""


@pytest.mark.usefixtures("read_in_process")
@pytest.mark.parametrize("reason", ["a job waits for it", "it was read before"])
def test_an_upload_in_use_is_never_deleted(reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: str, _progress: object) -> preview.Preview:
        raise ContentError("a new rule")

    name = uploads.save("mine.npz", io.BytesIO(npz()), len(npz()))
    path = str(uploads.path(name))
    if reason == "it was read before":
        upload(open_page(), "mine.npz", npz())
        while not data._loading.request(path).is_finished:  # the page reads an upload at once
            time.sleep(0.05)
    if reason == "a job waits for it":
        store().add([Job.new(resolve("digits-cnn"), path, Recipe(), Resources())])
    preview.invalidate(path)
    data._loading.invalidate(path)
    monkeypatch.setattr(preview, "compute", refuse)
    link = {"dataset": f"uploaded:{name}"}
    app = (
        upload(open_page(), "mine.npz", npz()) if reason == "a job waits for it" else run_until_idle(open_page(**link))
    )
    assert "a new rule" in problem(app)
    assert uploads.names() == [name]


def test_uploads_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_FILE", 100)
    assert "is more than the 100 B allowed for an upload" in problem(upload(open_page(), "big.npz", npz()))
    monkeypatch.setattr(uploads, "MAX_FILE", 10**9)
    monkeypatch.setattr(uploads, "MAX_TOTAL", 100)
    assert "may take 100 B in all" in problem(upload(open_page(), "big.npz", npz()))
    assert uploads.names() == []


def test_random_labels_and_a_planted_patch_are_shown_before_the_training() -> None:
    app = run_until_idle(open_page(dataset="digits", random_labels="1", patch="0.5"))
    assert "100% have a random class, and 50% a patch" in words(app)
    app.selectbox(key="train.recipe.patch_shows").set_value("position").run()
    assert form(app).recipe.patch_shows == "position"
    assert app.query_params["patch_shows"] == "position"
    app.number_input(key="train.recipe.patch").set_value(2.0).run()
    assert "patch" in words(app)
    assert form(app).recipe.patch == 0.5


def test_an_upload_that_streamlit_reports_again_is_stored_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer request can end the run that follows the callback. The next run then calls it again."""
    stored: list[object] = []
    monkeypatch.setattr("streamlit.session_state", {f"{data.UPLOAD}.0": io.BytesIO(npz())})
    monkeypatch.setattr(data, "_apply", stored.append)
    for _call in range(2):
        data._upload(0)
    assert len(stored) == 1
