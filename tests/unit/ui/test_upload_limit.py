"""The limits on request bodies, with real connections to Streamlit's own upload route."""

import asyncio
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp
from streamlit import config, runtime
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.web.server.starlette.starlette_app import create_streamlit_middleware
from streamlit.web.server.starlette.starlette_routes import create_upload_routes

from explorer.ui import hosts
from explorer.ui.hosts import HostGuard
from explorer.ui.upload_limit import FILE_COST, Limits, UploadLimit, client_address

MB = 1_000_000
OTHER = b"PUT /_stcore/upload_file/other/%d HTTP/1.1\r\nHost: localhost\r\n"
HEAD = b"PUT /_stcore/upload_file/session/%d HTTP/1.1\r\nHost: localhost\r\n"
FORM = b"Content-Type: multipart/form-data; boundary=b\r\n"
BEFORE = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\n'
AFTER = b"\r\n--b--\r\n"


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock can be put forward, so that tests need not wait."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


class Server:
    """Streamlit's upload route behind the app's middleware, on a real port."""

    def __init__(self, limits: Limits) -> None:
        self.files = MemoryUploadedFileManager("/_stcore/upload_file")
        self.loop = Loop()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        middleware: list[UploadLimit] = []

        def bound(app: ASGIApp) -> UploadLimit:
            middleware.append(UploadLimit(app, limits))
            return middleware[0]

        active = cast(Runtime, SimpleNamespace(is_active_session=lambda _id: True))
        app = Starlette(
            routes=create_upload_routes(active, self.files, None),
            middleware=[Middleware(HostGuard), Middleware(bound), *create_streamlit_middleware()],
        )
        self._server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        until(lambda: self._server.started)
        response(self.connect(b"GET / HTTP/1.0\r\n\r\n"))
        self.limit = middleware[0]

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:  # ends connections of a failed test
            runner.run(self._server.serve(sockets=[self.socket]))

    def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        for connection in self._connections:
            connection.close()

    def forward(self, seconds: float) -> None:
        def put() -> None:
            self.loop.ahead += seconds

        self.loop.call_soon_threadsafe(put)

    def connect(self, data: bytes) -> socket.socket:
        connection = socket.create_connection(self.socket.getsockname(), timeout=30)
        self._connections.append(connection)
        connection.sendall(data)
        return connection

    def idle(self, declared: int, sent: bytes = b"") -> socket.socket:
        """Open a connection that declares a length and sends only a part."""
        before = list(self.limit._bodies)
        connection = self.connect(HEAD % 1 + FORM + b"Content-Length: %d\r\n\r\n" % declared + sent)
        until(lambda: set(self.limit._bodies) - set(before))
        return connection

    def upload(self, size: int, number: int = 0) -> bytes:
        """Return the response to a normal upload."""
        body = BEFORE + bytes(size) + AFTER
        return response(self.connect(HEAD % number + FORM + b"Content-Length: %d\r\n\r\n" % len(body) + body))

    def read(self) -> int:
        return sum(body._read for body in self.limit._bodies)

    def stored(self) -> int:
        return sum(part.byte_length for parts in self.files.get_stats().values() for part in parts)


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def response(connection: socket.socket) -> bytes:
    """Return the first response of a connection: head and body."""
    data = b""
    while piece := connection.recv(65536):
        data += piece
        head, found, rest = data.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        if found and len(rest) >= (int(length[1]) if length else 0):
            break
    return data


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    with ExitStack() as stack:
        monkeypatch.setattr(hosts.HostGuard, "is_installed", False)

        def start(**limits: float) -> Server:
            server = Server(Limits(**limits))  # type: ignore[arg-type]
            stack.callback(server.stop)
            monkeypatch.setattr(runtime, "get_instance", lambda: SimpleNamespace(uploaded_file_mgr=server.files))
            return server

        before = config.get_option("server.enableXsrfProtection")
        config.set_option("server.enableXsrfProtection", False)  # noqa: FBT003
        stack.callback(config.set_option, "server.enableXsrfProtection", before)
        yield start


