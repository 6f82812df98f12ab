"""How numbers read."""

import pytest

from explorer.drawing.numbers import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (3599.7, "1 h 0 min"),
        (5400, "1 h 30 min"), (86399, "23 h 59 min"), (90_000, "1 d 1 h"),
    ],
)  # fmt: skip
def test_times_have_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text
