"""The Predict page, section Weights: the list and its actions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx
from streamlit.testing.v1 import AppTest

from explorer.errors import InputError
from explorer.settings import settings
from explorer.ui.shared import address, weights_files
from explorer.weights import store
from explorer.weights.files import read, save
from explorer.weights.registry import PRETRAINED, entries
from tests.pages import helpers
from tests.pages.helpers import problem
from tests.pages.predict_page import JOB
from tests.pages.train_page import words

open_page = partial(helpers.open_page, "predict", show="weights")
DIGITS = PRETRAINED / "digits-cnn.safetensors"
pytestmark = pytest.mark.usefixtures("weights_server")


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


@pytest.mark.parametrize(("button", "show"), [("predict.stored.test", "test"), ("predict.stored.use", "predict")])
def test_buttons_open_other_sections_with_the_weights(button: str, show: str) -> None:
    app = open_page(weights="mine")
    app.button(key=button).click().run()
    assert not app.exception
    assert app.session_state["predicting"].view.show == show
    assert app.session_state["predicting"].view.weights == "mine"


def test_a_broken_file_shows_its_error_and_can_be_deleted() -> None:
    app = open_page(weights="broken")
    assert "broken.safetensors" in problem(app)
    app.button(key="predict.stored.delete").click().run()
    app.button(key="predict.stored.keep").click().run()
    assert "broken" in names()
    app.button(key="predict.stored.delete").click().run()
    assert "**broken** is deleted for everybody" in words(app)
    app.button(key="predict.stored.really").click().run()
    assert "broken" not in names()
    assert "broken is deleted." in words(app)


def test_a_link_to_missing_weights() -> None:
    (info,) = open_page(weights="gone").info
    assert info.value.startswith("gone ")


def test_downloads_for_other_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_menu("predict-stored-download", weights="mine")
    size = kilobytes(settings().weights_dir / "mine.safetensors")
    assert [button.proto.label for button in app.get("download_button")] == [
        f"Weights, safetensors ({size})", "Card of the weights, JSON", f"Weights, PyTorch .pth ({size})",
    ]  # fmt: skip
    monkeypatch.setattr(weights_files, "trained_bytes", lambda _path, _name, _say, **_options: b"onnx")
    app.button(key="predict.stored.prepare").click().run()
    assert app.get("download_button")[-1].proto.label.startswith("Download mine.onnx (")

    def fail(_path: Path, _name: str, say: Callable[[str], None], **_options: object) -> bytes:
        say("Writing")
        raise InputError("the export took too long")

    monkeypatch.setattr(weights_files, "trained_bytes", fail)
    app.button(key="predict.stored.prepare").click().run()
    assert problem(app) == "the export took too long"


def test_the_list_names_the_images_of_an_accuracy(weights_server: Path) -> None:
    tensors, card = read(DIGITS)
    changes: dict[str, dict[str, object]] = {
        f"runs/{JOB}/best": {"metrics": {"validation/top1": 0.9}},
        "weights/theirs": {"made_by": {"imported_from": {"file": "net.pth"}}},
        "weights/untold": {"metrics": {"imported/top1": 0.9}},
    }
    for place, updates in changes.items():
        save(weights_server / f"{place}.safetensors", tensors, card.model_copy(update=updates))
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
    app = open_menu("predict-stored-rename", weights="mine")
    app.text_input(key="predict.stored.name.mine").set_value("yours").run()
    app.button(key="predict.stored.rename").click().run()
    assert messages == ["Writing the weights…", "yours", "over"]


def test_publishing_a_run() -> None:
    app = open_menu("predict-stored-publish", weights=JOB)
    assert "publish them under a name to keep them" in words(app)
    assert app.text_input(key=f"predict.stored.publish-name.{JOB}").value == "digits-cnn-2"
    app.text_input(key=f"predict.stored.publish-name.{JOB}").set_value("digits-cnn").run()
    app.button(key="predict.stored.publish").click().run()
    assert "'digits-cnn'" in problem(app)
    app.text_input(key=f"predict.stored.publish-name.{JOB}").set_value("best.of-all").run()
    app.checkbox(key="predict.stored.half").check().run()
    app.button(key="predict.stored.publish").click().run()
    assert "best.of-all is published" in words(app)
    assert app.query_params["weights"] == "best.of-all"
    assert "**Precision**: float16" in words(app)


def test_renaming_weights() -> None:
    app = open_menu("predict-stored-rename", weights="mine")
    app.text_input(key="predict.stored.name.mine").set_value("../yours").run()
    app.button(key="predict.stored.rename").click().run()
    assert "'../yours' is not allowed" in problem(app)
    app.text_input(key="predict.stored.name.mine").set_value("yours").run()
    app.button(key="predict.stored.rename").click().run()
    assert "The weights are called yours now." in words(app)
    assert app.query_params["weights"] == "yours"
    assert "mine" not in names()
    assert "**Original name**: digits-cnn" in words(app)  # the card is unchanged


def test_two_users_delete_the_same_weights() -> None:
    one, other = open_page(weights="mine"), open_page(weights="mine")
    for app in (one, other):
        app.button(key="predict.stored.delete").click().run()
    one.button(key="predict.stored.really").click().run()
    other.button(key="predict.stored.really").click().run()
    assert "mine" not in names()
    assert not other.exception


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

    app = open_menu("predict-stored-rename", weights="mine")
    before = "show=weights&weights=mine"
    app.text_input(key="predict.stored.name.mine").set_value("yours").run()
    monkeypatch.setattr(store, "rename", rename)
    monkeypatch.setattr(address, "write", written)
    app.button(key="predict.stored.rename").click().run()
    assert "The weights are called yours now." in words(app)
    assert not app.info
    assert app.query_params["weights"] == "yours"
    assert app.session_state["predict-stored-rename.shown"].startswith(
        "predict-stored-rename."
    )  # a new, closed popover
    assert not [text for text in app.text_input if text.label == "New name"]
    assert "are called yours now" in words(app.run())  # until the user changes the view
    app.button(key="predict.stored.test").click().run()
    app.session_state["predicting"].correct(show="weights")
    assert "are called yours now" not in words(app.run())
