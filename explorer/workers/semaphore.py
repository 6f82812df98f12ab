"""A fair semaphore for predictions: a few threads compute at once, and the others wait in order of arrival.

One thread computes as fast as ten, and ten at once need ten times the memory. A page needs the semaphore several times
for one drawing. All of these requests share the place of the first (:func:`visit`), so a page that has waited does not
wait again. Nobody starves: a drawing ends, and the next drawing of that page goes to the end of the queue.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import count

from explorer.settings import settings

POLL = 0.2  # seconds between two calls of on_wait


class _Mine(threading.local):
    """The current visit of each thread: a list that holds the number of the visit once it has one."""

    visit: list[int] | None = None


@dataclass
class FairSemaphore:
    """A semaphore whose slots are given in order of arrival.

    Attributes:
        most: Number of slots.
    """

    most: int
    _numbers: Iterator[int] = field(default_factory=count)
    _here: set[int] = field(
        default_factory=set
    )  # arrivals that have not left: computing, waiting, or between two slots
    _waiting: set[int] = field(default_factory=set)
    _at_work: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _mine: _Mine = field(default_factory=_Mine)

    @contextmanager
    def visit(self) -> Iterator[None]:
        """See :func:`visit`."""
        visit: list[int] = []
        self._mine.visit = visit
        try:
            yield
        finally:
            self._mine.visit = None
            with self._changed:
                self._here.difference_update(visit)

    @contextmanager
    def slot(self, on_wait: Callable[[int], None], *, yielding: bool = False) -> Iterator[None]:
        """See :func:`slot`."""
        with self._changed:
            number, is_last = self._place(yielding=yielding)
            self._waiting.add(number)
        try:
            while not self._begun(number):
                on_wait(self._ahead(number))
            try:
                yield
            finally:
                with self._changed:
                    self._at_work -= 1
        finally:
            with self._changed:
                self._waiting.discard(number)
                if is_last:
                    self._here.discard(number)
                self._changed.notify_all()

    def _place(self, *, yielding: bool) -> tuple[int, bool]:
        """Returns the number to wait with, and whether it leaves together with the slot."""
        visit = self._mine.visit
        if visit and not yielding:
            return visit[0], False
        number = next(self._numbers)
        self._here.add(number)
        if visit is None or yielding:
            return number, True
        visit.append(number)
        return number, False

    def _begun(self, number: int) -> bool:
        """Waits for at most ``POLL`` seconds. Returns whether a slot was taken."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._at_work < self.most and number == min(self._waiting), POLL):
                return False
            self._waiting.remove(number)
            self._at_work += 1
            self._changed.notify_all()  # another slot may be free
            return True

    def _ahead(self, number: int) -> int:
        """Returns the number of earlier arrivals that have not left. It never rises.

        At least 1, because a later arrival may hold the slot when an earlier one comes back for its next.
        """
        with self._changed:
            return max(1, sum(other < number for other in self._here))


_semaphore = FairSemaphore(settings().predictions)


def visit() -> AbstractContextManager[None]:
    """Gives all slots that this thread takes in the block the place of the first. For one drawing of a page."""
    return _semaphore.visit()


def slot(on_wait: Callable[[int], None], *, yielding: bool = False) -> AbstractContextManager[None]:
    """Waits for a slot and holds it in the block.

    Args:
        on_wait: Called several times a second with the number of arrivals ahead, which never rises in a visit. An
            exception that it raises ends the wait and gives up the place.
        yielding: Whether everybody who waits goes first, even in a visit. For the further parts of long work, so that
            others need not wait for all of it. ``on_wait`` then counts from a new place.
    """
    return _semaphore.slot(on_wait, yielding=yielding)
