"""A task queue for slow work, shared by all sessions of the server: one background thread runs the tasks in order.

A page requests a task, gets its future at once, and repeats the request until the task is finished. The queue skips a
task that no page requests any more. What waits and what is kept is limited for each session and in total, so that one
session can neither fill the memory of the server nor take the results of all others.
"""

import contextvars
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Generic, TypeVar

from streamlit.runtime.scriptrunner import get_script_run_ctx

from explorer.errors import ExplorerError
from explorer.i18n import _, language, ngettext
from explorer.workers.progress import Progress

log = logging.getLogger("explorer.ui")

T = TypeVar("T")
_Place = tuple[str, str]  # key of a task, and the language of its error message
ABANDONED_SECONDS = 10.0  # a task is abandoned this long after the last request
REPEAT_SECONDS = 2.0  # every waiting page repeats its request within this time
MAX_WAITING = 200  # tasks of a queue; sessions that wait for one in vain are told so
MAX_WAITING_OF_SESSION = 8  # a page waits for two or three
SESSION_SHARE = 4  # a session has at most one in so many of the finished tasks that are kept
NOBODY = ""  # owner of a task that no session has alone


class AbandonedError(ExplorerError):
    """No page waits for the task any more."""


@dataclass(slots=True)
class Future(Generic[T]):
    """The state and result of a task.

    Attributes:
        step: Message about what is being done; empty while the task is queued.
        done: Progress out of ``total``.
        total: End of the progress; 0 if unknown.
        result: Result of the task.
        problem: Error of the task.
        requested_at: Time of the last request of a page, on the monotonic clock.
        owner: Session that alone has requested the task; ``NOBODY`` if several have.
    """

    step: str = ""
    done: int = 0
    total: int = 0
    result: T | None = None
    problem: ExplorerError | None = None
    requested_at: float = 0.0
    owner: str = NOBODY

    @property
    def is_finished(self) -> bool:
        """Whether there is a result or an error."""
        return self.result is not None or self.problem is not None

    @property
    def is_abandoned(self) -> bool:
        """Whether no page has requested the task lately."""
        return time.monotonic() - self.requested_at > ABANDONED_SECONDS


_Waiting = tuple[_Place, Future[T], contextvars.Context]


