"""The Predict page, section Weights: the list, its actions, and the import."""

import io
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx
from streamlit.testing.v1 import AppTest

from explorer.errors import InputError
from explorer.families import resolve, saved
from explorer.families.building import build
from explorer.jobs.store import Store
from explorer.settings import settings
from explorer.ui.predict import importing
from explorer.ui.shared import address, weights_files
from explorer.weights import store, torchvision
from explorer.weights.files import read, read_card, save
from explorer.weights.importing import class_names, drafts
from explorer.weights.registry import PRETRAINED, entries
from tests.pages import helpers
from tests.pages.helpers import problem
from tests.pages.predict_page import box
from tests.pages.train_page import run_until_idle, words

open_page = partial(helpers.open_page, "predict", show="weights")
DIGITS = PRETRAINED / "digits-cnn.safetensors"
JOB = "abc123def456"


@pytest.fixture(autouse=True)
def folder(server: Store, converted_once: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """One set of weights of each kind, and a broken file."""
    monkeypatch.setenv("EXPLORER_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.setattr(torchvision, "catalogue", dict)
    settings.cache_clear()
    for place in (f"runs/{JOB}/best", "weights/mine"):
        file = tmp_path / f"{place}.safetensors"
        file.parent.mkdir(parents=True, exist_ok=True)
        save(file, *read(DIGITS))
    (tmp_path / "weights/broken.safetensors").write_bytes(b"nothing")
    importing._read_queue._futures.clear()
    yield tmp_path
    settings.cache_clear()


def names() -> set[str]:
    return {entry.name for entry in entries()}


def kilobytes(file: Path) -> str:
    return f"{file.stat().st_size / 1000:.2f} kB"


def open_menu(menu: str, **link: str) -> AppTest:
    """The page with a popover open."""
    app = open_page(**link)
    app.session_state[menu] = True
    return app.run()


def test_the_list_and_the_card_of_selected_weights() -> None:
    app = open_page(weights="digits-cnn")
    rows = {(row["kind"], row["name"]): row for row in app.dataframe[0].value.to_dict("records")}
    assert {("run", "digits-cnn"), ("published", "mine"), ("broken", "broken")} <= set(rows)
    assert ("pretrained", "resnet20-cifar10") in rows
    row = rows["pretrained", "digits-cnn"]
    assert {key: row[key] for key in row if key not in {"date", "network"}} == {
        "name": "digits-cnn", "kind": "pretrained", "params": "56,714", "data": "digits",
        "top1": pytest.approx(99.72, abs=0.01), "measured": "test set", "size": kilobytes(DIGITS),
    }  # fmt: skip
    text = words(app)
    assert "**Classes**: 10: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9" in text
    assert "**Images**: 8 × 8 pixels, grey" in text
    (entry,) = (entry for entry in entries() if entry.name == "digits-cnn")
    assert (store.immutable_reason(entry) or "no reason") in text
    assert {button.label for button in app.button} == {"Predict with it", "Test it"}
    figures: dict[str, str] = dict(app.dataframe[1].value.itertuples(index=False))
    assert figures["Test set: top-1"] == "99.72%"


@pytest.mark.parametrize(("button", "show"), [("predict.shelf.test", "test"), ("predict.shelf.use", "predict")])
def test_buttons_open_other_sections_with_the_weights(button: str, show: str) -> None:
    app = open_page(weights="mine")
    app.button(key=button).click().run()
    assert not app.exception
    assert app.session_state["asking"].view.show == show
    assert app.session_state["asking"].view.weights == "mine"


def test_a_broken_file_shows_its_error_and_can_be_deleted() -> None:
    app = open_page(weights="broken")
    assert "broken.safetensors" in problem(app)
    app.button(key="predict.shelf.delete").click().run()
    app.button(key="predict.shelf.keep").click().run()
    assert "broken" in names()
    app.button(key="predict.shelf.delete").click().run()
    assert "**broken** is deleted for everybody" in words(app)
    app.button(key="predict.shelf.really").click().run()
    assert "broken" not in names()
    assert "broken is deleted." in words(app)


def test_a_link_to_missing_weights() -> None:
    (info,) = open_page(weights="gone").info
    assert info.value.startswith("gone ")


def test_downloads_for_other_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_menu("predict-shelf-download", weights="mine")
    size = kilobytes(settings().weights_dir / "mine.safetensors")
    assert [button.proto.label for button in app.get("download_button")] == [
        f"Weights, safetensors ({size})", "Card of the weights, JSON", f"Weights, PyTorch .pth ({size})",
    ]  # fmt: skip
    monkeypatch.setattr(weights_files, "trained_bytes", lambda _path, _name, _say, **_options: b"onnx")
    app.button(key="predict.shelf.prepare").click().run()
    assert app.get("download_button")[-1].proto.label.startswith("Download mine.onnx (")

    def fail(_path: Path, _name: str, say: Callable[[str], None], **_options: object) -> bytes:
        say("Writing")
        raise InputError("the export took too long")

    monkeypatch.setattr(weights_files, "trained_bytes", fail)
    app.button(key="predict.shelf.prepare").click().run()
    assert problem(app) == "the export took too long"


def test_the_list_names_the_images_of_an_accuracy(folder: Path) -> None:
    tensors, card = read(DIGITS)
    changes: dict[str, dict[str, object]] = {
        f"runs/{JOB}/best": {"metrics": {"validation/top1": 0.9}},
        "weights/theirs": {"made_by": {"imported_from": {"file": "net.pth"}}},
        "weights/untold": {"metrics": {"imported/top1": 0.9}},
    }
    for place, updates in changes.items():
        save(folder / f"{place}.safetensors", tensors, card.model_copy(update=updates))
    table = open_page(weights="mine").dataframe[0].value
    measured = table[table["kind"] != "pretrained"].set_index("name")["measured"]
    assert measured[["mine", "digits-cnn", "theirs", "untold", "broken"]].tolist() == [
        "test set", "validation images", "as its card says", "", "",
    ]  # fmt: skip


def test_a_spinner_is_shown_while_weights_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[str] = []

    @contextmanager
    def spinner(text: str) -> Iterator[None]:
        messages.append(text)
        yield
        messages.append("over")

    monkeypatch.setattr("explorer.ui.predict.weights_list.st.spinner", spinner)
    monkeypatch.setattr(store, "rename", lambda _old, new: messages.append(new))
    app = open_menu("predict-shelf-rename", weights="mine")
    app.text_input(key="predict.shelf.name.mine").set_value("yours").run()
    app.button(key="predict.shelf.rename").click().run()
    assert messages == ["Writing the weights…", "yours", "over"]


def test_publishing_a_run() -> None:
    app = open_menu("predict-shelf-publish", weights=JOB)
    assert "publish them under a name to keep them" in words(app)
    assert app.text_input(key=f"predict.shelf.publish-name.{JOB}").value == "digits-cnn-2"
    app.text_input(key=f"predict.shelf.publish-name.{JOB}").set_value("digits-cnn").run()
    app.button(key="predict.shelf.publish").click().run()
    assert "'digits-cnn'" in problem(app)
    app.text_input(key=f"predict.shelf.publish-name.{JOB}").set_value("best.of-all").run()
    app.checkbox(key="predict.shelf.half").check().run()
    app.button(key="predict.shelf.publish").click().run()
    assert "best.of-all is published" in words(app)
    assert app.query_params["weights"] == "best.of-all"
    assert "**Precision**: float16" in words(app)


def test_renaming_weights() -> None:
    app = open_menu("predict-shelf-rename", weights="mine")
    app.text_input(key="predict.shelf.name.mine").set_value("../yours").run()
    app.button(key="predict.shelf.rename").click().run()
    assert "'../yours' is not allowed" in problem(app)
    app.text_input(key="predict.shelf.name.mine").set_value("yours").run()
    app.button(key="predict.shelf.rename").click().run()
    assert "The weights are called yours now." in words(app)
    assert app.query_params["weights"] == "yours"
    assert "mine" not in names()
    assert "**Original name**: digits-cnn" in words(app)  # the card is unchanged


def test_two_users_delete_the_same_weights() -> None:
    one, other = open_page(weights="mine"), open_page(weights="mine")
    for app in (one, other):
        app.button(key="predict.shelf.delete").click().run()
    one.button(key="predict.shelf.really").click().run()
    other.button(key="predict.shelf.really").click().run()
    assert "mine" not in names()
    assert not other.exception


# Import


def checkpoint() -> bytes:
    """A checkpoint of a small network from another program."""
    torch.manual_seed(0)
    file = io.BytesIO()
    tensors = build(resolve("digits-cnn").changed(num_classes=3), "cpu").state_dict()
    torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in tensors.items()}, "epoch": 7}, file)
    return file.getvalue()


