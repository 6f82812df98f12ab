"""Formats of durations and ages."""

import pytest

from explorer.formatting import ago, duration
from explorer.ui.train import cost


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (3599.7, "1 h 0 min"),
        (5400, "1 h 30 min"), (86399, "23 h 59 min"), (90_000, "1 d 1 h"),
    ],
)  # fmt: skip
def test_times_have_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_an_estimate_has_the_same_format_and_is_at_least_a_second() -> None:
    assert [cost.duration(seconds) for seconds in (0.01, 0.42, 5400)] == ["0.1 s", "0.4 s", "1 h 30 min"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "just now"), (59, "just now"), (60, "1 min ago"), (3599, "59 min ago"), (5400, "1 h ago"),
        (86_400, "1 day ago"), (200_000, "2 days ago"),
    ],
)  # fmt: skip
def test_age(seconds: float, text: str) -> None:
    assert ago(seconds) == text
