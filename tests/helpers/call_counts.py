"""Limits work by the number of function calls, which is the same on every machine and under any load."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")


class TooMuchWorkError(AssertionError):
    """A function made more calls than allowed."""


def run_within(calls: int, function: Callable[[], Result]) -> Result:
    """Run a function and return its result.

    Args:
        calls: Most calls of functions in Python and C.
        function: Function to run.

    Raises:
        TooMuchWorkError: As soon as the function has made more calls.
    """
    left = calls

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal left
        left -= event in ("call", "c_call")
        if left < 0:
            raise TooMuchWorkError(f"more than {calls} calls")

    sys.setprofile(count)
    try:
        return function()
    finally:
        sys.setprofile(None)