def uploaded(content: bytes, name: str = "net.pth") -> AppTest:
    app = open_page()
    app.file_uploader[0].upload(name, content).run()
    return run_until_idle(app)


def field(app: AppTest, key: str) -> str:
    """The key of a question's widget."""
    fields = [*app.text_input, *app.text_area, *app.number_input, *app.selectbox]
    (found,) = (str(one.key) for one in fields if f".{key}." in str(one.key))
    return found


def test_importing_a_checkpoint() -> None:
    app = uploaded(checkpoint())
    assert "3 classes" in words(app)
    assert "'module' was removed" in words(app)
    assert app.text_input(key=f"{importing.DRAFT}.{app.session_state[importing.DRAFT]}.name").value == "net"
    app.selectbox(key=field(app, "mean")).set_value("0.1307").run()
    app.selectbox(key=field(app, "std")).set_value("0.3081").run()
    app.text_area(key=field(app, "classes")).set_value("ant\nbee\ncat").run()
    app.button(key="predict.import.write").click().run()
    assert "net is imported." in words(app)
    assert app.query_params["weights"] == "net"
    card = read_card(settings().weights_dir / "net.safetensors")
    assert (card.classes, card.inputs.mean, card.inputs.std) == (("ant", "bee", "cat"), (0.1307,), (0.3081,))
    assert card.metrics == {"imported/epoch": 7}
    assert card.made_by["imported_from"]["file"] == "net.pth"
    assert list(drafts._open) == []


