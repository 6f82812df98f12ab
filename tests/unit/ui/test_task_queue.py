"""Slow work beside the pages, that several sessions wait for."""

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


def ended(lane: TaskQueue[str], key: str) -> Future[str]:
    for _look in range(6000):
        if (piece := lane.ask(key)).ended:
            return piece
        time.sleep(0.01)
    raise AssertionError(key)


def test_each_session_is_told_of_a_problem_in_its_own_language() -> None:
    tried = []

    def work(key: str, _progress: object) -> str:
        tried.append(language())
        raise InputError(f"{key} in {language()}")

    lane = TaskQueue(work)
    for asked in ("en", "de", "en", "de"):
        use_language(asked)
        assert str(ended(lane, "broken").problem) == f"broken in {asked}"
    assert tried == ["en", "de"]
    lane.invalidate("broken")
    ended(lane, "broken")
    use_language("en")
    ended(lane, "broken")
    assert tried == ["en", "de", "de", "en"]


def test_work_under_way_and_its_result_are_shared_by_all_languages() -> None:
    tried, go = [], Event()

    def work(_key: str, _progress: object) -> str:
        tried.append(language())
        assert go.wait(60)
        return "done"

    lane = TaskQueue(work)
    first = lane.ask("slow")
    use_language("de")
    assert lane.ask("slow") is first
    go.set()
    assert ended(lane, "slow").result == "done"
    assert tried == ["en"]
