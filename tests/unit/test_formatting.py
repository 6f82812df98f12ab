"""Formats of durations, ages and changes."""

import pytest

from explorer.formatting import ago, change, duration
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


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.172, "+17.2%"), (-0.756, "−75.6%"), (0.0003, "+0.03%"), (-0.99970, "−99.97%"), (-0.9999996, "−99.99996%"),
     (-1.0, "−100.0%"), (12.5, "+1,250.0%"), (-0.9989, "−99.9%")],
)  # fmt: skip
def test_a_change_is_never_rounded_to_nothing_or_everything(share: float, text: str) -> None:
    assert change(share) == text
