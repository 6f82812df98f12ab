"""Turns at computing what networks say: few at once, the others in the order in which they came.

A process computes as fast in one thread as in ten; ten at once take ten times the memory. A page computes more than
once each time it is drawn: all of it has one place, that of its first turn, so that whoever has waited doesn't queue
anew. Nobody starves: a drawing has an end, and the next one comes last.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import count

from explorer.settings import settings

POLL = 0.2  # seconds between two words to who waits


class _Mine(threading.local):
    """Of each thread the visit that it is at: the number that the visit came with, once it has come."""

    visit: list[int] | None = None


@dataclass
class FairSemaphore:
    """A line of those who compute, and those who wait for it.

    Attributes:
        most: how many compute at once.
    """

    most: int
    _numbers: Iterator[int] = field(default_factory=count)
    _here: set[int] = field(default_factory=set)  # who came and isn't gone: at work, waiting, or between two turns
    _waiting: set[int] = field(default_factory=set)
    _at_work: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _mine: _Mine = field(default_factory=_Mine)

    @contextmanager
    def visit(self) -> Iterator[None]:
        """As :func:`visit` says."""
        visit: list[int] = []
        self._mine.visit = visit
        try:
            yield
        finally:
            self._mine.visit = None
            with self._changed:
                self._here.difference_update(visit)

    @contextmanager
    def turn(self, on_wait: Callable[[int], None], *, yielding: bool = False) -> Iterator[None]:
        """As :func:`turn` says."""
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
        """The number that is waited with, and whether it is gone with the turn."""
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
        """Whether the turn has come, for which this waits a moment."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._at_work < self.most and number == min(self._waiting), POLL):
                return False
            self._waiting.remove(number)
            self._at_work += 1
            self._changed.notify_all()  # there may be room for the next one, too
            return True

    def _ahead(self, number: int) -> int:
        """How many came before us and aren't gone: none of them comes anew, so that it never rises.

        It is one at the least, as somebody who came later may be at work when we come again.
        """
        with self._changed:
            return max(1, sum(other < number for other in self._here))


_line = FairSemaphore(settings().predictions)


def visit() -> AbstractContextManager[None]:
    """All turns of this thread in here have the place of the first of them: it is for one drawing of a page."""
    return _line.visit()


def slot(on_wait: Callable[[int], None], *, yielding: bool = False) -> AbstractContextManager[None]:
    """Wait until it is our turn to compute, and hold it.

    Args:
        on_wait: is told several times a second how many came before us and aren't done, which never rises in a visit;
            what it raises ends the wait and frees the place.
        yielding: whether everybody who waits goes first, even in a visit: for each further part of long work, so that
            others need not wait for all of it. What is told then is no place in the visit.
    """
    return _line.turn(on_wait, yielding=yielding)