def test_idle_connections_with_a_large_declared_length_block_nobody_and_are_aborted(
    serve: Callable[..., Server],
) -> None:
    server = serve(capacity=2 * MB, max_per_client=25, max_delay=9000)
    idle = [server.idle(1_900_000, BEFORE) for _number in range(20)]
    assert server.upload(MB).startswith(b"HTTP/1.1 204")
    assert server.stored() == MB
    server.forward(6000)
    assert server.upload(MB // 2, 2).startswith(b"HTTP/1.1 204")
    until(lambda: len(server.limit._bodies) == 20)
    server.forward(4000)
    for connection in idle:
        received = response(connection)
        assert received.startswith(b"HTTP/1.1 408")
        assert received.endswith(b"The upload was too slow: it fell 9000 seconds behind a rate of 8.00 kB per second")
    until(lambda: not server.limit._bodies)


def test_uploads_below_the_minimum_rate_are_aborted(serve: Callable[..., Server]) -> None:
    server = serve(min_rate=10, max_delay=9000)
    trickle = server.idle(MB, BEFORE)
    slow = server.idle(len(BEFORE + AFTER) + 15 * 25_000, BEFORE)
    until(lambda: server.read() == 2 * len(BEFORE))
    for step in range(1, 16):  # rates of 0.5 and 12.5 bytes per second
        server.forward(2000)
        slow.sendall(bytes(25_000))
        if len(server.limit._bodies) == 2:
            trickle.sendall(bytes(1000))
        else:
            assert step > 4
        until(lambda: max(body._read for body in server.limit._bodies) == len(BEFORE) + step * 25_000)  # noqa: B023
    assert len(server.limit._bodies) == 1
    slow.sendall(AFTER)
    assert response(slow).startswith(b"HTTP/1.1 204")
    assert server.stored() == 375_000


def test_received_bytes_count_towards_the_capacity_and_are_released(serve: Callable[..., Server]) -> None:
    """With no length, a length that is too long or too short, an aborted upload, and a refused one."""
    server = serve(capacity=4 * MB)
    part = server.idle(3 * MB, BEFORE + bytes(2 * MB))
    until(lambda: server.limit.received == 2 * MB + len(BEFORE))
    refused = b"The server takes 4.00 MB of uploads in all and has no room for this one now; try again later"
    assert server.upload(2 * MB).endswith(refused)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (BEFORE, bytes(MB), bytes(MB), AFTER, b""))
    assert response(server.connect(HEAD % 5 + FORM + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)).endswith(refused)
    assert server.stored() == 0
    part.close()
    until(lambda: not server.limit._bodies)
    assert server.limit.received == 0
    chunked = server.connect(HEAD % 5 + FORM + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert response(chunked).startswith(b"HTTP/1.1 204")
    assert server.stored() == 2 * MB
    short = server.connect(HEAD % 6 + FORM + b"Content-Length: 9\r\n\r\n" + BEFORE + AFTER)
    assert response(short).startswith(b"HTTP/1.1 400")
    long = server.idle(10**15, BEFORE)
    server.forward(21)
    assert response(long).endswith(refused)
    server.files.remove_session_files("session")
    assert server.upload(3 * MB).startswith(b"HTTP/1.1 204")


def test_a_session_does_not_fill_the_space_of_others(serve: Callable[..., Server]) -> None:
    server = serve(capacity=4 * MB, session_capacity=2 * MB)
    assert server.upload(MB, number=1).startswith(b"HTTP/1.1 204")
    part = server.idle(3 * MB // 4, BEFORE + bytes(MB // 2))
    until(lambda: server.limit.received == MB // 2 + len(BEFORE))
    refused = b"The server takes 2.00 MB of uploads from one page, and this is more; remove one first"
    assert server.upload(MB, number=2).endswith(refused)
    body = BEFORE + bytes(MB) + AFTER
    of_other = server.connect(OTHER % 1 + FORM + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert response(of_other).startswith(b"HTTP/1.1 204")
    part.close()
    until(lambda: not server.limit._bodies)
    taken = [server.upload(0, number=number).startswith(b"HTTP/1.1 204") for number in range(3, 30)]
    assert sum(taken) == MB // FILE_COST, "empty files count, too"


def test_aborted_uploads_leave_no_memory_no_files_and_no_traceback(
    serve: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    server = serve()
    # Starlette keeps 1 MB of each body in memory.
    connections = [server.idle(50 * MB, BEFORE + bytes(2 * MB)) for _number in range(5)]
    until(lambda: server.limit.received == 5 * (2 * MB + len(BEFORE)))
    for connection in connections:
        connection.close()
    until(lambda: not server.limit._bodies)
    assert server.limit.received == server.stored() == 0
    deleted = [link for link in Path("/proc/self/fd").iterdir() if _target(link).startswith("/tmp/tmp")]  # noqa: S108
    assert not [link for link in deleted if _target(link).endswith("(deleted)")]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def test_the_slowest_upload_of_a_client_or_of_all_makes_room(serve: Callable[..., Server]) -> None:
    for server in (serve(max_per_client=3), serve(max_bodies=3, max_per_client=9)):
        quick = server.idle(30 * MB, BEFORE + bytes(MB))
        idle = [server.idle(MB), server.idle(MB, bytes(9))]
        until(lambda: server.read() == MB + len(BEFORE) + 9)  # noqa: B023
        server.forward(1)
        assert server.upload(MB).startswith(b"HTTP/1.1 204")
        received = response(idle[0])
        assert received.startswith(b"HTTP/1.1 429")
        assert received.endswith(b"Too many uploads are under way, and this was the slowest; try again later")
        until(lambda: len(server.limit._bodies) == 2)  # noqa: B023
        for _number in range(30):
            server.connect(HEAD % 1 + FORM + b"Content-Length: 9\r\n\r\n")
        until(lambda: len(server.limit._bodies) == 3)  # noqa: B023
        quick.sendall(bytes(1000))
        until(lambda: max(body._read for body in server.limit._bodies) == MB + len(BEFORE) + 1000)  # noqa: B023


def test_the_wait_for_an_unread_body_is_limited(serve: Callable[..., Server]) -> None:
    """Streamlit responds to a body that it refuses before the body is complete."""
    server = serve()
    unwanted = server.idle(700 * MB)
    stranger = server.connect((HEAD % 1).replace(b"localhost", b"evil.example") + b"Content-Length: 9\r\n\r\n")
    assert response(stranger).startswith(b"HTTP/1.1 403")
    server.forward(21)
    assert response(unwanted).startswith(b"HTTP/1.1 413")
    until(lambda: not server.limit._bodies)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),  # one customer has a whole /64 network
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
    ],
)
def test_a_client_is_an_ipv4_address_or_an_ipv6_network(one: str, other: str, same: bool) -> None:
    assert (client_address({"client": (one, 1)}) == client_address({"client": (other, 2)})) == same
    assert client_address({"client": None}) == ""
