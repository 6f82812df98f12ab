"""The names that this server answers to: a page of others whose name was made to lead here gets nothing from it.

A browser lets the page of a stranger read what comes from the stranger's own name, wherever the name leads to (DNS
rebinding). It tells us the name (``Host``) and whose page asks (``Origin``), so both must be ours.
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

OURS = frozenset({"localhost", "127.0.0.1", "::1"})
EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 -- addresses that stand for all of the machine's
USUAL_PORTS = frozenset({None, 80, 443})
TOLD = 20  # names that the log tells of

_log = logging.getLogger("explorer.hosts")


class HostGuard:
    """Middleware that answers a stranger's name with 403, on every route and on the WebSocket."""

    in_place = False  # without the launcher, main.py has to ask itself

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._told: set[str] = set()
        HostGuard.in_place = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        reached = (scope.get("server") or ("", None))[0]
        reason = refusal(headers.getlist("host"), headers.getlist("origin"), reached)
        if reason is None:
            await self._app(scope, receive, send)
            return
        if len(self._told) < TOLD and reason not in self._told:
            self._told.add(reason)
            _log.warning(_("Refused: %s"), reason)
        response = PlainTextResponse(reason, status_code=403, headers={"connection": "close"})
        if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
            return
        await response(scope, receive, send)


def refusal(hosts: list[str], origins: list[str], reached: str = "") -> str | None:
    """Why a request is refused, in one sentence; None where it isn't.

    Args:
        hosts: its ``Host`` headers. HTTP/1.0 has none, and every browser sends one.
        origins: its ``Origin`` headers: browsers send one with what a page of others asks for.
        reached: the address of this machine that it came to, which is as good as a name in the setting.
    """
    if len(hosts) > 1 or len(origins) > 1:
        return _("A request has one Host and one Origin")
    host = _parse(f"//{hosts[0]}") if hosts else None
    if hosts and (host is None or not _known(host[0], reached)):
        return _(
            "This server isn't {name}: open it at its own address, or have the name added to EXPLORER_ALLOWED_HOSTS"
        ).format(name=shown(hosts[0]))
    if not origins:
        return None
    origin = _parse(origins[0])
    if origin is not None and _named(origin[0]):
        return None
    if origin is None or not _known(origin[0], reached) or (host is not None and _port(origin) != _port(host)):
        return _(
            "A page of {origin} may not use this server; EXPLORER_ALLOWED_HOSTS names those that may"
        ).format(origin=shown(origins[0]))  # fmt: skip
    return None


def announce() -> None:
    """Say in the log what is refused where the server can be reached from outside and no name of it is known."""
    address = _served()
    if address in EVERYWHERE and not settings().allowed_hosts:
        _log.warning(
            _(
                "The server listens on every address of this machine. It answers to those addresses and to localhost, "
                "and refuses every name: to allow one, set EXPLORER_ALLOWED_HOSTS=name1,name2"
            )
        )


def _parse(url: str) -> tuple[str, int | None] | None:
    """Name and port; None where it says anything else too, or nothing."""
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
    return (plain, port) if (plain := _plain(name)) else None


def _plain(name: str) -> str:
    name = name.lower().removesuffix(".")
    try:
        address = ip_address(name)
    except ValueError:
        return name
    mapped = address.ipv4_mapped if address.version == 6 else None
    return str(mapped or address)


def _known(name: str, reached: str) -> bool:
    return name in OURS or name in {_plain(reached), _plain(_served())} - {""} or _named(name)


def _named(name: str) -> bool:
    """Whether the setting names it."""
    return any(
        pattern in {"*", name} or (pattern.startswith("*.") and name.endswith(pattern[1:]))
        for pattern in settings().allowed_hosts.split(",")
    )


def _served() -> str:
    """The address that the server was told to listen on; empty is all of them."""
    return str(config.get_option("server.address") or "")


def _port(place: tuple[str, int | None]) -> int | None:
    return None if place[1] in USUAL_PORTS else place[1]
