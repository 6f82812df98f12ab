"""Sweeps of the Train page: every job counts, not only the form's own."""

import pytest

from explorer.ui.train import cost
from tests.pages.helpers import metrics, problem
from tests.pages.train_page import SUBMIT, open_page, words

pytestmark = pytest.mark.usefixtures("server")


@pytest.mark.parametrize("sweep", ["weights=/etc/hostname", " weights =/etc/hostname", "lr=0.1;weights=/etc/hostname"])
def test_no_sweep_starts_from_the_servers_files(sweep: str) -> None:
    app = open_page(sweep=sweep)
    assert "there is no run '/etc/hostname'" in words(app)
    assert app.button(key=SUBMIT).disabled


def test_memory_is_that_of_the_job_that_needs_most() -> None:
    app = open_page(sweep="batch_size=32,1024")
    assert metrics(app)["Memory"] == metrics(open_page(batch_size="1024"))["Memory"]


def test_a_job_that_cannot_train_is_named() -> None:
    app = open_page(batch_size="1", sweep="spec.image_size=8,2")  # batch norms have one value a channel
    assert "image_size=2" in problem(app)
    assert "can't train on batches of 1" in problem(app)
    assert app.button(key=SUBMIT).disabled


def test_nothing_is_measured_that_others_have_no_memory_for(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = type("Memory", (), {"available": 10**8, "total": 10**11})
    monkeypatch.setattr(cost.psutil, "virtual_memory", lambda: memory)
    asked: list[str] = []
    monkeypatch.setattr(cost.pace, "work", lambda key, _progress: asked.append(key))
    app = open_page()
    assert "The time is not measured" in words(app)
    assert metrics(app)["Time"] == "–"
    assert asked == []
    assert not app.button(key=SUBMIT).disabled
