"""Sessions whose browser has left are freed, also when nobody else comes.

Streamlit keeps such a session for two minutes, so that a lost connection loses nothing. After that it frees the session
only when the next one leaves; see ``MemorySessionStorage``. A class that ends would stay in memory until another one.
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
    """Frees the sessions that were kept for long enough."""
    if isinstance(storage, MemorySessionStorage):
        storage._cache.expire()  # type: ignore[attr-defined]  # a TTLCache, which does it itself only at a change
