"""A bound on what the server holds of uploads: Streamlit keeps them in memory and limits each file alone."""

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config, runtime
from streamlit.runtime.stats import CacheStat

from explorer.drawing.numbers import bytes_short
from explorer.i18n import _

MOST = 1_000_000_000  # bytes of all sessions: a closed page gives its own back
UPLOADS = "/_stcore/upload_file/"


class UploadLimit:
    """Middleware that refuses a file before it is read, where the server has no room for it.

    Files under way count as a whole: many at once would else pass while none of them is held yet.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._under_way = 0  # bytes; changed by the event loop's thread alone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["method"] != "PUT" or UPLOADS not in scope["path"]:
            await self._app(scope, receive, send)
            return
        length = _length(scope)
        if held() + self._under_way + length > MOST:
            refusal = PlainTextResponse(
                _(
                    "The server takes {limit} of uploads in all and has no room for this one now; try again later"
                ).format(limit=bytes_short(MOST)),
                status_code=507,
            )
            await refusal(scope, receive, send)
            return
        self._under_way += length
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= length


def held() -> int:
    """Bytes of uploads that the server keeps in memory."""
    stats = runtime.get_instance().uploaded_file_mgr.get_stats()
    return sum(part.byte_length for parts in stats.values() for part in parts if isinstance(part, CacheStat))


def _length(scope: Scope) -> int:
    """Bytes of a request, at most those that Streamlit takes where it doesn't say."""
    told = Headers(scope=scope).get("content-length", "")
    return int(told) if told.isdecimal() else config.get_option("server.maxUploadSize") * 2**20
