"""Responses that are made and sent in pieces, so that a slow client holds one piece and not the whole of it."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

PIECE = 65_536  # characters that are handed to a connection at once


@dataclass(eq=False)
class _Sent:
    """A response that is being sent.

    Attributes:
        since: When its client has taken something for the last time, by the clock of the event loop.
        limit: Ends it.
    """

    since: float
    limit: asyncio.Timeout


@dataclass
class Places:
    """Places for responses that are sent at the same time.

    At the limit, the response whose client has taken nothing for the longest time ends without its last piece and makes
    room for the next one. Its client sees an error. So clients that read nothing don't keep others waiting.

    Attributes:
        most: Number of places.
    """

    most: int
    _taken: list[_Sent] = field(default_factory=list)

    def response(self, pieces: Iterable[str], media_type: str) -> StreamingResponse:
        """Returns a response with some text. The pieces are made in another thread, while they are sent."""
        return _Response(self, _cut(pieces), media_type=media_type)

    async def _send(self, response: "_Response", scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        while len(self._taken) >= self.most:
            slowest = min(self._taken, key=lambda one: one.since)
            self._taken.remove(slowest)
            slowest.limit.reschedule(loop.time())
        sent: _Sent | None = None

        async def note(message: Message) -> None:
            await send(message)
            if sent is not None:
                sent.since = loop.time()

        try:
            async with asyncio.timeout(None) as limit:
                sent = _Sent(loop.time(), limit)
                self._taken.append(sent)
                await StreamingResponse.__call__(response, scope, receive, note)
        except TimeoutError:
            return  # the server closes the connection
        finally:
            if sent in self._taken:
                self._taken.remove(sent)


class _Response(StreamingResponse):
    """A response that takes a place while it is sent."""

    def __init__(self, places: Places, pieces: Iterator[str], media_type: str) -> None:
        super().__init__(pieces, media_type=media_type, headers={"cache-control": "no-store"})
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._places._send(self, scope, receive, send)


def _cut(pieces: Iterable[str]) -> Iterator[str]:
    """Yields the same text in pieces of limited length."""
    for piece in pieces:
        for start in range(0, len(piece), PIECE):
            yield piece[start : start + PIECE]
