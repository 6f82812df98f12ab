"""A select box whose options, or their labels, may change between two runs of the page."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from hashlib import blake2b
from itertools import count
from typing import Any, TypeVar

import streamlit as st

T = TypeVar("T", bound=Hashable)


def select_box(
    label: str,
    options: Sequence[T],
    value: T | None,
    on_choose: Callable[[T | None], None],
    *,
    words: Callable[[T], str],
    key: str,
    **more: Any,
) -> None:
    """Render a select box.

    A browser stores and sends the label of an option, so it could send a label of a former list. Therefore each list
    has a widget of its own. Repeated labels get a number.

    Args:
        label: Label of the box.
        options: Options in their order.
        value: Chosen option; None if none is chosen.
        on_choose: Callback for the user's choice. It runs before the script.
        words: Function that returns the label of an option.
        key: Prefix of the key of the widget.
        **more: Arguments of ``st.selectbox``.
    """
    labels = dict(zip(options, number_duplicates([words(option) for option in options]), strict=True))
    box = f"{key}.{blake2b(repr(list(labels.values())).encode(), digest_size=8).hexdigest()}"

    def report() -> None:
        option = st.session_state[box]
        if option != value and (option is None or option in options):  # a new box may report its first value
            on_choose(option)

    if st.session_state.get(box) != value:
        st.session_state[box] = value
    st.selectbox(label, options, format_func=labels.__getitem__, key=box, on_change=report, **more)


def number_duplicates(texts: Sequence[str]) -> list[str]:
    """Return the texts with a number after each repeated one. No numbered text equals another text."""
    originals, unique = set(texts), dict[str, None]()
    numbers: dict[str, count[int]] = defaultdict(lambda: count(2))
    for text in texts:
        name = text
        while name in unique or (name != text and name in originals):
            name = f"{text} ({next(numbers[text])})"
        unique[name] = None
    return list(unique)
