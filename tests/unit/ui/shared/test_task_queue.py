"""The queue of background tasks, which several sessions share."""

import time
from collections.abc import Iterator
from threading import Event
from types import SimpleNamespace

import pytest

from explorer.errors import InputError
from explorer.i18n import language, use_language
from explorer.ui.shared import task_queue
from explorer.ui.shared.task_queue import Future, TaskQueue


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    use_language("en")


def finish(queue: TaskQueue[str], key: str) -> Future[str]:
    for _poll in range(6000):
        if (future := queue.request(key)).is_finished:
            return future
        time.sleep(0.01)
    raise AssertionError(key)


def test_each_session_gets_an_error_in_its_own_language() -> None:
    runs = []

    def work(key: str, _progress: object) -> str:
        runs.append(language())
        raise InputError(f"{key} in {language()}")

    queue = TaskQueue(work)
    for chosen in ("en", "de", "en", "de"):
        use_language(chosen)
        assert str(finish(queue, "broken").problem) == f"broken in {chosen}"
    assert runs == ["en", "de"]
    queue.invalidate("broken")
    finish(queue, "broken")
    use_language("en")
    finish(queue, "broken")
    assert runs == ["en", "de", "de", "en"]


def test_sessions_of_all_languages_share_a_task_and_its_result() -> None:
    runs, go = [], Event()

    def work(_key: str, _progress: object) -> str:
        runs.append(language())
        assert go.wait(60)
        return "done"

    queue = TaskQueue(work)
    first = queue.request("slow")
    use_language("de")
    assert queue.request("slow") is first
    go.set()
    assert finish(queue, "slow").result == "done"
    assert runs == ["en"]


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Says which session requests tasks, and at which time: the clock stands still."""
    now = SimpleNamespace(id="one", time=1000.0)
    monkeypatch.setattr(task_queue, "_session", lambda: now.id)
    monkeypatch.setattr(task_queue, "time", SimpleNamespace(monotonic=lambda: now.time))
    return now


@pytest.fixture
def busy() -> Iterator[TaskQueue[str]]:
    """A queue whose thread works on another task until the test ends."""
    started, go = Event(), Event()

    def work(_key: str, _progress: object) -> str:
        started.set()
        assert go.wait(60)
        return "done"

    queue = TaskQueue(work)
    queue.request("long")
    assert started.wait(60)
    yield queue
    queue._waiting.clear()
    go.set()


def test_a_session_has_only_some_waiting_tasks(busy: TaskQueue[str], session: SimpleNamespace) -> None:
    most = task_queue.MAX_WAITING_OF_SESSION
    assert [busy.request(f"task {number}").problem for number in range(most)] == [None] * most
    refused = busy.request("one more")
    assert refused.is_finished
    assert f"waits for {most} tasks already" in str(refused.problem)
    session.id = "two"
    assert busy.request("one more").problem is None, "another session can still wait"
    session.id, session.time = "one", session.time + task_queue.REPEAT_SECONDS + 0.1
    busy.request("task 3")
    assert busy.request("what the page shows now").problem is None, "what it does not show any more has made room"
    waiting = [place[0] for place, _future, _context in busy._waiting]
    assert waiting == ["task 3", "one more", "what the page shows now"]
    assert set(busy._futures) == {(key, "en") for key in ("long", *waiting)}


def test_a_task_of_several_sessions_counts_for_none(busy: TaskQueue[str], session: SimpleNamespace) -> None:
    for _pass in range(2):
        for number in range(task_queue.MAX_WAITING_OF_SESSION):
            assert busy.request(f"task {number}").problem is None
        session.id = "two"
    assert busy.request("one more").problem is None


def test_waiting_tasks_are_limited_in_total(
    busy: TaskQueue[str], session: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_queue, "MAX_WAITING", 3)
    for number in range(3):
        session.id = f"session {number}"
        assert busy.request(f"task {number}").problem is None
    session.id = "late"
    assert "Try again in some minutes" in str(busy.request("late").problem)
    session.time += task_queue.ABANDONED_SECONDS + 0.1  # the three have left
    assert busy.request("late").problem is None
    assert [place[0] for place, _future, _context in busy._waiting] == ["late"]


def test_a_session_keeps_at_most_a_quarter_of_the_results(session: SimpleNamespace) -> None:
    queue = TaskQueue(lambda key, _progress: key, max_finished=8)
    session.id = "another"
    finish(queue, "of another session")
    finish(queue, "of both")
    session.id = "one"
    finish(queue, "of both")
    for number in range(10):
        finish(queue, f"task {number}")
    kept = [place[0] for place in queue._futures]
    assert kept == ["of another session", "of both", "task 8", "task 9"], "its own oldest have gone first"
    for number in range(10):
        session.id = f"session {number}"
        finish(queue, f"task of session {number}")
    assert len(queue._futures) == 8