@dataclass
class TaskQueue(Generic[T]):
    """A queue with one thread, which runs while there are tasks.

    Attributes:
        work: Function that does a task, given its key and a callback for the progress.
        max_finished: Maximum number of finished futures in memory.
        cancel_abandoned: Whether to cancel a running task that no page requests any more.
    """

    work: Callable[[str, Progress], T]
    max_finished: int = 64
    cancel_abandoned: bool = False
    _futures: "OrderedDict[_Place, Future[T]]" = field(default_factory=OrderedDict)
    _waiting: list[_Waiting[T]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _busy: bool = False

    def request(self, key: str) -> Future[T]:
        """Returns the future of a task. Queues the task if it is new.

        If too many tasks wait already, the future has that as its problem, and the next request tries again.
        """
        session = _session()
        with self._lock:
            place = self._place(key)
            future = self._futures.get(place)
            if future is None:
                if refusal := self._make_room(session):
                    return Future(problem=ExplorerError(refusal))
                future = self._futures[place] = Future(owner=session)
                self._waiting.append((place, future, contextvars.copy_context()))
                if not self._busy:
                    self._busy = True
                    Thread(target=self._run, daemon=True).start()
            self._futures.move_to_end(place)
            self._drop_finished(future.owner)
            if future.owner != session:
                future.owner = NOBODY
            future.requested_at = time.monotonic()
            return future

    def is_pending(self, key: str) -> bool:
        """Whether the task is not finished and a page waits for it."""
        with self._lock:
            future = self._futures.get(self._place(key))
            return future is not None and not future.is_finished and not future.is_abandoned

    def invalidate(self, key: str) -> None:
        """Drops the futures of a key, so that the next request runs the task again."""
        with self._lock:
            for place in [place for place in self._futures if place[0] == key]:
                del self._futures[place]

    def withdraw(self, key: str) -> None:
        """Withdraws a page's request. If no other page repeats its request soon, the task is abandoned."""
        with self._lock:
            if (future := self._futures.get(self._place(key))) is not None:
                future.requested_at = min(future.requested_at, time.monotonic() - ABANDONED_SECONDS + REPEAT_SECONDS)

    def _make_room(self, session: str) -> str:
        """Drops waiting tasks that no page requests any more, if too many wait. Returns why another one can't wait."""
        if self._count_waiting(session) >= MAX_WAITING_OF_SESSION:
            self._drop_waiting(session, REPEAT_SECONDS)
            if (count := self._count_waiting(session)) >= MAX_WAITING_OF_SESSION:
                return ngettext(
                    "This page waits for {count} task already. Wait until it is done, then try again.",
                    "This page waits for {count} tasks already. Wait until one of them is done, then try again.",
                    count,
                ).format(count=count)
        if len(self._waiting) >= MAX_WAITING:
            for owner in {waiting[1].owner for waiting in self._waiting}:
                self._drop_waiting(owner, ABANDONED_SECONDS)
            if len(self._waiting) >= MAX_WAITING:
                return _("{count} tasks wait on this server, as many as may. Try again in some minutes.").format(
                    count=MAX_WAITING
                )
        return ""

    def _count_waiting(self, session: str) -> int:
        return session != NOBODY and sum(future.owner == session for _place, future, _context in self._waiting)

    def _drop_waiting(self, session: str, seconds: float) -> None:
        """Drops the waiting tasks of a session that no page has requested for some seconds."""
        since, remaining = time.monotonic() - seconds, []
        for waiting in self._waiting:
            place, future, _context = waiting
            if future.owner != session or future.requested_at >= since:
                remaining.append(waiting)
            elif self._futures.get(place) is future:
                del self._futures[place]
        self._waiting = remaining

    def _drop_finished(self, session: str) -> None:
        """Drops the finished tasks that are too many: those of a session, then of all. The latest requested stay."""
        finished = [(place, future) for place, future in self._futures.items() if future.is_finished]
        own = [place for place, future in finished if session != NOBODY and future.owner == session]
        dropped = own[: -max(1, self.max_finished // SESSION_SHARE)]
        rest = [place for place, _future in finished if place not in dropped]
        for place in (*dropped, *rest[: -self.max_finished]):
            del self._futures[place]

    def _place(self, key: str) -> _Place:
        """Returns the place of a task: an existing one, unless its error message is in another language."""
        own = key, language()
        others = (place for place, future in self._futures.items() if place[0] == key and future.problem is None)
        return own if own in self._futures else next(others, own)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._busy = False
                    return
                place, future, context = self._waiting.pop(0)
            if not future.is_abandoned:
                context.run(self._do, place[0], future)  # in the language of the session that queued it
            if not future.is_finished:
                with self._lock:
                    if self._futures.get(place) is future:
                        del self._futures[place]

    def _do(self, key: str, future: Future[T]) -> None:
        def progress(step: str, done: int, total: int) -> None:
            if self.cancel_abandoned and future.is_abandoned:
                raise AbandonedError(_("nobody waits for it any more"))
            future.step, future.done, future.total = step, done, total

        try:
            future.result = self.work(key, progress)
        except AbandonedError:
            pass
        except ExplorerError as error:
            log.warning("refused: %s", error)
            future.problem = error
        except Exception:  # if the thread just ended, the pages would wait forever
            log.exception("background task failed")
            future.problem = ExplorerError(_("something went wrong on the server; its log says what"))


def _session() -> str:
    """Returns the id of the session whose page runs; ``NOBODY`` outside of pages."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context else NOBODY
