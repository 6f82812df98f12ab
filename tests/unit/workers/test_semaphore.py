"""The fair semaphore: few threads compute at once, in order of arrival, and each leaves a free place."""

import time
from threading import Event, Thread

import pytest

from explorer.workers import semaphore
from explorer.workers.semaphore import FairSemaphore


@pytest.fixture(autouse=True)
def short_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(semaphore, "POLL", 0.005)


class Worker(Thread):
    """Takes a slot, and holds it until ``done`` is set."""

    def __init__(self, line: FairSemaphore, order: list["Worker"]) -> None:
        super().__init__(daemon=True)
        self.line, self.order = line, order
        self.at_work, self.done = Event(), Event()
        self.ahead: list[int] = []
        self.leaves = False

    def wait(self, ahead: int) -> None:
        self.ahead.append(ahead)
        if self.leaves:
            raise KeyboardInterrupt  # what ends a script is not an Exception

    def run(self) -> None:
        try:
            with self.line.slot(self.wait):
                self.order.append(self)
                self.at_work.set()
                self.done.wait(60)
        except KeyboardInterrupt:
            self.done.set()


def queue(line: FairSemaphore, count: int) -> list[Worker]:
    """Starts workers that arrive one after the other."""
    order: list[Worker] = []
    workers = []
    for _number in range(count):
        before = len(line._present)
        workers.append(Worker(line, order))
        workers[-1].start()
        until(lambda before=before: len(line._present) == before + 1)
    return workers


def until(holds: object) -> None:
    end = time.monotonic() + 60
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.001)


def end(worker: Worker) -> None:
    worker.done.set()
    worker.join(60)
    assert not worker.is_alive()


def test_one_thread_computes_at_a_time_in_order_of_arrival() -> None:
    workers = queue(FairSemaphore(1), 5)
    for position, worker in enumerate(workers):
        assert worker.at_work.wait(60)
        assert [other.at_work.is_set() for other in workers] == [number <= position for number in range(5)]
        end(worker)
    assert workers[0].order == workers


def test_a_waiting_thread_is_told_how_many_are_ahead() -> None:
    workers = queue(FairSemaphore(1), 3)
    until(lambda: workers[2].ahead)
    assert workers[2].ahead[0] == 2
    end(workers[0])
    until(lambda: workers[2].ahead[-1] == 1)
    assert sorted(workers[2].ahead, reverse=True) == workers[2].ahead
    assert not workers[0].ahead
    for worker in workers[1:]:
        end(worker)


def test_leaving_the_queue_frees_the_place() -> None:
    workers = queue(FairSemaphore(1), 3)
    until(lambda: workers[2].ahead and workers[2].ahead[-1] == 2)
    workers[1].leaves = True
    workers[1].join(60)
    until(lambda: workers[2].ahead[-1] == 1)
    assert not workers[2].at_work.is_set()
    end(workers[0])
    assert workers[2].at_work.wait(60)
    end(workers[2])
    assert workers[0].order == [workers[0], workers[2]]


def test_an_error_frees_the_slot() -> None:
    line = FairSemaphore(1)
    with pytest.raises(ZeroDivisionError), line.slot(lambda _ahead: None):
        raise ZeroDivisionError
    with line.slot(lambda _ahead: pytest.fail("it waits for nobody")):
        pass


def test_all_slots_are_used() -> None:
    workers = queue(FairSemaphore(2), 3)
    assert workers[0].at_work.wait(60)
    assert workers[1].at_work.wait(60)
    until(lambda: workers[2].ahead)
    assert not workers[2].at_work.is_set()
    end(workers[1])
    assert workers[2].at_work.wait(60)
    for worker in (workers[0], workers[2]):
        end(worker)


