"""Numbers about this process for monitoring. Any module records them; they go nowhere unless somebody listens."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str, float, str], None]

_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Calls a function with name, amount and label of each number from now on."""
    _listeners.append(listener)


def record(name: str, amount: float = 1.0, label: str = "") -> None:
    """Records a number.

    Args:
        name: What was counted or measured.
        amount: How many, or how many seconds.
        label: Kind of what was counted.
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
