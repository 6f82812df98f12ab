"""The selected rows of a table."""

import secrets

import streamlit as st


def selection_key(name: str, rows: list[int]) -> str:
    """Return a key for a table with these rows selected: a new key if the table in the browser may have other rows.

    With the same key, a browser that doesn't know the new selection yet would reset it.

    Args:
        name: Name of the table, and its first key.
        rows: Positions of the selected rows.
    """
    key_name = f"{name}.table"
    key: str = st.session_state.get(key_name, name)
    state = st.session_state.get(key)
    if state is None or list(state["selection"]["rows"]) != rows:
        key = f"{name}.{secrets.token_hex(4)}"
        st.session_state[key_name] = key
        st.session_state[key] = {"selection": {"rows": rows}}
    return key
