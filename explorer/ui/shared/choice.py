"""A select box whose options, or the words for them, may be others when the page is drawn again."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from hashlib import blake2b
from itertools import count
from typing import Any, TypeVar

import streamlit as st

T = TypeVar("T", bound=Hashable)


def choice(
    label: str,
    options: Sequence[T],
    value: T | None,
    on_choose: Callable[[T | None], None],
    *,
    words: Callable[[T], str],
    key: str,
    **more: Any,
) -> None:
    """Let the user choose.

    A browser keeps and sends the words of an option: words from an earlier list would come back as they are. So each
    list has a box of its own, which is told what is chosen and never asked; and where words repeat, they are numbered.

    Args:
        label: of the box.
        options: in their order.
        value: that is chosen; None is none.
        on_choose: is called with the user's choice before the script runs again.
        words: for an option.
        key: that the key of the box begins with.
        **more: as of ``st.selectbox``.
    """
    said = dict(zip(options, distinct([words(option) for option in options]), strict=True))
    box = f"{key}.{blake2b(repr(list(said.values())).encode(), digest_size=8).hexdigest()}"

    def chosen() -> None:
        option = st.session_state[box]
        if option != value and (option is None or option in options):  # a new box may report what it was given
            on_choose(option)

    if st.session_state.get(box) != value:
        st.session_state[box] = value
    st.selectbox(label, options, format_func=said.__getitem__, key=box, on_change=chosen, **more)


def distinct(texts: Sequence[str]) -> list[str]:
    """The texts, each but the first of equals with a number that none of them has."""
    known, found = set(texts), dict[str, None]()
    numbers: dict[str, count[int]] = defaultdict(lambda: count(2))
    for text in texts:
        name = text
        while name in found or (name != text and name in known):
            name = f"{text} ({next(numbers[text])})"
        found[name] = None
    return list(found)
