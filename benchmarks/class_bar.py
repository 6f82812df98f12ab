"""The bar of a class in one browser, without the browser: its requests over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True)
class Http:
    """The HTTP connections of all browsers.

    The server closes a connection on which nothing came for 5 s. A request that is sent at that moment gets no answer.
    aiohttp then repeats what only reads, but not what changes something, because it may have been done already. So each
    request that changes something has a connection of its own, and every error that is left is one of the server.

    Attributes:
        reading: For requests that read.
        changing: For requests that change something.
    """

    reading: aiohttp.ClientSession
    changing: aiohttp.ClientSession

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncIterator["Http"]:
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as reading,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as changing,
        ):
            yield cls(reading, changing)


class ClassBar:
    """The bar of a class in one browser: a key, and requests with it."""

    def __init__(self, http: Http, address: str, told: dict[str, Any]) -> None:
        self.http, self.address, self.code = http, f"{address}/class-api", told["code"]
        self.headers = {"authorization": f"Bearer {told['key']}"}

    @classmethod
    async def enter(cls, http: Http, address: str, action: str, **body: Any) -> "ClassBar":
        """Opens a class, or joins one."""
        async with http.changing.post(f"{address}/class-api/{action}", json=body) as reply:
            reply.raise_for_status()
            return cls(http, address, await reply.json())

    async def post(self, action: str, **body: Any) -> Any:
        async with self.http.changing.post(
            f"{self.address}/{action}", params={"code": self.code}, json=body, headers=self.headers
        ) as reply:
            reply.raise_for_status()
            return await reply.json()

    async def state(self) -> Any:
        async with self.http.reading.get(
            f"{self.address}/state", params={"code": self.code}, headers=self.headers
        ) as reply:
            reply.raise_for_status()
            return await reply.json()
