"""Sweeps of the Train page: the grid and the table, their rules, and all of their jobs."""

import pytest

from explorer.jobs.store import store
from explorer.ui.train import cost
from explorer.ui.train.state import apply_edits
from tests.pages.helpers import metrics, problem
from tests.pages.train_page import SUBMIT, form, open_page, run_until_idle, words

pytestmark = pytest.mark.usefixtures("server")


@pytest.mark.parametrize("sweep", ["weights=/etc/hostname", " weights =/etc/hostname", "lr=0.1;weights=/etc/hostname"])
def test_a_sweep_can_not_read_the_servers_files(sweep: str) -> None:
    app = open_page(sweep=sweep)
    assert "'/etc/hostname'" in words(app)
    assert app.button(key=SUBMIT).disabled


def test_the_largest_memory_of_a_sweep_is_shown() -> None:
    app = open_page(sweep="batch_size=32,1024")
    assert metrics(app)["Memory"] == metrics(open_page(batch_size="1024"))["Memory"]


def test_a_job_that_can_not_train_is_named() -> None:
    app = open_page(batch_size="1", sweep="spec.image_size=8,2")  # batch norm can't train on one value
    assert "image_size=2" in problem(app)
    assert "can't train on batches of 1" in problem(app)
    assert app.button(key=SUBMIT).disabled


def test_nothing_is_measured_without_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = type("Memory", (), {"available": 10**8, "total": 10**11})
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    measured: list[str] = []
    monkeypatch.setattr(cost.throughputs, "work", lambda key, _progress: measured.append(key))
    app = open_page()
    assert "The time is not measured" in words(app)
    assert metrics(app)["Time"] == "–"
    assert measured == []
    assert not app.button(key=SUBMIT).disabled


def test_the_example_varies_hidden_width_dropout_and_rate() -> None:
    app = run_until_idle(open_page(net="vgg16-cifar10"))
    app.button(key="train-sweep-example").click().run()
    run_until_idle(app)
    assert app.button(key=SUBMIT).label == "Train 18 jobs"
    assert "18 jobs of about" in words(app)
    app.button(key=SUBMIT).click().run()
    records = store().records()
    assert len(records) == 18
    assert len({record.sweep for record in records}) == 1
    assert records[0].varied == {"spec.classifier": [64], "spec.dropout": 0.2, "lr": 0.001}
    assert "18 jobs are submitted" in words(app)


def test_an_invalid_sweep_is_explained() -> None:
    app = open_page()
    app.button(key="train-sweep-add").click().run()
    values = "train.sweep.0.values"
    app.text_input(key=values).set_value("0.1, 0.1").run()
    assert "sweep: lr has '0.1' twice" in words(app)
    assert app.button(key=SUBMIT).disabled
    app.button(key="train-sweep-add").click().run()
    for row in range(2):
        app.text_input(key=f"train.sweep.{row}.values").set_value(",".join(map(str, range(1, 33)))).run()
    assert "sweep: 1,024 " in words(app)
    app.button(key="train-sweep-remove-1").click().run()
    app.text_input(key=values).set_value("0.1, fast").run()
    assert "lr: 'fast' is not a number" in words(app)
    app.button(key="train-sweep-remove-0").click().run()
    assert form(app).sweep == ()
    assert not app.button(key=SUBMIT).disabled


def test_each_row_of_the_example_table_is_a_job() -> None:
    """The table of R0: two hidden layers, dropout, batch size and learning rate."""
    app = open_page(net="vgg16-cifar10")
    app.button(key="train-rows-example").click().run()
    assert app.button(key=SUBMIT).label == "Train 9 jobs"
    assert form(app).rows[:2] == (
        ("spec.classifier", "spec.dropout", "batch_size", "lr"),
        ("[50, 50]", "0.4", "32", "1e-4"),
    )
    assert form(open_page(**dict(app.query_params))).rows == form(app).rows
    made = form(app).jobs()
    assert {tuple(job.varied["spec.classifier"]) for job in made} == {(50, 50), (70, 70), (256, 256), (512, 512)}
    app.multiselect(key=f"train-rows-keys.{app.session_state['training'].revision}").unselect("spec.dropout").run()
    assert form(app).rows[1] == ("[50, 50]", "32", "1e-4")
    app.button(key="train-rows-remove").click().run()
    assert form(app).rows == ()


def test_an_invalid_row_is_named_by_its_number() -> None:
    app = open_page(rows="lr|spec.dropout;0.1|0.2;fast|;|0.3")
    assert "row 2: lr: " in words(app)
    assert app.button(key=SUBMIT).disabled


def test_edits_of_the_table_are_applied() -> None:
    table = (("lr", "seed"), ("0.1", "1"), ("0.2", "2"), ("0.3", "3"))
    changes = {
        "edited_rows": {0: {"lr": " 0.5; "}, 2: {"seed": None}}, "deleted_rows": [1],
        "added_rows": [{"lr": "7|8"}, {}],
    }  # fmt: skip
    assert apply_edits(table, changes) == (("lr", "seed"), ("0.5,", "1"), ("0.3", ""), ("7 8", ""), ("", ""))
