"""Thirty readers press at once: equal experiments are computed once, and different ones wait for each other."""

from collections import Counter
from collections.abc import Callable
from threading import Barrier, Lock, Thread
from time import monotonic, sleep
from typing import Any

import pytest

from explorer.lessons import gradients
from explorer.training.gradient_norms import initial_gradient_norms
from explorer.ui.learn import background
from explorer.ui.learn.experiments.gradients import GradientsView, compute
from explorer.ui.shared.task_queue import TaskQueue
from explorer.workers.progress import Progress

CROWD = 30


class Busy:
    """Counts how often each piece of work runs, and how many run at the same time."""

    def __init__(self) -> None:
        self.runs, self.now, self.most, self._lock = Counter[str](), 0, 0, Lock()

    def work(self, key: str) -> str:
        with self._lock:
            self.runs[key] += 1
            self.now += 1
            self.most = max(self.most, self.now)
        sleep(0.02)
        with self._lock:
            self.now -= 1
        return f"result of {key}"


def press(act: Callable[[int], Any]) -> list[Any]:
    """What each reader gets."""
    together, found = Barrier(CROWD), [None] * CROWD

    def reader(number: int) -> None:
        together.wait()
        found[number] = act(number)

    threads = [Thread(target=reader, args=(number,)) for number in range(CROWD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_trainings_are_shared_and_queued() -> None:
    busy = Busy()

    def work(key: str, _progress: Progress) -> str:
        return busy.work(key)

    queue: TaskQueue[str] = TaskQueue(work)
    assert type(queue) is type(background.queue)

    def wait(number: int) -> str | None:
        end = monotonic() + 20
        while not (future := queue.request(f"experiment {number % 3}")).is_finished:
            assert monotonic() < end
            sleep(0.005)
        return future.result

    assert press(wait) == [f"result of experiment {number % 3}" for number in range(CROWD)]
    assert busy.runs == {"experiment 0": 1, "experiment 1": 1, "experiment 2": 1}
    assert busy.most == 1


def test_gradients_are_computed_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = Busy()

    def counted(spec: Any, **options: Any) -> Any:
        busy.work(f"{spec.residual}")
        return initial_gradient_norms(spec, **options)

    monkeypatch.setattr(gradients, "initial_gradient_norms", counted)
    gradients.norms.cache_clear()
    view = GradientsView(depth=8, seed=41)
    found = press(lambda _number: compute(view))
    assert len({id(one.plain) for one in found}) == 1
    assert busy.runs == {"True": 1, "False": 1}
