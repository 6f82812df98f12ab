"""Lets widgets read only their own value from the session.

Each number, text and select box of Streamlit checks whether its own value is None. For this check, Streamlit reads
the values of all widgets, and computes those of components again (the cause of
https://github.com/streamlit/streamlit/issues/9415, which is solved in part). On the Architecture page, this takes a
tenth of an edit.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from streamlit.runtime.state import SafeSessionState


class _Values(Mapping[str, Any]):
    """The values of a session by key. A single value is read without the others."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __getitem__(self, key: str) -> Any:
        with self._session._lock:
            return self._session._state[key]

    def __contains__(self, key: object) -> bool:
        with self._session._lock:
            return key in self._session._state

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return repr(self._all())

    def _all(self) -> dict[str, Any]:
        with self._session._lock:
            values: dict[str, Any] = self._session._state.filtered_state
            return values


def install() -> None:
    """Change Streamlit in this process. Further calls change nothing."""
    SafeSessionState.filtered_state = property(_Values)  # type: ignore[method-assign, assignment]
