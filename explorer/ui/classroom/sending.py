"""Responses that are made and sent in pieces, so that a slow client holds one piece and not the whole of it."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

PIECE = 65_536  # characters that are handed to a connection at once


@dataclass
class Places:
    """Places for responses that are sent at the same time.

    At the limit, the response whose client has taken nothing for the longest time ends without its last piece and makes
    room for the next one. Its client sees an error. So clients that read nothing don't keep others waiting.

    Attributes:
        most: Number of places.
        taken: The responses that are being sent.
    """

    most: int
    taken: list["_Response"] = field(default_factory=list)

    def response(self, pieces: Iterable[str], media_type: str) -> StreamingResponse:
        """Returns a response with some text. The pieces are made in another thread, while they are sent."""
        return _Response(self, _cut(pieces), media_type)


class _Response(StreamingResponse):
    """A response that takes a place while it is sent.

    Attributes:
        since: When its client has taken something for the last time, by the clock of the event loop.
        limit: Ends it.
    """

    since: float
    limit: asyncio.Timeout

    def __init__(self, places: Places, pieces: Iterator[str], media_type: str) -> None:
        super().__init__(pieces, media_type=media_type, headers={"cache-control": "no-store"})
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it, after the slowest one has made room if there is no place."""
        loop, taken = asyncio.get_running_loop(), self._places.taken
        while len(taken) >= self._places.most:
            slowest = min(taken, key=lambda one: one.since)
            taken.remove(slowest)
            slowest.limit.reschedule(loop.time())

        async def note(message: Message) -> None:
            await send(message)
            self.since = loop.time()

        try:
            async with asyncio.timeout(None) as self.limit:
                self.since = loop.time()
                taken.append(self)
                await super().__call__(scope, receive, note)
        except TimeoutError:
            return  # the server closes the connection
        finally:
            if self in taken:
                taken.remove(self)


def _cut(pieces: Iterable[str]) -> Iterator[str]:
    """Yields the same text in pieces of limited length."""
    for piece in pieces:
        for start in range(0, len(piece), PIECE):
            yield piece[start : start + PIECE]
