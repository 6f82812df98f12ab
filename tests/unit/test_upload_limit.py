"""The bound on what the server holds of uploads."""

import asyncio
from typing import Any

import pytest
from streamlit import config, runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from explorer.ui import upload_limit
from explorer.ui.upload_limit import UploadLimit

UPLOAD = "/_stcore/upload_file/session/file"


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> MemoryUploadedFileManager:
    held = MemoryUploadedFileManager(UPLOAD)
    server = type("Server", (), {"uploaded_file_mgr": held})()
    monkeypatch.setattr(runtime, "get_instance", lambda: server)
    monkeypatch.setattr(upload_limit, "MOST", 1000)
    return held


async def unread() -> Any:
    pytest.fail("the file was read")


def request(path: str, length: int | None = None, method: str = "PUT", kind: str = "http") -> dict[str, Any]:
    headers = [] if length is None else [(b"content-length", str(length).encode())]
    return {"type": kind, "method": method, "path": path, "headers": headers}


def asked(scope: dict[str, Any]) -> list[Any]:
    """What the app behind it was asked, and what the browser is told."""
    told: list[Any] = []

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        told.append("passed on")

    async def send(message: Any) -> None:
        told.append(message.get("status", message.get("body", b"")))

    asyncio.run(UploadLimit(app)(scope, unread, send))
    return told


def test_files_are_refused_unread_where_there_is_no_room(manager: MemoryUploadedFileManager) -> None:
    assert asked(request(UPLOAD, 1000)) == ["passed on"]
    for number in range(2):
        manager.add_file(f"session {number}", UploadedFileRec(f"{number}", "a.png", "image/png", bytes(450)))
    assert asked(request(UPLOAD, 100)) == ["passed on"]
    status, words = asked(request(UPLOAD, 101))
    assert status == 507
    assert words == b"The server takes 1.00 kB of uploads in all and has no room for this one now; try again later"
    assert asked(request(f"/below{UPLOAD}", 101))[0] == 507
    manager.remove_session_files("session 0")
    assert asked(request(UPLOAD, 101)) == ["passed on"]


@pytest.mark.parametrize("length", [None, -1])
def test_a_request_that_does_not_say_its_length_may_be_as_long_as_any(
    manager: MemoryUploadedFileManager, monkeypatch: pytest.MonkeyPatch, length: int | None
) -> None:
    longest = config.get_option("server.maxUploadSize") * 2**20
    monkeypatch.setattr(upload_limit, "MOST", longest)
    assert asked(request(UPLOAD, length)) == ["passed on"]
    monkeypatch.setattr(upload_limit, "MOST", longest - 1)
    assert asked(request(UPLOAD, length))[0] == 507


@pytest.mark.parametrize("fails", [False, True])
def test_files_under_way_at_once_share_the_room(manager: MemoryUploadedFileManager, fails: bool) -> None:
    """And give it back, whether they arrive or break off; what arrived is held then."""

    async def act() -> list[int]:
        statuses: list[int] = []
        begun, over = asyncio.Event(), asyncio.Event()

        async def app(_scope: Any, _receive: Any, _send: Any) -> None:
            begun.set()
            await over.wait()
            if fails:
                raise ConnectionError
            statuses.append(204)

        async def send(message: Any) -> None:
            if "status" in message:
                statuses.append(message["status"])

        limit = UploadLimit(app)
        first = asyncio.create_task(limit(request(UPLOAD, 600), unread, send))
        await begun.wait()
        await limit(request(UPLOAD, 401), unread, send)
        fits = asyncio.create_task(limit(request(UPLOAD, 400), unread, send))
        await asyncio.sleep(0)
        over.set()
        await asyncio.gather(first, fits, return_exceptions=True)
        await asyncio.gather(limit(request(UPLOAD, 1000), unread, send), return_exceptions=True)
        return statuses

    assert asyncio.run(act()) == ([507] if fails else [507, 204, 204, 204])


@pytest.mark.parametrize(
    ("method", "path", "kind"), [("DELETE", UPLOAD, "http"), ("GET", "/predict", "http"), ("PUT", UPLOAD, "websocket")]
)
def test_everything_else_passes(manager: MemoryUploadedFileManager, method: str, path: str, kind: str) -> None:
    manager.add_file("session", UploadedFileRec("1", "a.png", "image/png", bytes(5000)))
    assert asked(request(path, 10, method, kind)) == ["passed on"]
