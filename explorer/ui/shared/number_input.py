"""A number input that leaves every limit to the code below it."""

from typing import Any

import streamlit as st


def number_input(key: str, label: str, help_text: str | None = None, **options: Any) -> Any:
    """Render a number input without limits and without rounding.

    With limits, the browser would not send a number beyond them, and would round 1.5 to 1, both without a message. So
    the input takes any number, and the spec refuses wrong ones with a message.
    """
    current = st.session_state.get(key)
    if isinstance(current, int):
        st.session_state[key] = float(current)
    value = st.number_input(label, step=1.0, format="%.12g", key=key, help=help_text, persist_state="page", **options)
    return int(value) if value is not None and value.is_integer() else value
