"""Limits on request bodies. Streamlit stores uploads in memory and only limits the size of each single file.

Received bytes count, not the length that a client declares. A body must arrive at a minimum rate. The number of bodies
is limited for each client and in total; at the limit, the slowest body makes room for the next one. The files of one
session have a limit too, so that nobody fills the space of all with one page.
"""

import asyncio
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config, runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.settings import settings

FORM_OVERHEAD = 1_000_000  # maximum bytes of a form in addition to its file
FILE_COST = 50_000  # bytes for which a file counts at least: many empty files take memory, too
ROUTE = "/_stcore/upload_file/"  # followed by the id of a session and that of a file


@dataclass(frozen=True)
class Limits:
    """The limits.

    Attributes:
        capacity: Maximum bytes of the files of all sessions and of the bodies that are being received.
        session_capacity: The same for the files and bodies of one session. The largest file fits.
        min_rate: Minimum rate of a body in bytes per second.
        max_delay: Maximum time in seconds that a body may be behind this rate.
        max_bodies: Maximum number of bodies that are being received.
        max_per_client: Maximum number of bodies from one client; None takes the setting.
    """

    capacity: int = 1_000_000_000
    session_capacity: int = 700_000_000
    min_rate: int = 8_000
    max_delay: float = 20.0
    max_bodies: int = 256
    max_per_client: int | None = None


