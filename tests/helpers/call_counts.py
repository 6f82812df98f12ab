"""Work counted in function calls, which are the same on every machine and under any load."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")


class TooMuchWorkError(AssertionError):
    """More calls than allowed."""


def within(calls: int, function: Callable[[], Result]) -> Result:
    """The result of ``function``, which is ended as soon as it has called more functions than that, C's included."""
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
