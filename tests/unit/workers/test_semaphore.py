"""Turns at computing: few at once, in the order of arrival, and a place that is left is free."""

import time
from threading import Event, Thread

import pytest

from explorer.workers import semaphore as turns
from explorer.workers.semaphore import FairSemaphore


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "POLL", 0.005)


class Worker(Thread):
    """Takes a turn, and holds it until it is told to end."""

    def __init__(self, line: FairSemaphore, order: list["Worker"]) -> None:
        super().__init__(daemon=True)
        self.line, self.order = line, order
        self.at_work, self.done = Event(), Event()
        self.ahead: list[int] = []
        self.leaves = False

    def wait(self, ahead: int) -> None:
        self.ahead.append(ahead)
        if self.leaves:
            raise KeyboardInterrupt  # what ends a script is no Exception

    def run(self) -> None:
        try:
            with self.line.slot(self.wait):
                self.order.append(self)
                self.at_work.set()
                self.done.wait(60)
        except KeyboardInterrupt:
            self.done.set()


def queue(line: FairSemaphore, count: int) -> list[Worker]:
    """Workers that came one after the other."""
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


def test_one_after_the_other_in_the_order_of_arrival() -> None:
    workers = queue(FairSemaphore(1), 5)
    for place, worker in enumerate(workers):
        assert worker.at_work.wait(60)
        assert [other.at_work.is_set() for other in workers] == [turn <= place for turn in range(5)]
        end(worker)
    assert workers[0].order == workers


def test_who_waits_hears_how_many_are_before() -> None:
    workers = queue(FairSemaphore(1), 3)
    until(lambda: workers[2].ahead)
    assert workers[2].ahead[0] == 2
    end(workers[0])
    until(lambda: workers[2].ahead[-1] == 1)
    assert sorted(workers[2].ahead, reverse=True) == workers[2].ahead
    assert not workers[0].ahead
    for worker in workers[1:]:
        end(worker)


def test_who_leaves_frees_the_place() -> None:
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


def test_who_fails_frees_the_place() -> None:
    line = FairSemaphore(1)
    with pytest.raises(ZeroDivisionError), line.slot(lambda _ahead: None):
        raise ZeroDivisionError
    with line.slot(lambda _ahead: pytest.fail("it waits for nobody")):
        pass


def test_as_many_at_once_as_are_allowed() -> None:
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
    """Draws a page: takes some turns, each of which it holds until it is told to go on, and waits between them."""

    def __init__(self, line: FairSemaphore, order: list[str], name: str, turns: int, *, yielding: bool = False) -> None:
        super().__init__(daemon=True, name=name)
        self.line, self.order, self.turns, self.yielding = line, order, turns, yielding
        self.ahead: list[int] = []
        self.asks, self.ends = ([Event() for _turn in range(turns)] for _kind in range(2))
        self.at_work, self.between = ([Event() for _turn in range(turns)] for _kind in range(2))

    def run(self) -> None:
        with self.line.visit():
            for turn in range(self.turns):
                assert self.asks[turn].wait(60)
                with self.line.slot(self.ahead.append, yielding=self.yielding and turn > 0):
                    self.order.append(self.name)
                    self.at_work[turn].set()
                    assert self.ends[turn].wait(60)
                self.between[turn].set()

    def ask(self, turn: int) -> None:
        """Go into the line, and stand there."""
        before = len(self.ahead)
        self.asks[turn].set()
        until(lambda: self.at_work[turn].is_set() or len(self.ahead) > before)

    def hear(self) -> None:
        """Be told where it stands now."""
        before = len(self.ahead)
        until(lambda: len(self.ahead) > before + 1)  # a word may have been under way

    def compute(self, turn: int) -> None:
        """Have the turn, and end it."""
        assert self.at_work[turn].wait(60)
        self.ends[turn].set()
        assert self.between[turn].wait(60)


def visitors(line: FairSemaphore, order: list[str], *, yielding: bool = False, **turns: int) -> list[Visitor]:
    """Visitors by name and how many turns each takes, who write themselves into one order."""
    found = [Visitor(line, order, name, count, yielding=yielding) for name, count in turns.items()]
    for one in found:
        one.start()
    return found


def test_who_comes_again_in_a_visit_goes_before_those_who_came_after_it() -> None:
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


def test_the_place_told_never_rises_in_a_visit() -> None:
    a, b, c, d = visitors(FairSemaphore(1), [], a=2, b=2, c=2, d=1)
    for one in (a, b, c, d):
        one.ask(0)
    a.compute(0)
    assert b.at_work[0].wait(60)
    a.ask(1)  # before c and d, who were told of it already
    c.hear()
    d.hear()
    b.compute(0)
    a.compute(1)
    a.join(60)
    assert c.at_work[0].wait(60)
    b.ask(1)
    c.compute(0)
    assert b.at_work[1].wait(60)
    c.ask(1)
    c.hear()
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


def test_who_comes_again_is_told_of_one_when_somebody_who_came_later_computes() -> None:
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


def test_the_next_visit_comes_last() -> None:
    """So that nobody starves who waits behind somebody that draws the page again and again."""
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


def test_long_work_lets_all_who_wait_go_first_in_a_visit_too() -> None:
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
