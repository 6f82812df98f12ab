"""Numbers about this process for monitoring. Any module records them, and listeners receive them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str, float, str], None]

_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Adds a listener. It receives name, amount and label of each number."""
    _listeners.append(listener)


def record(name: str, amount: float = 1.0, label: str = "") -> None:
    """Records a number.

    Args:
        name: Name of the number.
        amount: Count, or time in seconds.
        label: Kind of the counted things; empty for none.
    """
    for listener in _listeners:
        listener(name, amount, label)


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Records the seconds that the block takes, also if it fails."""
    begin = time.perf_counter()
    try:
        yield
    finally:
        record(name, time.perf_counter() - begin)
