"""Lets widgets read only their own value from the session.

Each number, text and select box of Streamlit checks whether its own value is None. For this check, Streamlit reads
the values of all widgets, and computes those of components again (the cause of
https://github.com/streamlit/streamlit/issues/9415, which is solved in part). On the Architecture page, this takes a
tenth of an edit.
A page reads only the values of its own widgets, for the same reason.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from streamlit.runtime.state import SafeSessionState, get_session_state
from streamlit.runtime.state.common import is_element_id


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


def values_of(prefixes: tuple[str, ...]) -> dict[str, Any]:
    """Returns the values of the session whose keys begin with one of the prefixes, by key."""
    session = get_session_state()
    with session._lock:
        state = session._state
        keys, values = state._key_id_mapper.id_key_mapping, dict[str, Any]()
        for name in state._keys():
            key = keys.get(name, "") if is_element_id(name) else name
            if key.startswith(prefixes):
                with suppress(KeyError):  # a widget that the server doesn't know any more
                    values[key] = state[name]
        return values


def install() -> None:
    """Change Streamlit in this process. Further calls change nothing."""
    SafeSessionState.filtered_state = property(_Values)  # type: ignore[method-assign, assignment]
