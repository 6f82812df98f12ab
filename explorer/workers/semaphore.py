"""A fair semaphore for predictions: a few threads compute at once, and the others wait in order of arrival.

One thread computes as fast as ten, and ten at once need ten times the memory. A page needs several slots in one run.
All of them share the place of the first in the queue (:func:`visit`), so a page that has waited does not wait again.
Nobody starves: a run ends, and the next run of that page goes to the end of the queue.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import count

from explorer.settings import settings

POLL = 0.2  # seconds between two calls of on_wait


class _CurrentVisit(threading.local):
    """The current visit of each thread: a list with the number of the visit, or empty before its first slot."""

    visit: list[int] | None = None


@dataclass
class FairSemaphore:
    """A semaphore whose slots are given in order of arrival.

    Attributes:
        slots: Number of slots.
    """

    slots: int
    _numbers: Iterator[int] = field(default_factory=count)
    # Numbers of the arrivals that have not left: they compute, wait, or are between two slots.
    _present: set[int] = field(default_factory=set)
    _waiting: set[int] = field(default_factory=set)
    _used: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _current: _CurrentVisit = field(default_factory=_CurrentVisit)

    @contextmanager
    def visit(self) -> Iterator[None]:
        """See :func:`visit`."""
        visit: list[int] = []
        self._current.visit = visit
        try:
            yield
        finally:
            self._current.visit = None
            with self._changed:
                self._present.difference_update(visit)

    @contextmanager
    def slot(self, on_wait: Callable[[int], None], *, yielding: bool = False) -> Iterator[None]:
        """See :func:`slot`."""
        with self._changed:
            number, leaves_with_slot = self._number(yielding=yielding)
            self._waiting.add(number)
        try:
            while not self._take_slot(number):
                on_wait(self._ahead(number))
            try:
                yield
            finally:
                with self._changed:
                    self._used -= 1
        finally:
            with self._changed:
                self._waiting.discard(number)
                if leaves_with_slot:
                    self._present.discard(number)
                self._changed.notify_all()

    def _number(self, *, yielding: bool) -> tuple[int, bool]:
        """Returns a number for the queue, and whether the arrival leaves when it gives back the slot."""
        visit = self._current.visit
        if visit and not yielding:
            return visit[0], False
        number = next(self._numbers)
        self._present.add(number)
        if visit is None or yielding:
            return number, True
        visit.append(number)
        return number, False

    def _take_slot(self, number: int) -> bool:
        """Waits for a slot for at most ``POLL`` seconds. Returns whether it has taken one."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._used < self.slots and number == min(self._waiting), POLL):
                return False
            self._waiting.remove(number)
            self._used += 1
            self._changed.notify_all()  # another slot may be free
            return True

    def _ahead(self, number: int) -> int:
        """Returns the number of earlier arrivals that have not left. It never rises.

        It is at least 1, because a later arrival may have the slot when an earlier one comes back for another.
        """
        with self._changed:
            return max(1, sum(other < number for other in self._present))


_semaphore = FairSemaphore(settings().predictions)


def visit() -> AbstractContextManager[None]:
    """Gives all slots of this thread in the block the place of the first one in the queue. For one run of a page."""
    return _semaphore.visit()


def slot(on_wait: Callable[[int], None], *, yielding: bool = False) -> AbstractContextManager[None]:
    """Waits for a slot, and gives it back after the block.

    Args:
        on_wait: Callback, called several times a second with the number of arrivals ahead, which never rises in a
            visit. An exception that it raises ends the wait and gives up the place.
        yielding: Whether to go to the end of the queue, even in a visit. Long work does so after its first part, so
            that others need not wait for all of it. ``on_wait`` then counts from the new place.
    """
    return _semaphore.slot(on_wait, yielding=yielding)
