"""What the browser needs before anything else, so that nothing jumps while a page opens.

A style of a page arrives together with the parts of the page, and Streamlit applies it when its code for HTML is
loaded. That is too late, so the style that holds parts back stands in the document, and so does the layout of the
presenter view. The document also says which code the browser fetches early, and which comes after the numbers.
"""

from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.ui import page_code

_ASSETS = Path(__file__).parent / "assets"


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


_SCRIPTS = "".join(
    f"<script>{_asset(f'{name}.js')}</script>" for name in ("presenter_start", "numbers_first", "held_back")
)
ADDED = (
    f"<style>{_asset('first_paint.css')}{_asset('presenter.css')}</style>"
    f'<style id="held-back">{_asset("held_back.css")}</style>{_SCRIPTS}'
)
HEAD, END_OF_HEAD = b"<head>", b"</head>"
# With these the answer could be compressed, a part, or "not changed": it must be whole and readable here.
DROPPED = {b"accept-encoding", b"if-none-match", b"if-modified-since", b"range"}
OF_THE_FILE = ("etag", "last-modified", "accept-ranges")


def complete(document: bytes) -> bytes:
    """Return Streamlit's document with the style, the scripts, and what page_code says about the code of parts."""
    with_map = document.replace(HEAD, HEAD + page_code.import_map().encode(), 1)  # before the first import
    return with_map.replace(END_OF_HEAD, (ADDED + page_code.preloads()).encode() + END_OF_HEAD, 1)


class FirstPaint:
    """Middleware that completes the document of every page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the app, and complete the answer if it is a document."""
        asks_for_page = scope["type"] == "http" and scope["method"] == "GET"
        if not asks_for_page or "text/html" not in Headers(scope=scope).get("accept", ""):
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = b""

        async def add_to_document(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_document(message):
                start = message
            elif not start:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    document = complete(body)
                    headers = MutableHeaders(scope=start)
                    headers["content-length"] = str(len(document))
                    for name in OF_THE_FILE:
                        del headers[name]
                    await send(start)
                    await send({"type": "http.response.body", "body": document})

        headers = [(name, value) for name, value in scope["headers"] if name not in DROPPED]
        await self._app({**scope, "headers": headers}, receive, add_to_document)


def _is_document(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "").startswith("text/html")
