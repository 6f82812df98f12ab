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
    found = sorted(map(to_axis, line_names.places(values, log=log, limits=limits)))
    tolerance = 1e-6 * (high - low)
    assert all(upper - lower > line_names.GAP * (high - low) - tolerance for lower, upper in pairwise(found))
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
    ],
)  # fmt: skip
def test_lines_that_can_be_mixed_up_have_names(lines: list[Curve], names: list[str]) -> None:
    data = frame(lines)
    assert [name for name in data["name"] if name] == names
    assert data["name_at"].notna().sum() == len(names)
