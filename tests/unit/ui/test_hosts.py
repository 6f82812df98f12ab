"""Requests with a foreign host name are answered with 403, on every route."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError
from streamlit import config
from streamlit.testing.v1 import AppTest

from explorer.settings import Settings, settings
from explorer.ui import hosts
from explorer.ui.hosts import HostGuard, refusal, warn_about_refused_names

HERE = "10.0.0.7"  # address of this machine that receives the connections


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(HostGuard, "is_installed", False)
    settings.cache_clear()
    yield
    settings.cache_clear()


def allow(monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    monkeypatch.setenv("EXPLORER_ALLOWED_HOSTS", names)
    settings.cache_clear()


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost:8501", "LocalHost:8501", "localhost.", "localhost.:8501", "127.0.0.1", "127.0.0.1:9000",
        "[::1]", "[::1]:8501", "[0:0:0:0:0:0:0:1]:8501", "10.0.0.7:8501", "[::ffff:10.0.0.7]:8501", "localhost:",
    ],
)  # fmt: skip
def test_our_own_names_are_answered(host: str) -> None:
    assert refusal([host], [], HERE) is None
    assert refusal([host], [f"http://{host}"], HERE) is None


ALL_ADDRESSES = "0.0.0.0"  # noqa: S104


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8501", "localhost.evil.example", "evil.localhost", "localhost:8501.evil.example",
        "localhost@evil.example", "evil.example#localhost", "evil.example?localhost", "evil.example/localhost",
        "localhost, evil.example", "localhost evil", "10.0.0.8", "10.0.0.70", "[::2]", "[::1", "::1", "", ":8501", ".",
        "localhost..", "localhost:x", "localhost:99999", "127.1", "2130706433", "0x7f.1", ALL_ADDRESSES, "localhost%00",
        "lоcalhost", "localhost\x00", "localhost#", "localhost?", "localhost/", "*", "127.0.0.1.nip.io",
    ],
)  # fmt: skip
def test_every_other_name_is_refused_in_one_sentence(host: str) -> None:
    for reason in (refusal([host], [], HERE), refusal([], [f"http://{host}"], HERE)):
        assert reason is not None
        assert reason.isprintable()
        assert "EXPLORER_ALLOWED_HOSTS" in reason
        assert len(reason) < 200
    assert len(refusal([f"{host}{'a' * 100_000}"], [], HERE) or "") < 200


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("null", "localhost:8501"),  # an isolated frame, or a local file
        ("http://localhost:3000", "localhost:8501"),  # another program on this machine
        ("http://127.0.0.1", "127.0.0.1:8501"),
        ("https://evil.example", "localhost:8501"),
        ("http://10.0.0.8:8501", "10.0.0.7:8501"),
        ("localhost:8501", "localhost:8501"),
        ("file://", "localhost"),
        ("", "localhost"),
    ],
)
def test_foreign_origins_are_refused(origin: str, host: str) -> None:
    assert "may not use this server" in (refusal([host], [origin], HERE) or "")


def test_a_request_without_a_host_header_is_allowed() -> None:
    """Health checks use HTTP/1.0, which has no such header."""
    assert refusal([], []) is None
    assert refusal([], ["http://evil.example"]) is not None
    assert refusal(["localhost", "evil.example"], []) is not None
    assert refusal(["localhost"], ["http://localhost", "http://evil.example"]) is not None


def test_the_setting_allows_more_names(monkeypatch: pytest.MonkeyPatch) -> None:
    allow(monkeypatch, " CNN.School.edu., *.lab.edu,10.1.1.1, [fe80::0:1]")
    for host in ("cnn.school.edu:443", "Cnn.school.edu.", "a.lab.edu", "a.b.lab.edu:80", "10.1.1.1", "[FE80::1]"):
        assert refusal([host], [f"https://{host}"]) is None
        assert refusal(["localhost:8501"], [f"https://{host}"]) is None  # behind a proxy that asks for localhost
    for host in ("school.edu", "x.cnn.school.edu", "lab.edu", "evillab.edu", "lab.edu.evil.example"):
        assert refusal([host], []) is not None
    assert Settings(**Settings().model_dump()) == Settings()
    assert settings().for_process()["EXPLORER_ALLOWED_HOSTS"] == "cnn.school.edu,*.lab.edu,10.1.1.1,fe80::1"
    allow(monkeypatch, "*")
    assert refusal(["evil.example"], ["http://evil.example"]) is None


@pytest.mark.parametrize("names", ["http://a.edu", "a.edu:8501", "a b", "*.*", "a..edu", "**", "a/b", "\x1b[2J.edu"])
def test_invalid_names_in_the_setting_are_refused(monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    with pytest.raises(ValidationError, match="is not a name like"):
        Settings(allowed_hosts=names)


def request(scope: dict[str, Any], **headers: str) -> list[Any]:
    """Send a request through the guard. Returns what reaches the app and what the client receives."""
    events: list[Any] = []

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        events.append("passed on")

    async def send(message: Any) -> None:
        events.append(message.get("status") or message.get("body") or message["type"])

    scope["headers"] = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(HostGuard(app)(scope, app, send))  # type: ignore[arg-type]
    return events


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/_stcore/upload_file/a/b", "/media/x.png", "/static/a.js"])
def test_every_route_is_guarded(path: str, caplog: pytest.LogCaptureFixture) -> None:
    scope = {"type": "http", "method": "GET", "path": path, "server": (HERE, 8501)}
    assert request(scope, host="localhost") == request(scope, host=HERE) == ["passed on"]
    status, words = request(scope, host="evil.example\x1b[2J", x_forwarded_host="localhost", forwarded="host=localhost")
    assert status == 403
    assert words.startswith(b"This server isn't 'evil.example\\x1b[2J': ")
    assert request(scope, host="localhost", origin="http://evil.example", x_forwarded_host="evil.example")[0] == 403
    assert len(caplog.records) == 2
    assert "\x1b" not in caplog.text


def test_websocket_and_lifespan() -> None:
    scope: dict[str, Any] = {"type": "websocket", "path": "/_stcore/stream", "server": (HERE, 8501)}
    assert request(scope, host="localhost:8501", origin="http://localhost:8501") == ["passed on"]
    assert request(scope, host="evil.example", origin="http://evil.example") == ["websocket.close"]
    scope["extensions"] = {"websocket.http.response": {}}
    assert request(scope, host="localhost:8501", origin="http://evil.example")[0] == 403
    assert request({"type": "lifespan"}) == ["passed on"]


def test_a_warning_about_refused_names_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for address, setting, is_warning in (
        ("localhost", "", False), (ALL_ADDRESSES, "cnn.school.edu", False), (ALL_ADDRESSES, "", True), (None, "", True)
    ):  # fmt: skip
        monkeypatch.setattr(config, "get_option", {"server.address": address}.get)
        allow(monkeypatch, setting)
        caplog.clear()
        warn_about_refused_names()
        assert ("EXPLORER_ALLOWED_HOSTS=name1,name2" in caplog.text) == is_warning
        assert all(record.levelno == logging.WARNING for record in caplog.records)
    monkeypatch.setattr(config, "get_option", {"server.address": "192.0.2.4"}.get)
    assert refusal(["192.0.2.4:8501"], ["http://192.0.2.4:8501"]) is None


def test_streamlits_own_protections_are_on() -> None:
    assert config.get_option("server.enableXsrfProtection") is True
    assert config.get_option("server.enableCORS") is True
    assert config.get_option("server.address") == "localhost"


def test_without_the_launcher_the_pages_are_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """``streamlit run explorer/main.py`` has no middleware."""
    monkeypatch.setattr(hosts, "refusal", lambda host_headers, _origins: "not ours" if host_headers == [] else None)
    page = AppTest.from_file("../../../explorer/main.py", default_timeout=300).run()
    assert [error.value for error in page.error] == ["not ours"]
    assert len(page.main) == 1
