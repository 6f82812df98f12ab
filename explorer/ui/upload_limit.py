"""Bounds on the bodies of requests: Streamlit keeps uploads in memory and limits the size of each file alone.

What has arrived counts, and never what a client says that it will send. A body must arrive at a minimum rate, and only
so many may be under way, of one client and in all; the slowest makes room for the next.
"""

import asyncio
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config, runtime
from streamlit.runtime.stats import CacheStat

from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.settings import settings

MULTIPART = 1_000_000  # bytes that a form may add to the file in it


@dataclass(frozen=True)
class Limits:
    """What all clients together, and each of them, may ask of the server.

    Attributes:
        room: bytes of the files that all sessions hold and of the bodies under way; a closed page gives its own back.
        rate: bytes that a body brings in a second, at the least.
        patience: seconds that it may be behind that rate.
        at_once: bodies under way in all.
        of_client: bodies under way from one address; None is the setting.
    """

    room: int = 1_000_000_000
    rate: int = 8_000
    patience: float = 20.0
    at_once: int = 256
    of_client: int | None = None


class Refused(Exception):  # noqa: N818 -- an answer, and no fault of ours
    """A body that is not read on: the status and the sentence that its client gets."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Gone(Exception):  # noqa: N818
    """The client went away in the middle of a body."""


class _Body:
    """One body on its way in.

    Attributes:
        arrived: bytes that count against the room.
        whole: whether its end has been read.
        cut: whether it broke a limit, and nothing more is read of it.
    """

    def __init__(self, client: str, receive: Receive, limits: Limits) -> None:
        self.client = client
        self.arrived = 0
        self.whole = False
        self.cut = False
        self._receive = receive
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._left = limits.patience
        self._read = 0
        self._waited = 0.0
        self._since: float | None = None
        self._timer: asyncio.Timeout | None = None
        self._displaced = False

    def pace(self) -> tuple[float, float]:
        """Smaller for a slower body: bytes a second, then how long it has kept us waiting."""
        waited = self._waited + (0 if self._since is None else self._loop.time() - self._since)
        return self._read / (1 + waited), -waited

    def displace(self) -> None:
        """Break it off: another needs its place."""
        self._displaced = True
        if self._timer is not None:
            self._timer.reschedule(self._loop.time())

    async def next(self) -> bytes:
        """The next piece.

        Raises:
            Refused: where it comes too slowly or has lost its place.
            Gone: where the client has gone.
        """
        if self._displaced:
            raise self._broken_off()
        self._since = self._loop.time()
        try:
            async with asyncio.timeout(self._left) as self._timer:
                message = await self._receive()
        except TimeoutError:
            raise self._broken_off() from None
        finally:
            took, self._since, self._timer = self._loop.time() - self._since, None, None
            self._waited += took
        if message["type"] != "http.request":
            self.cut = True
            raise Gone
        piece: bytes = message.get("body", b"")
        self.whole = not message.get("more_body", False)
        self._read += len(piece)
        self._left = min(self._limits.patience, self._left - took + len(piece) / self._limits.rate)
        return piece

    async def message(self) -> Message:
        """What comes after the whole body: that the client has gone."""
        return await self._receive()

    async def skip(self, most: int) -> None:
        """Read the rest of what is refused or needed by nobody: many clients read no answer before they have sent all.

        Args:
            most: bytes in all after which that is enough.
        """
        try:
            while not self.whole and not self.cut and self._read < most:
                await self.next()
        except (Refused, Gone):
            pass

    def _broken_off(self) -> Refused:
        self.cut = True
        if self._displaced:
            return Refused(429, _("Too many uploads are under way, and this was the slowest; try again later"))
        return Refused(
            408,
            _("The upload came too slowly: it was {seconds:g} seconds behind {rate} a second").format(
                seconds=self._limits.patience, rate=bytes_short(self._limits.rate)
            ),
        )


class UploadLimit:
    """Middleware that holds every body to the limits; all of it runs in the event loop's thread."""

    def __init__(self, app: ASGIApp, limits: Limits | None = None) -> None:
        self._app = app
        self._limits = limits or Limits()
        self._under_way: list[_Body] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or not _has_body(headers := Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        body = _Body(_client(scope), receive, self._limits)
        self._make_place(body.client)
        self._under_way.append(body)
        begun = False

        async def read() -> Message:
            if body.whole:
                return await body.message()
            piece = await body.next()
            body.arrived += len(piece)
            self._check_room(0)
            return {"type": "http.request", "body": piece, "more_body": not body.whole}

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                body.arrived = 0  # dropped, or held by its session from here on
                await body.skip(_longest())
                if not body.whole:
                    MutableHeaders(scope=message)["connection"] = "close"
            await send(message)

        try:
            self._check_room(_claimed(headers))
            await self._app(scope, read, answer)
        except Refused as refusal:
            if not begun:
                await PlainTextResponse(str(refusal), refusal.status)(scope, read, answer)
        except Gone:
            pass  # nobody is there to be answered
        finally:
            self._under_way.remove(body)

    @property
    def arrived(self) -> int:
        """Bytes of the bodies under way."""
        return sum(body.arrived for body in self._under_way)

    def _check_room(self, more: int) -> None:
        if held() + self.arrived + more > self._limits.room:
            raise Refused(
                507,
                _(
                    "The server takes {limit} of uploads in all and has no room for this one now; try again later"
                ).format(limit=bytes_short(self._limits.room)),
            )

    def _make_place(self, client: str) -> None:
        """Let the slowest go where a client, or all of them, have as many bodies under way as they may."""
        known = [body for body in self._under_way if not body.cut]
        of_client = [body for body in known if body.client == client]
        if len(of_client) >= (self._limits.of_client or settings().uploads_per_client):
            known = of_client
        elif len(known) < self._limits.at_once:
            return
        slowest = min(known, key=_Body.pace)
        slowest.cut = True
        slowest.displace()


def held() -> int:
    """Bytes of uploads that the server keeps in memory."""
    stats = runtime.get_instance().uploaded_file_mgr.get_stats()
    return sum(part.byte_length for parts in stats.values() for part in parts if isinstance(part, CacheStat))


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _claimed(headers: Headers) -> int:
    """Bytes that a client says it will send: where even they have no room it is told so at once."""
    told = headers.get("content-length", "")
    return int(told) if told.isascii() and told.isdecimal() and len(told) < 20 else 0


def _longest() -> int:
    return int(config.get_option("server.maxUploadSize")) * 2**20 + MULTIPART


def _client(scope: Scope) -> str:
    """Who sends: an address, of IPv6 the network that one customer is given."""
    host = (scope.get("client") or ("", 0))[0]
    try:
        address = ip_address(host)
    except ValueError:
        return str(host)
    if address.version == 4:
        return host
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else str(ip_network((address.packed, 64), strict=False))
