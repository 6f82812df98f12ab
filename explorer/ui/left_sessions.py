"""Frees the sessions of browsers that have left, also if no other browser comes.

Streamlit stores such a session for two minutes, so that nothing is lost with a connection. After that, its
``MemorySessionStorage`` frees the session only when another browser leaves
(https://github.com/streamlit/streamlit/issues/12506). Without this module, the sessions of a class stay in memory until
the next class.
"""

import asyncio

from streamlit import runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.session_manager import SessionStorage

INTERVAL = 30.0  # seconds


async def free_left_sessions() -> None:
    """Frees sessions again and again until it is cancelled. It runs in the event loop of Streamlit's runtime."""
    while True:
        await asyncio.sleep(INTERVAL)
        if runtime.exists():
            free(runtime.get_instance()._session_mgr._session_storage)  # type: ignore[attr-defined]


def free(storage: SessionStorage) -> None:
    """Frees the sessions whose time is over."""
    if isinstance(storage, MemorySessionStorage):
        storage._cache.expire()  # type: ignore[attr-defined]  # a TTLCache, which does it itself only at a change
