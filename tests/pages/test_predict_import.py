"""The Predict page, section Weights: the import of a checkpoint."""

import io
import re
import shlex
from functools import partial
from unittest.mock import Mock

import pytest
import torch
from streamlit.testing.v1 import AppTest

from explorer.families import resolve, saved
from explorer.families.building import build
from explorer.settings import settings
from explorer.ui.predict import importing
from explorer.weights.files import read_card
from explorer.weights.importing import class_names, drafts
from explorer.weights.registry import entries
from tests.pages import helpers
from tests.pages.helpers import problem
from tests.pages.predict_page import box
from tests.pages.train_page import run_until_idle, words

open_page = partial(helpers.open_page, "predict", show="weights")
pytestmark = pytest.mark.usefixtures("weights_server")


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
    assert "{" not in problem(app)  # a spec in JSON would hide the cause
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
    names = {entry.name for entry in entries()}
    assert "mine" in names
    assert "net" not in names
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
