"""Waits for a fact, however slow the machine is."""

import time
from collections.abc import Callable

PATIENCE = 60.0  # seconds


def until(happened: Callable[[], object]) -> None:
    """Wait until the function returns something true."""
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)
