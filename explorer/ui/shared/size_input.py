"""A field for the size of images: a side, or height and width."""

from typing import Any

import streamlit as st

from explorer.specs.size import typed_size


def size_input(key: str, label: str, **options: Any) -> Any:
    """Render a text field that takes ``224`` or ``224x160``.

    Args:
        key: Key of the widget; its value in the session is a text.
        label: Label of the field.
        **options: Options of ``st.text_input``.

    Returns:
        A number, a text, or None if the field is empty. A spec checks it.
    """
    return typed_size(st.text_input(label, key=key, persist_state="page", **options))
