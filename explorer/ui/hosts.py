"""The host names that this server answers to, as a protection against DNS rebinding.

A browser lets a foreign page read every response from the host name of that page, even if the owner of the name makes
it point to this server. The browser sends the host name in ``Host`` and the origin of the page in ``Origin``, so the
server checks both.
"""

import logging
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config

from explorer.errors import shown
from explorer.i18n import _
from explorer.settings import settings

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
ALL_ADDRESSES = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 -- stand for all addresses of the machine
DEFAULT_PORTS = frozenset({None, 80, 443})
MAX_LOGGED = 20  # reasons

_log = logging.getLogger("explorer.hosts")


class HostGuard:
    """Middleware that answers requests for a foreign name with 403, on every route and on the WebSocket."""

    is_installed = False  # if false, the launcher was not used and main.py makes the check

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._logged: set[str] = set()
        HostGuard.is_installed = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request, and pass it on to the app or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        address = (scope.get("server") or ("", None))[0]
        reason = refusal(headers.getlist("host"), headers.getlist("origin"), address)
        if reason is None:
            await self._app(scope, receive, send)
            return
        if len(self._logged) < MAX_LOGGED and reason not in self._logged:
            self._logged.add(reason)
            _log.warning(_("Refused: %s"), reason)
        response = PlainTextResponse(reason, status_code=403, headers={"connection": "close"})
        if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
            return
        await response(scope, receive, send)


def refusal(hosts: list[str], origins: list[str], address: str = "") -> str | None:
    """Return the reason to refuse a request in one sentence, or None to allow it.

    Args:
        hosts: ``Host`` headers of the request. HTTP/1.0 has none; every browser sends one.
        origins: ``Origin`` headers of the request. A browser sends one with requests of a foreign page.
        address: Address of this machine that received the request. It is allowed as a name.
    """
    if len(hosts) > 1 or len(origins) > 1:
        return _("A request has one Host and one Origin")
    host = _parse(f"//{hosts[0]}") if hosts else None
    if hosts and (host is None or not _is_own_name(host[0], address)):
        return _(
            "This server isn't {name}: open it at its own address, or have the name added to EXPLORER_ALLOWED_HOSTS"
        ).format(name=shown(hosts[0]))
    if not origins:
        return None
    origin = _parse(origins[0])
    if origin is not None and _is_allowed(origin[0]):
        return None
    if origin is None or not _is_own_name(origin[0], address) or (host is not None and _port(origin) != _port(host)):
        return _(
            "A page of {origin} may not use this server; EXPLORER_ALLOWED_HOSTS names those that may"
        ).format(origin=shown(origins[0]))  # fmt: skip
    return None


def warn_about_refused_names() -> None:
    """Log a warning if the server can be reached from other machines and no name is allowed."""
    address = _configured_address()
    if address in ALL_ADDRESSES and not settings().allowed_hosts:
        _log.warning(
            _(
                "The server listens on every address of this machine. It answers to those addresses and to localhost, "
                "and refuses every name: to allow one, set EXPLORER_ALLOWED_HOSTS=name1,name2"
            )
        )


def _parse(url: str) -> tuple[str, int | None] | None:
    """Return name and port of a URL; None if it has no name, or other parts as well."""
    if not url.isascii() or any(mark <= " " or mark in "\\%\x7f" for mark in url):
        return None
    try:
        parts = urlsplit(url)
        name, port = parts.hostname, parts.port
    except ValueError:
        return None
    if (
        not name
        or parts.username is not None
        or parts.path
        or parts.query
        or parts.fragment
        or url.endswith(("?", "#"))
    ):
        return None
    return (normal, port) if (normal := _normalise(name)) else None


def _normalise(name: str) -> str:
    name = name.lower().removesuffix(".")
    try:
        address = ip_address(name)
    except ValueError:
        return name
    mapped = address.ipv4_mapped if address.version == 6 else None
    return str(mapped or address)


def _is_own_name(name: str, address: str) -> bool:
    return (
        name in LOCAL_NAMES
        or name in {_normalise(address), _normalise(_configured_address())} - {""}
        or _is_allowed(name)
    )


def _is_allowed(name: str) -> bool:
    """Whether the setting allows a name."""
    return any(
        pattern in {"*", name} or (pattern.startswith("*.") and name.endswith(pattern[1:]))
        for pattern in settings().allowed_hosts.split(",")
    )


def _configured_address() -> str:
    """Return the address in Streamlit's configuration; empty means all addresses."""
    return str(config.get_option("server.address") or "")


def _port(target: tuple[str, int | None]) -> int | None:
    return None if target[1] in DEFAULT_PORTS else target[1]
