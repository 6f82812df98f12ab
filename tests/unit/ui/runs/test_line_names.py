"""Names at the ends of lines: none covers another, and none leaves the axis."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.jobs.compare import Point
from explorer.ui.runs import line_names
from explorer.ui.runs.curves import Curve, frame

AXES = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=line_names.MAX_NAMES)


@given(AXES, st.booleans())
def test_names_keep_their_distance_on_the_axis(values: list[float], log: bool) -> None:
    limits = (1e-6, 1e6)
    to_axis = math.log if log else float
    low, high = map(to_axis, limits)
    ends = [line_names.End(value, [(value, value)]) for value in values]
    found = sorted(map(to_axis, line_names.places(ends, log=log, limits=limits)))
    tolerance = 1e-6 * (high - low)
    assert all(
        upper - lower > line_names.GAP / line_names.SLOTS * (high - low) - tolerance for lower, upper in pairwise(found)
    )
    assert low - tolerance <= found[0]
    assert found[-1] <= high + tolerance


def line(run: int, name: str, *values: float, training: bool = False) -> Curve:
    points = [Point(epoch, value) for epoch, value in enumerate(values, 1)]
    return Curve(run, name, training, points, run_name=name.removesuffix(" · validation"))


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ([line(0, "validation", 0.1, 0.9), line(0, "training", 0.2, 0.8, training=True)], ["validation", "training"]),
        ([line(0, "A · validation", 0.1), line(0, "A · training", 0.2, training=True), line(1, "B · validation", 0.3)],
         ["A", "B"]),
        ([line(0, "digits · lr=0.1 · validation", 0.1), line(1, "digits · lr=0.2 · validation", 0.3)],
         ["lr=0.1", "lr=0.2"]),
        ([line(0, "digits · lr=0.1", 0.1), line(1, "digits · lr=0.2", 0.3)], ["lr=0.1", "lr=0.2"]),
        ([line(0, "rate", 0.1, 0.2)], []),
        ([line(run, f"run {run}", 0.1) for run in range(line_names.MAX_NAMES + 1)], []),
        ([line(0, "A", 0.1, math.nan), line(1, "B" * 50, 0.1)], ["A", "B" * 19 + "…"]),
        ([line(0, "B" * 20 + "lr=0.01", 0.1), line(1, "B" * 20 + "lr=0.02", 0.1)],
         ["B" * 9 + "…BBBlr=0.01", "B" * 9 + "…BBBlr=0.02"]),
    ],
)  # fmt: skip
def test_lines_that_can_be_mixed_up_have_names(lines: list[Curve], names: list[str]) -> None:
    data = frame(lines, 2)
    assert [name for name in data["name"] if name] == names
    assert data["name_at"].notna().sum() == len(names)


@pytest.mark.parametrize("log", [False, True])
def test_names_stand_off_the_lines(log: bool) -> None:
    flat = [line(0, "lr=0.1", *[0.9] * 10), line(1, "lr=0.2", *[0.8] * 10)]
    falling = line(0, "training", *(0.9 / 2**epoch for epoch in range(10)), training=True)
    data = frame([*flat, falling], 10, log=log)
    to_axis = math.log if log else float
    low, high = (to_axis(data["value"].agg(end)) for end in (min, max))
    names = data.dropna(subset="name_at")
    assert list(names["name"]) == ["lr=0.1", "lr=0.2"]
    assert names["name_at"].is_monotonic_decreasing  # in the order of the ends
    at = data[data["epoch"] > 10 - len("lr=0.1") * line_names.LETTER * 10]
    for place in names["name_at"]:
        distance = (at["value"].map(to_axis) - to_axis(place)).abs().min()
        assert distance > line_names.HALF * (high - low)
