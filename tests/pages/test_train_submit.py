"""Submission from the Train page: the present form is submitted once, or not at all."""

import io

import pytest

from explorer.data import uploads
from explorer.families import resolve
from explorer.jobs import service
from explorer.jobs.job import Job, Resources
from explorer.jobs.store import Store
from explorer.recipes import Recipe
from tests.pages.helpers import problem
from tests.pages.train_page import LR, SUBMIT, form, open_page, run_until_idle, words

pytestmark = pytest.mark.usefixtures("server")


def test_a_job_is_submitted_once_and_its_position_is_shown(server: Store) -> None:
    other = Job.new(resolve("lenet5"), "digits", Recipe(), Resources(), "Somebody's")
    server.add([other])
    app = run_until_idle(open_page())
    assert "Somebody's: waits" in words(app)
    app.text_input(key="train.title").set_value("Mine").run()
    app.button(key=SUBMIT).click().run()
    app.button(key=SUBMIT).click().run()  # a double click
    records = server.records()
    assert [record.name for record in records] == ["Somebody's", "Mine"]
    assert records[1].recipe == Recipe().to_dict()
    assert "Mine is submitted; 1 wait and 0 train before it." in words(app)
    (onward,) = [link for link in app.get("page_link") if link.proto.label == "Watch it"]
    assert f"job={records[1].id}" in onward.proto.query_string
    app.number_input(key="train.recipe.seed").set_value(1.0).run()
    app.button(key=SUBMIT).click().run()
    assert len(server.records()) == 3


def test_a_value_typed_just_before_the_click_is_submitted(server: Store) -> None:
    app = run_until_idle(open_page())
    app.number_input(key=LR).set_value(0.02)
    app.button(key=SUBMIT).click().run()
    assert [record.recipe["lr"] for record in server.records()] == [0.02]
    app.number_input(key=LR).set_value(-1.0)
    app.button(key=SUBMIT).click().run()
    assert "lr: " in problem(app)
    app.number_input(key=LR).set_value(0.03).run()
    assert problem(app) == ""
    assert len(server.records()) == 1


def test_a_click_with_an_old_link_submits_the_new_form(server: Store) -> None:
    app = run_until_idle(open_page())
    before = dict(app.query_params)
    app.number_input(key=LR).set_value(0.02).run()
    app.query_params.clear()
    for key, value in before.items():
        app.query_params[key] = value
    app.button(key=SUBMIT).click().run()
    assert [record.recipe["lr"] for record in server.records()] == [0.02]
    assert form(app).recipe.lr == 0.02


@pytest.mark.parametrize("change", ["data", "batch"])
def test_a_form_that_can_not_train_is_not_submitted(server: Store, change: str) -> None:
    broken = uploads.save("broken.zip", io.BytesIO(b"PK nothing"), 10)
    app = run_until_idle(open_page(net="resnet18", image_size="32"))
    if change == "data":
        app.selectbox(key="train.dataset").set_value(f"uploaded:{broken}")
    else:  # batch norm can't train on one value
        app.number_input(key="train.recipe.batch_size").set_value(1.0)
    app.button(key=SUBMIT).click().run()
    assert "This can't be trained as it stands" in problem(app)
    assert ("can't train on batches of 1" in words(app)) == (change == "batch")  # only below the field
    assert server.records() == []


def test_an_error_does_not_change_the_form(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_jobs: object) -> None:
        raise OSError(28, "No space left on device")

    app = run_until_idle(open_page(lr="0.02"))
    monkeypatch.setattr(service, "submit", full)
    app.button(key=SUBMIT).click().run()
    assert "No space left on device" in problem(app)
    assert form(app).recipe.lr == 0.02
    monkeypatch.undo()