def test_choosing_another_network_for_a_checkpoint() -> None:
    spec = resolve("digits-cnn").changed(num_classes=3)
    saved.save("ours", spec)
    app = uploaded(checkpoint())
    box(app, "import.network").select("digits-cnn").run()
    assert re.search(r"The tensor \S+ is \(3, \d+\), and \S+ of digits-cnn is \(10, \d+\)", problem(app))
    assert "trained on 3 classes, and not 10" in problem(app)
    assert '"num_classes":3' in problem(app).replace(" ", "")  # the right spec is offered
    assert not [button for button in app.button if button.key == "predict.import.write"]
    box(app, "import.network").select("saved:ours").run()
    assert problem(app) == ""
    assert "It fits" in words(app)
    app.button(key="predict.import.write").click().run()
    card = read_card(settings().weights_dir / "net.safetensors")
    assert card.network_spec == spec
    assert shlex.split(card.made_by["command"])[7:9] == ["--spec", spec.to_json()]


def test_choosing_the_edited_network_for_a_checkpoint() -> None:
    app = helpers.open_page("architecture", net="digits-cnn", num_classes="3")
    app.switch_page("../pages/predict.py")
    app.query_params.clear()
    app.query_params["show"] = "weights"
    app.run()
    app.file_uploader[0].upload("net.pth", checkpoint()).run()
    run_until_idle(app)
    found = [option for option in box(app, "import.network").options if option.endswith("(on the Architecture page)")]
    box(app, "import.network").select_index(box(app, "import.network").options.index(found[0])).run()
    assert "It fits" in words(app)
    app.button(key="predict.import.leave").click().run()


def test_an_unrecognised_checkpoint_shows_its_error() -> None:
    file = io.BytesIO()
    torch.save({"odd": torch.zeros(3), "weight": torch.zeros(7, 5)}, file)
    app = uploaded(file.getvalue())
    unnamed = problem(app)
    assert unnamed.startswith("net.pth: ")
    box(app, "import.network").select("vgg16").run()
    assert problem(app) != unnamed
    assert "vgg16" in problem(app)
    box(app, "import.network").select("").run()
    assert problem(app) == unnamed
    app.button(key="predict.import.leave").click().run()
    assert list(drafts._open) == []


def test_invalid_answers_show_errors_and_prevent_the_import() -> None:
    app = uploaded(checkpoint())
    for key, text, message in [
        ("mean", "0.1,x", "mean: '0.1,x'"),
        ("std", "0", "std"),
        ("classes", "/etc/passwd", "classes: 1 names"),
        ("classes", "[1", "classes: "),
    ]:
        box = app.text_area if key == "classes" else app.selectbox
        before = box(key=field(app, key)).value
        widget = box(key=field(app, key))
        if key != "classes":
            widget.options.append(text)  # AppTest does not accept new options
        widget.set_value(text).run()
        assert message in problem(app)
        assert app.button(key="predict.import.write").disabled
        box(key=field(app, key)).set_value(before).run()
        assert not app.error
    app.text_input(key=f"{importing.DRAFT}.{app.session_state[importing.DRAFT]}.name").set_value("mine").run()
    app.button(key="predict.import.write").click().run()
    assert "'mine'" in problem(app)
    app.button(key="predict.import.leave").click().run()
    assert names() >= {"mine"}
    assert "net" not in names()
    assert list(drafts._open) == []


