"""Slow work that goes on beside the pages: shared by all sessions of the server, one piece after the other.

A page asks, is answered at once, and asks again until the work is done. What nobody asks for any more is not begun.
"""

import contextvars
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Generic, TypeVar

from explorer.errors import ExplorerError
from explorer.i18n import _, language
from explorer.workers.progress import Progress

log = logging.getLogger("explorer.ui")

T = TypeVar("T")
_Place = tuple[str, str]  # the key of a piece, and the language in which it tells its problem
LEFT_AFTER = 10.0  # seconds without a page that asks
MOMENT = 2.0  # seconds in which every page that waits has asked again


class LeftError(ExplorerError):
    """Nobody waits for this work any more."""


@dataclass(slots=True)
class Future(Generic[T]):
    """A piece of work, and how it stands.

    Attributes:
        step: what is being done, for a user to read; empty while it waits for its turn.
        done: of ``total``, which is 0 where nobody knows.
        result: what came of it.
        problem: why nothing came of it.
        wanted: when a page last asked for it, by the monotonic clock.
    """

    step: str = ""
    done: int = 0
    total: int = 0
    result: T | None = None
    problem: ExplorerError | None = None
    wanted: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether there is a result or a problem."""
        return self.result is not None or self.problem is not None

    @property
    def left(self) -> bool:
        """Whether the pages that asked for it have gone."""
        return time.monotonic() - self.wanted > LEFT_AFTER


@dataclass
class Lane(Generic[T]):
    """A queue with one thread, which lives while there is work.

    Attributes:
        work: does a piece, told what and whom to tell how far it is.
        most: pieces that are remembered.
        give_up: end work under way, too, once nobody asks for it.
    """

    work: Callable[[str, Progress], T]
    most: int = 64
    give_up: bool = False
    _pieces: "OrderedDict[_Place, Future[T]]" = field(default_factory=OrderedDict)
    _waiting: list[tuple[_Place, Future[T], contextvars.Context]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _busy: bool = False

    def ask(self, key: str) -> Future[T]:
        """How a piece of work stands; it is put into the queue where nobody has asked before."""
        with self._lock:
            place = self._place(key)
            piece = self._pieces.get(place)
            if piece is None:
                piece = self._pieces[place] = Future()
                self._waiting.append((place, piece, contextvars.copy_context()))
                if not self._busy:
                    self._busy = True
                    Thread(target=self._run, daemon=True).start()
            self._pieces.move_to_end(place)
            for old in [name for name, other in self._pieces.items() if other.ended][: -self.most]:
                del self._pieces[old]
            piece.wanted = time.monotonic()
            return piece

    def under_way(self, key: str) -> bool:
        """Whether a page waits for it now."""
        with self._lock:
            piece = self._pieces.get(self._place(key))
            return piece is not None and not piece.ended and not piece.left

    def forget(self, key: str) -> None:
        """Do it anew when it is asked for next."""
        with self._lock:
            for place in [place for place in self._pieces if place[0] == key]:
                del self._pieces[place]

    def leave(self, key: str) -> None:
        """Ask no more: where no other page does, the work is given up in a moment."""
        with self._lock:
            if (piece := self._pieces.get(self._place(key))) is not None:
                piece.wanted = min(piece.wanted, time.monotonic() - LEFT_AFTER + MOMENT)

    def _place(self, key: str) -> _Place:
        """Where a piece stands: one that others have asked for, unless it tells a problem in another language."""
        own = key, language()
        others = (place for place, piece in self._pieces.items() if place[0] == key and piece.problem is None)
        return own if own in self._pieces else next(others, own)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._busy = False
                    return
                place, piece, context = self._waiting.pop(0)
            if not piece.left:
                context.run(self._do, place[0], piece)  # in the language of the session that asked
            if not piece.ended:
                with self._lock:
                    if self._pieces.get(place) is piece:
                        del self._pieces[place]

    def _do(self, key: str, piece: Future[T]) -> None:
        def progress(step: str, done: int, total: int) -> None:
            if self.give_up and piece.left:
                raise LeftError(_("nobody waits for it any more"))
            piece.step, piece.done, piece.total = step, done, total

        try:
            piece.result = self.work(key, progress)
        except LeftError:
            pass
        except ExplorerError as error:
            log.warning("refused: %s", error)
            piece.problem = error
        except Exception:  # a thread that ends without a word would let the pages wait for ever
            log.exception("work beside the page failed")
            piece.problem = ExplorerError(_("something went wrong on the server; its log says what"))
