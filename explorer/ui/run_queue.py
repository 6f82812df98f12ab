"""One run of a page computes at a time. The others wait in order of arrival.

Python runs one thread at a time. If thirty runs share it, each of them takes as long as all together. In a queue, most
of them end much earlier, none ends later, and the event loop competes with one thread for the interpreter's lock.

A place is lent for :data:`LENT` seconds. A run that takes longer, because it waits for another process or computes
outside of Python, goes on, and the next one begins beside it. So no run can stop the others, whatever it does.

What is short goes first: runs of fragments, and what users look at first on a page (:func:`let_others_first`). A run
that goes first does so only before those that came less than :data:`ALLOWANCE` seconds earlier, so nobody starves.
"""

import heapq
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from streamlit.runtime.scriptrunner import RerunData
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

PLACES = 1  # with 2, `benchmarks/classroom.py` had a p95 of 0.7 to 1.3 s for an edit, instead of 0.5 and 0.8 s
LENT = 0.3  # seconds; about three times as long as a run of a large page computes
ALLOWANCE = 0.5  # seconds


class _Current(threading.local):
    """Number of the place that each thread has.

    Attributes:
        number: The number, or None outside of the queue.
    """

    number: int | None = None


@dataclass
class RunQueue:
    """A queue for places that are lent for some time.

    Attributes:
        places: Number of places.
        lent: Seconds after which a place is free for the next one.
        now: Clock, in seconds.
    """

    places: int
    lent: float
    now: Callable[[], float] = time.monotonic
    _numbers: Iterator[int] = field(default_factory=count)
    _waiting: list[tuple[float, int, threading.Event]] = field(default_factory=list)
    _taken: dict[int, float] = field(default_factory=dict)  # ends of the loans, by number
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _current: _Current = field(default_factory=_Current)

    @contextmanager
    def place(self, allowance: float = 0) -> Iterator[None]:
        """Waits for a place, and gives it back after the block.

        Args:
            allowance: Seconds during which others may still arrive and go first.
        """
        self._take(allowance)
        try:
            yield
        finally:
            self._give_back()

    def let_others_first(self, allowance: float) -> None:
        """Gives back the place of this thread and waits for another one. Without a place, it does nothing."""
        if self._current.number is not None:
            self._give_back()
            self._take(allowance)

    def _take(self, allowance: float) -> None:
        turn = threading.Event()
        with self._lock:
            number = next(self._numbers)
            heapq.heappush(self._waiting, (self.now() + allowance, number, turn))
            self._admit()
        while not turn.wait(self.lent / 2):
            with self._lock:
                self._admit()  # a loan may have ended
        self._current.number = number

    def _give_back(self) -> None:
        number, self._current.number = self._current.number, None
        with self._lock:
            self._taken.pop(number, None)  # type: ignore[arg-type]
            self._admit()

    def _admit(self) -> None:
        now = self.now()
        self._taken = {number: end for number, end in self._taken.items() if end > now}
        while self._waiting and len(self._taken) < self.places:
            _due, number, turn = heapq.heappop(self._waiting)
            self._taken[number] = now + self.lent
            turn.set()


_queue = RunQueue(PLACES, LENT)


def let_others_first() -> None:
    """Called by a page that has shown what users look at first: other sessions go before the rest of this run."""
    _queue.let_others_first(ALLOWANCE)


def install() -> None:
    """Change Streamlit in this process so that runs wait in the queue. Further calls change nothing.

    A run waits before its thread has read the request, so a newer request of the session joins the one that waits.
    """
    if ScriptRunner._run_script_thread.__module__ == __name__:
        return
    run = ScriptRunner._run_script_thread

    def run_script_thread(self: Any) -> None:
        with _queue.place(0 if _is_short(self._requests._rerun_data) else ALLOWANCE):
            run(self)

    ScriptRunner._run_script_thread = run_script_thread  # type: ignore[method-assign]


def _is_short(request: RerunData) -> bool:
    """Whether a user waits for a part of a page. What a page asks for by itself has time."""
    return bool(request.fragment_id or request.fragment_id_queue) and not request.is_auto_rerun
