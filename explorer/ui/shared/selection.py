"""The rows of a table that a user has ticked."""

import secrets

import streamlit as st


def ticked(name: str, rows: list[int]) -> str:
    """A table's key: a new one, with these rows ticked, where the browser's table may have others.

    Were the rows of the same table changed here, a browser that has not heard of it yet would untick them again.

    Args:
        name: of the table, and its first key.
        rows: their positions.
    """
    held_under = f"{name}.table"
    key: str = st.session_state.get(held_under, name)
    held = st.session_state.get(key)
    if held is None or list(held["selection"]["rows"]) != rows:
        key = f"{name}.{secrets.token_hex(4)}"
        st.session_state[held_under] = key
        st.session_state[key] = {"selection": {"rows": rows}}
    return key