def test_a_file_of_class_names_overrides_the_field() -> None:
    app = uploaded(checkpoint())
    app.file_uploader[-1].upload("classes.txt", "\ufeffant\nbee\ncat\n".encode()).run()
    app.button(key="predict.import.write").click().run()
    assert read_card(settings().weights_dir / "net.safetensors").classes == ("ant", "bee", "cat")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\xff", "is not UTF-8 text; save it as UTF-8"), (b"\xff" * (class_names.MAX_LIST + 1), "is too long")],
)
def test_an_invalid_file_of_class_names(content: bytes, message: str) -> None:
    app = uploaded(checkpoint())
    app.file_uploader[-1].upload("classes.txt", content).run()
    assert problem(app) == f"classes: the file {message}"
    app.button(key="predict.import.leave").click().run()


@pytest.mark.parametrize("content", [b"", b"<html>", b"PK\x03\x04 nothing"])
def test_other_files_are_refused(content: bytes) -> None:
    app = uploaded(content, "photo.png")
    assert problem(app).startswith("photo.png: ")
    app.button(key="predict.import.leave").click().run()
    assert not app.error
    assert list(drafts._open) == []


def test_a_too_large_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "MAX_FILE", 100)
    assert "net.pth: 101 B is more than the 100 B" in problem(uploaded(b"x" * 101))


def test_a_broken_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    app = uploaded(b"x")
    monkeypatch.setattr(importing, "_session_draft", importing._find_draft)  # Streamlit has released the draft
    importing._drafts.clear()
    assert "upload it again" in problem(app.run())
    app.button(key="predict.import.leave").click().run()
    assert not app.error


@pytest.mark.parametrize("late", [False, True])
def test_a_rename_survives_an_interrupted_run(monkeypatch: pytest.MonkeyPatch, late: bool) -> None:
    """If the user does something else right after the click, Streamlit ends the run at its next call."""
    done = store.rename
    write = address.write

    def interrupt() -> None:
        ctx = get_script_run_ctx()
        assert ctx is not None
        assert ctx.script_requests is not None
        ctx.script_requests.request_rerun(RerunData(query_string=before, page_script_hash=ctx.page_script_hash))

    def rename(old: str, new: str) -> Path:
        path = done(old, new)
        if not late:
            interrupt()
        return path

    def written(link: dict[str, str]) -> None:
        monkeypatch.setattr(address, "write", write)
        if late:
            interrupt()
        write(link)

    app = open_menu("predict-shelf-rename", weights="mine")
    before = "show=weights&weights=mine"
    app.text_input(key="predict.shelf.name.mine").set_value("yours").run()
    monkeypatch.setattr(store, "rename", rename)
    monkeypatch.setattr(address, "write", written)
    app.button(key="predict.shelf.rename").click().run()
    assert "The weights are called yours now." in words(app)
    assert not app.info
    assert app.query_params["weights"] == "yours"
    assert app.session_state["predict-shelf-rename.shown"].startswith("predict-shelf-rename.")  # a new, closed popover
    assert not [text for text in app.text_input if text.label == "New name"]
    assert "are called yours now" in words(app.run())  # until the user changes the view
    app.button(key="predict.shelf.test").click().run()
    app.session_state["asking"].correct(show="weights")
    assert "are called yours now" not in words(app.run())


def test_a_checkpoint_that_streamlit_reports_again_is_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer request can end the run that follows the callback. The next run then calls it again."""
    file = io.BytesIO(b"x")
    file.name, file.size = "mine.pth", 1  # type: ignore[attr-defined]
    monkeypatch.setattr("streamlit.session_state", {f"{importing.UPLOADER}.0": file})
    monkeypatch.setattr(importing, "state", Mock())
    monkeypatch.setattr(importing, "_session_draft", Mock())
    made = Mock()
    monkeypatch.setattr(importing, "Draft", made)
    for _call in range(2):
        importing._open_upload(0)
    assert made.call_count == 1
    importing._drafts.clear()
