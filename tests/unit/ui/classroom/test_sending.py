"""Responses that are sent in pieces: one that nobody reads makes room, and the others arrive whole."""

import asyncio
from collections.abc import Iterator

import pytest
from starlette.types import Message

from explorer.ui.classroom.sending import PIECE, Places

SCOPE = {"type": "http", "asgi": {"spec_version": "2.3"}, "method": "GET", "path": "/", "headers": []}


class Reader:
    """A client that takes some pieces and then nothing more.

    Attributes:
        got: The text that it has.
        is_whole: Whether it was told the end.
        stands: Set when it takes nothing more.
    """

    def __init__(self, takes: float = float("inf")) -> None:
        self.takes = takes
        self.got = ""
        self.is_whole = False
        self.stands = asyncio.Event()

    async def receive(self) -> Message:
        await asyncio.Event().wait()  # stays connected
        raise AssertionError

    async def send(self, message: Message) -> None:
        if message["type"] != "http.response.body":
            return
        if not self.takes:
            self.stands.set()
            await asyncio.Event().wait()
        self.takes -= 1
        self.got += message["body"].decode()
        self.is_whole = not message["more_body"]


def test_who_reads_nothing_makes_room() -> None:
    async def check() -> None:
        places = Places(2)

        def reading(reader: Reader) -> asyncio.Task[None]:
            response = places.response(["one", "two"], "text/plain")
            return asyncio.create_task(response(SCOPE, reader.receive, reader.send))

        slow = [Reader(takes) for takes in (1, 0)]
        tasks = []
        for reader in slow:
            tasks.append(reading(reader))
            await reader.stands.wait()
        for _reader in range(3):
            fast = Reader()
            await reading(fast)
            assert (fast.got, fast.is_whole) == ("onetwo", True)
        await tasks[0]
        assert (slow[0].got, slow[0].is_whole) == ("one", False), "it is told nothing of an end"
        assert not tasks[1].done(), "one place was enough for those who read"
        tasks[1].cancel()

    asyncio.run(asyncio.wait_for(check(), 60))


@pytest.mark.parametrize("length", [0, 1, PIECE, 2 * PIECE + 1])
def test_a_piece_that_is_large_is_cut(length: int) -> None:
    made = []

    def pieces() -> Iterator[str]:
        made.append(1)
        yield "é" * length

    async def check() -> None:
        reader = Reader()
        await Places(1).response(pieces(), "text/plain")(SCOPE, reader.receive, reader.send)
        assert (reader.got, reader.is_whole) == ("é" * length, True)

    asyncio.run(asyncio.wait_for(check(), 60))
    assert made
