"""Runs of pages compute one after the other: what is short goes first, and no run stops the others."""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.runtime.scriptrunner import RerunData
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

from explorer.ui import run_queue
from explorer.ui.run_queue import RunQueue
from tests.helpers.waiting import until

LONG = 60.0  # seconds, at most


class Run:
    """A run in a thread: it begins when it has a place, and ends when the test says so.

    Attributes:
        ended: Set by the test.
    """

    def __init__(
        self, queue: RunQueue, name: str, began: "SimpleQueue[str]", allowance: float = 0, *, yields: bool = False
    ) -> None:
        self.ended, before = Event(), arrivals(queue)

        def run() -> None:
            with queue.place(allowance):
                if yields:
                    queue.let_others_first(allowance)
                began.put(name)
                assert self.ended.wait(LONG)

        self._thread = Thread(target=run, daemon=True)
        self._thread.start()
        until(lambda: arrivals(queue) != before)

    def end(self) -> None:
        self.ended.set()
        self._thread.join(LONG)
        assert not self._thread.is_alive()


def arrivals(queue: RunQueue) -> str:
    """Returns a text that differs after each arrival."""
    with queue._lock:
        return repr(queue._numbers)


@pytest.fixture
def began() -> "SimpleQueue[str]":
    return SimpleQueue()


def test_runs_begin_one_after_the_other_and_short_ones_first(began: "SimpleQueue[str]") -> None:
    queue = RunQueue(1, LONG, now=lambda: 0)
    runs = {"first": Run(queue, "first", began)}
    assert began.get(timeout=LONG) == "first"
    for name, allowance in {"page": 0.5, "another page": 0.5, "fragment": 0.0}.items():
        runs[name] = Run(queue, name, began, allowance)
    ahead = "first"
    for name in ("fragment", "page", "another page"):
        assert began.empty()
        runs[ahead].end()
        assert began.get(timeout=LONG) == name
        ahead = name
    runs[ahead].end()
    assert not queue._taken
    assert not queue._waiting


def test_short_runs_never_starve_a_long_one(began: "SimpleQueue[str]") -> None:
    clock = [0.0]
    queue = RunQueue(1, LONG, now=lambda: clock[0])
    first = Run(queue, "first", began)
    page = Run(queue, "page", began, allowance=0.5)
    clock[0] = 0.6
    fragment = Run(queue, "fragment", began)
    first.end()
    page.end()
    fragment.end()
    assert [began.get(timeout=LONG) for _ in range(3)] == ["first", "page", "fragment"]


def test_a_run_that_takes_long_does_not_stop_the_next(began: "SimpleQueue[str]") -> None:
    queue = RunQueue(1, lent=0.01)
    long = Run(queue, "long", began)
    assert began.get(timeout=LONG) == "long"
    following = Run(queue, "following", began)
    assert began.get(timeout=LONG) == "following", "it begins while the long one goes on"
    long.end()
    following.end()
    assert not queue._waiting


def test_a_run_that_has_shown_its_first_part_lets_others_go_first(began: "SimpleQueue[str]") -> None:
    queue = RunQueue(1, LONG, now=lambda: 0)
    holder = Run(queue, "holder", began)
    assert began.get(timeout=LONG) == "holder"
    pages = [Run(queue, "page", began, 0.5, yields=True), Run(queue, "another page", began, 0.5)]
    for run in (holder, *reversed(pages)):
        run.end()
    assert [began.get(timeout=LONG) for _ in pages] == ["another page", "page"]


def test_outside_of_a_run_nothing_waits() -> None:
    queue = RunQueue(0, LONG)
    queue.let_others_first(0.5)
    assert not queue._waiting


def test_an_error_gives_back_the_place(began: "SimpleQueue[str]") -> None:
    queue = RunQueue(1, LONG)
    with pytest.raises(LookupError), queue.place():
        raise LookupError
    Run(queue, "next", began).end()
    assert began.get(timeout=LONG) == "next"


@pytest.mark.parametrize(
    ("request_", "allowance"),
    [
        (RerunData(), run_queue.ALLOWANCE),
        (RerunData(fragment_id="layers"), 0),
        (RerunData(fragment_id_queue=["layers"]), 0),
        (RerunData(fragment_id="live", is_auto_rerun=True), run_queue.ALLOWANCE),
    ],
)
def test_each_script_waits_for_its_place(
    request_: RerunData, allowance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list[tuple[str, float]]()
    queue = RunQueue(1, LONG)
    place: Callable[..., Any] = queue.place

    def noted(given: float) -> Any:
        found.append(("waits", given))
        return place(given)

    monkeypatch.setattr(queue, "place", noted)
    monkeypatch.setattr(run_queue, "_queue", queue)
    monkeypatch.setattr(ScriptRunner, "_run_script_thread", lambda _self: found.append(("runs", len(queue._taken))))
    run_queue.install()
    installed = ScriptRunner._run_script_thread
    run_queue.install()
    assert ScriptRunner._run_script_thread is installed
    installed(SimpleNamespace(_requests=SimpleNamespace(_rerun_data=request_)))  # type: ignore[arg-type]
    assert found == [("waits", allowance), ("runs", 1)]
    assert not queue._taken