class RefusedError(Exception):
    """The server refuses a body; has the status and the message for the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class DisconnectedError(Exception):
    """The client disconnected before the end of a body."""


class _Body:
    """A body that is being received.

    Attributes:
        session: Id of the session that it is for. Empty if it is no upload.
        received: Bytes that count towards the capacity.
        is_complete: Whether its end has been read.
        is_aborted: Whether it has broken a limit or its client has disconnected, so that nothing more is read.
    """

    def __init__(self, client: str, session: str, receive: Receive, limits: Limits) -> None:
        self.client = client
        self.session = session
        self.received = 0
        self.is_complete = False
        self.is_aborted = False
        self._receive = receive
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._slack = limits.max_delay
        self._read = 0
        self._waited = 0.0
        self._waiting_since: float | None = None
        self._timer: asyncio.Timeout | None = None
        self._displaced = False

    def pace(self) -> tuple[float, float]:
        """Return a sort key that is smaller for slower bodies: bytes per second, then the negative waiting time."""
        waited = self._waited + (0 if self._waiting_since is None else self._loop.time() - self._waiting_since)
        return self._read / (1 + waited), -waited

    def displace(self) -> None:
        """Abort the body to make room for another one."""
        self._displaced = True
        if self._timer is not None:
            self._timer.reschedule(self._loop.time())

    async def next_chunk(self) -> bytes:
        """Return the next chunk.

        Raises:
            RefusedError: If the body is too slow or was displaced.
            DisconnectedError: If the client has disconnected.
        """
        if self._displaced:
            raise self._abort()
        self._waiting_since = self._loop.time()
        try:
            async with asyncio.timeout(self._slack) as self._timer:
                message = await self._receive()
        except TimeoutError:
            raise self._abort() from None
        finally:
            duration, self._waiting_since, self._timer = self._loop.time() - self._waiting_since, None, None
            self._waited += duration
        if message["type"] != "http.request":
            self.is_aborted = True
            raise DisconnectedError
        chunk: bytes = message.get("body", b"")
        self.is_complete = not message.get("more_body", False)
        self._read += len(chunk)
        self._slack = min(self._limits.max_delay, self._slack - duration + len(chunk) / self._limits.min_rate)
        return chunk

    async def message(self) -> Message:
        """Return the message after the end of the body, which says that the client has disconnected."""
        return await self._receive()

    async def skip(self, limit: int) -> None:
        """Read and discard the rest, because many clients read no response before they have sent the whole body.

        Args:
            limit: Number of bytes of the body at which to stop.
        """
        try:
            while not self.is_complete and not self.is_aborted and self._read < limit:
                await self.next_chunk()
        except (RefusedError, DisconnectedError):
            pass

    def _abort(self) -> RefusedError:
        self.is_aborted = True
        if self._displaced:
            return RefusedError(429, _("Too many uploads are under way, and this was the slowest; try again later"))
        return RefusedError(
            408,
            _("The upload was too slow: it fell {seconds:g} seconds behind a rate of {rate} per second").format(
                seconds=self._limits.max_delay, rate=bytes_short(self._limits.min_rate)
            ),
        )


class UploadLimit:
    """Middleware that applies the limits to every body. All of it runs in the thread of the event loop."""

    def __init__(self, app: ASGIApp, limits: Limits | None = None) -> None:
        self._app = app
        self._limits = limits or Limits()
        self._bodies: list[_Body] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the app, and apply the limits to its body."""
        if scope["type"] != "http" or not _has_body(headers := Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        session = scope["path"].partition(ROUTE)[2].split("/")[0]
        body = _Body(client_address(scope), session, receive, self._limits)
        self._make_room(body.client)
        self._bodies.append(body)
        is_started = False

        async def read() -> Message:
            if body.is_complete:
                return await body.message()
            chunk = await body.next_chunk()
            body.received += len(chunk)
            self._check_capacity(session, 0)
            return {"type": "http.request", "body": chunk, "more_body": not body.is_complete}

        async def respond(message: Message) -> None:
            nonlocal is_started
            if message["type"] == "http.response.start":
                is_started = True
                body.received = 0  # from now on, Streamlit has dropped it or counts it for its session
                await body.skip(_max_length())
                if not body.is_complete:
                    MutableHeaders(scope=message)["connection"] = "close"
            await send(message)

        try:
            self._check_capacity(session, _declared_length(headers))
            await self._app(scope, read, respond)
        except RefusedError as refusal:
            if not is_started:
                await PlainTextResponse(str(refusal), refusal.status)(scope, read, respond)
        except DisconnectedError:
            pass  # nobody waits for a response
        finally:
            self._bodies.remove(body)

    @property
    def received(self) -> int:
        """Bytes of the bodies that are being received."""
        return sum(body.received for body in self._bodies)

    def _check_capacity(self, session: str, more: int) -> None:
        if stored_bytes() + self.received + more > self._limits.capacity:
            raise RefusedError(
                507,
                _(
                    "The server takes {limit} of uploads in all and has no room for this one now; try again later"
                ).format(limit=bytes_short(self._limits.capacity)),
            )
        of_session = sum(body.received for body in self._bodies if body.session == session)
        if session and stored_bytes(session) + of_session + more > self._limits.session_capacity:
            raise RefusedError(
                507,
                _("The server takes {limit} of uploads from one page, and this is more; remove one first").format(
                    limit=bytes_short(self._limits.session_capacity)
                ),
            )

    def _make_room(self, client: str) -> None:
        """Abort the slowest body if the limit for this client, or the total limit, is reached."""
        candidates = [body for body in self._bodies if not body.is_aborted]
        of_client = [body for body in candidates if body.client == client]
        if len(of_client) >= (self._limits.max_per_client or settings().uploads_per_client):
            candidates = of_client
        elif len(candidates) < self._limits.max_bodies:
            return
        slowest = min(candidates, key=_Body.pace)
        slowest.is_aborted = True
        slowest.displace()


def stored_bytes(session: str = "") -> int:
    """Return the bytes for which uploads in the server's memory count: those of a session, or without one of all."""
    files = runtime.get_instance().uploaded_file_mgr
    if not isinstance(files, MemoryUploadedFileManager):
        return 0
    stored = [files.file_storage.get(session, {})] if session else list(files.file_storage.values())
    return sum(max(len(file.data), FILE_COST) for part in stored for file in list(part.values()))


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _declared_length(headers: Headers) -> int:
    """Return the declared length of a body. If it is above the free capacity, the body is refused at once."""
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() and len(length) < 20 else 0


def _max_length() -> int:
    return int(config.get_option("server.maxUploadSize")) * 2**20 + FORM_OVERHEAD


def client_address(scope: Scope) -> str:
    """Return the client of a request: its address, or for IPv6 the /64 network, which usually has one owner."""
    host = (scope.get("client") or ("", 0))[0]
    try:
        address = ip_address(host)
    except ValueError:
        return str(host)
    if address.version == 4:
        return host
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else str(ip_network((address.packed, 64), strict=False))