class Visitor(Thread):
    """A run of a page: takes some slots in one visit. The test says when it takes each and gives it back."""

    def __init__(self, line: FairSemaphore, order: list[str], name: str, slots: int, *, yielding: bool = False) -> None:
        super().__init__(daemon=True, name=name)
        self.line, self.order, self.slots, self.yielding = line, order, slots, yielding
        self.ahead: list[int] = []
        self.asks, self.ends, self.at_work, self.between = ([Event() for _slot in range(slots)] for _kind in range(4))

    def run(self) -> None:
        with self.line.visit():
            for index in range(self.slots):
                assert self.asks[index].wait(60)
                with self.line.slot(self.ahead.append, yielding=self.yielding and index > 0):
                    self.order.append(self.name)
                    self.at_work[index].set()
                    assert self.ends[index].wait(60)
                self.between[index].set()

    def ask(self, index: int) -> None:
        """Lets it ask for a slot, and waits until it has the slot or is in the queue."""
        before = len(self.ahead)
        self.asks[index].set()
        until(lambda: self.at_work[index].is_set() or len(self.ahead) > before)

    def refresh(self) -> None:
        """Waits until it knows its present place in the queue."""
        before = len(self.ahead)
        until(lambda: len(self.ahead) > before + 1)  # the first number may be an old one

    def compute(self, index: int) -> None:
        """Waits until it has the slot, and lets it give the slot back."""
        assert self.at_work[index].wait(60)
        self.ends[index].set()
        assert self.between[index].wait(60)


def visitors(line: FairSemaphore, order: list[str], *, yielding: bool = False, **slots: int) -> list[Visitor]:
    """Starts visitors by name with their numbers of slots. They append their names to the same order."""
    started = [Visitor(line, order, name, count, yielding=yielding) for name, count in slots.items()]
    for one in started:
        one.start()
    return started


def test_a_visit_keeps_its_place_in_the_queue_for_further_slots() -> None:
    order: list[str] = []
    a, b, c = visitors(FairSemaphore(1), order, a=2, b=2, c=1)
    for one in (a, b, c):
        one.ask(0)
    a.compute(0)
    assert b.at_work[0].wait(60)
    a.ask(1)  # while b computes and c waits
    b.compute(0)
    b.ask(1)  # while a computes and c waits
    a.compute(1)
    b.compute(1)
    c.compute(0)
    for one in (a, b, c):
        one.join(60)
    assert order == ["a", "b", "a", "b", "c"]


def test_the_number_ahead_never_rises_in_a_visit() -> None:
    a, b, c, d = visitors(FairSemaphore(1), [], a=2, b=2, c=2, d=1)
    for one in (a, b, c, d):
        one.ask(0)
    a.compute(0)
    assert b.at_work[0].wait(60)
    a.ask(1)  # before c and d, whose numbers already counted it
    c.refresh()
    d.refresh()
    b.compute(0)
    a.compute(1)
    a.join(60)
    assert c.at_work[0].wait(60)
    b.ask(1)
    c.compute(0)
    assert b.at_work[1].wait(60)
    c.ask(1)
    c.refresh()
    b.compute(1)
    b.join(60)
    c.compute(1)
    d.compute(0)
    for one in (c, d):
        one.join(60)
        assert one.ahead == sorted(one.ahead, reverse=True)
    assert c.ahead[0] == 2
    assert c.ahead[-1] == 1
    assert d.ahead[0] == 3


def test_the_number_ahead_is_one_while_a_later_arrival_computes() -> None:
    a, b = visitors(FairSemaphore(1), [], a=2, b=1)
    a.ask(0)
    a.compute(0)
    b.ask(0)
    assert b.at_work[0].wait(60)
    a.ask(1)
    b.compute(0)
    a.compute(1)
    a.join(60)
    assert set(a.ahead) == {1}


def test_a_new_visit_goes_to_the_end_of_the_queue() -> None:
    """Nobody starves behind a session that runs its page again and again."""
    line, order = FairSemaphore(1), list[str]()
    a, b, again, late = visitors(line, order, a=1, b=1, again=1, late=1)
    a.ask(0)
    b.ask(0)
    a.compute(0)
    a.join(60)
    assert b.at_work[0].wait(60)
    again.ask(0)
    late.ask(0)
    for one in (b, again, late):
        one.compute(0)
        one.join(60)
    assert order == ["a", "b", "again", "late"]
    assert not line._present


def test_yielding_work_lets_all_others_go_first() -> None:
    line, order = FairSemaphore(1), list[str]()
    (a,) = visitors(line, order, a=3, yielding=True)
    b, c = visitors(line, order, b=1, c=1)
    a.ask(0)
    assert a.at_work[0].wait(60)
    b.ask(0)
    c.ask(0)
    a.ends[0].set()
    assert b.at_work[0].wait(60)
    a.ask(1)
    b.compute(0)
    c.compute(0)
    a.compute(1)
    a.ask(2)
    a.compute(2)
    for one in (a, b, c):
        one.join(60)
    assert order == ["a", "b", "c", "a", "a"]
    assert not line._present
    assert not line._waiting
