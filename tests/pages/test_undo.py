"""Undo, redo and saved networks on the Architecture page, without a browser."""

from functools import partial
from pathlib import Path

import pytest

from explorer.settings import settings
from tests.pages import helpers
from tests.pages.helpers import metrics, problem

open_page = partial(helpers.open_page, "architecture")


def test_undo_goes_back_step_by_step_and_redo_forward() -> None:
    app = open_page(net="vgg11")
    app.toggle(key="edit.batch_norm").set_value(True).run()
    app.number_input(key="edit.num_classes").set_value(10).run()
    changed = metrics(app)
    app.button(key="undo").click().run()
    assert app.query_params == {"net": "vgg11", "batch_norm": "true"}
    app.selectbox(key="edit.preset").set_value("googlenet").run()  # a preset is a step and clears redo
    assert app.button(key="redo").disabled
    app.button(key="undo").click().run()
    assert app.query_params == {"net": "vgg11", "batch_norm": "true"}
    app.button(key="undo").click().run()
    assert app.query_params == {"net": "vgg11"}
    assert app.button(key="undo").disabled
    app.button(key="redo").click().run()
    app.number_input(key="edit.num_classes").set_value(10).run()
    assert metrics(app) == changed


def test_a_number_typed_digit_by_digit_is_one_step() -> None:
    app = open_page(net="vgg11")
    for text in ("64", "64, M", "64, M, 1", "64, M, 12", "64, M, 128"):
        app.text_input(key="edit.cfg").set_value(text).run()
    app.button(key="undo").click().run()
    assert app.query_params == {"net": "vgg11"}
    assert str(app.text_input(key="edit.cfg").value).startswith("64, M, 128, M, 256")


def test_undo_after_a_mistake_leaves_no_error() -> None:
    app = open_page(net="vgg11")
    app.number_input(key="edit.num_classes").set_value(10).run()
    app.text_input(key="edit.cfg").set_value("64, bananas").run()
    assert "bananas" in problem(app)
    app.button(key="undo").click().run()
    assert problem(app) == ""
    assert app.query_params == {"net": "vgg11", "num_classes": "10"}


def set_saved_folder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("EXPLORER_SAVED_DIR", str(folder))
    settings.cache_clear()


@pytest.mark.parametrize(
    ("spec", "part"),
    [
        ('{"family": "torchvision", "name": "nosuch"}', "name: "),
        ('{"family": "torchvision", "name": "inception_v3", "image_size": 8}', "8×8"),
    ],
)
def test_a_saved_spec_that_can_not_run_is_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spec: str, part: str
) -> None:
    set_saved_folder(monkeypatch, tmp_path)
    (tmp_path / "bad.json").write_text(spec)
    app = open_page(net="vgg11")
    app.session_state["library"] = True  # the menu is open
    app.run()
    app.selectbox(key="library.chosen").set_value("bad").run()
    app.button(key="library.open").click().run()
    assert part in problem(app)
    assert app.query_params == {"net": "vgg11"}
    settings.cache_clear()


def test_quick_resets_and_presets_are_separate_steps() -> None:
    app = open_page(net="vgg11")
    app.text_input(key="edit.image_size").set_value("64").run()
    app.button(key="reset").click().run()
    app.button(key="undo").click().run()
    assert app.query_params == {"net": "vgg11", "image_size": "64"}
    for name in ("vgg13", "vgg16", "vgg19"):
        app.selectbox(key="edit.preset").set_value(name).run()
    for name in ("vgg16", "vgg13"):
        app.button(key="undo").click().run()
        assert app.query_params == {"net": name}


def test_a_reverted_edit_is_no_step() -> None:
    app = open_page(net="vgg11")
    app.toggle(key="edit.batch_norm").set_value(True).run()
    app.toggle(key="edit.batch_norm").set_value(False).run()
    assert app.button(key="undo").disabled


def test_undo_discards_a_refused_edit_first() -> None:
    app = open_page(net="vgg11")
    app.text_input(key="edit.image_size").set_value("-5").run()
    assert problem(app)
    app.button(key="undo").click().run()
    assert problem(app) == ""
    assert app.text_input(key="edit.image_size").value == "224"
    app.text_input(key="edit.image_size").set_value("64").run()
    app.text_input(key="edit.image_size").set_value("-5").run()
    app.button(key="undo").click().run()
    assert app.query_params == {"net": "vgg11", "image_size": "64"}
