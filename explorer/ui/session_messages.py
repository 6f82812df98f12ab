"""Wakes the event loop once for many messages of a script, and not once for each.

Streamlit wakes its event loop for each element of a page. The thread of the script and that of the loop then take the
interpreter's lock from each other about a hundred times in a run.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from streamlit.runtime.app_session import AppSession


class _Waiting:
    """Callbacks of a session that the event loop has not called yet.

    Attributes:
        callbacks: The callbacks, in order.
        is_woken: Whether a call of ``handle`` is waiting in the loop.
    """

    def __init__(self) -> None:
        self.callbacks: deque[Callable[[], None]] = deque()
        self.is_woken = False


def install() -> None:
    """Change Streamlit in this process. Further calls change nothing."""
    if AppSession._call_soon_on_event_loop.__module__ == __name__:
        return
    wake = AppSession._call_soon_on_event_loop

    def call_soon(self: Any, callback: Callable[[], None]) -> None:
        waiting: _Waiting = vars(self).setdefault("explorer_waiting", _Waiting())
        waiting.callbacks.append(callback)
        wake_once(self, waiting)

    def wake_once(session: Any, waiting: _Waiting) -> None:
        if not waiting.is_woken:  # if two threads wake it at the same time, the second call finds nothing to do
            waiting.is_woken = True
            wake(session, lambda: handle(session, waiting))

    def handle(session: Any, waiting: _Waiting) -> None:
        waiting.is_woken = False  # first, so that what comes from here on wakes the loop again
        try:
            for _ in range(len(waiting.callbacks)):
                waiting.callbacks.popleft()()
        except BaseException:
            if waiting.callbacks:
                wake_once(session, waiting)  # the loop reports the error, and goes on with the next callback
            raise

    AppSession._call_soon_on_event_loop = call_soon  # type: ignore[method-assign]
