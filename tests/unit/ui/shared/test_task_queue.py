"""The queue of background tasks, which several sessions share."""

import time
from collections.abc import Iterator
from threading import Event

import pytest

from explorer.errors import InputError
from explorer.i18n import language, use_language
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
