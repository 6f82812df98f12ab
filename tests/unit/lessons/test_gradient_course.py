"""The gradients while a plain and a residual network learn digits."""

import pytest

from explorer.drawing import depth_chart
from explorer.lessons.gradient_course import EPOCHS, course, trainings
from explorer.lessons.gradients import NetworkOptions
from explorer.training import short

IMAGES, BATCH = 1438, 64  # of the bundled digits


@pytest.mark.exhaustive
def test_a_vanishing_gradient_stays_small_while_a_network_trains() -> None:
    options = NetworkOptions(8, "sigmoid", batch_norm=False, init="he", seed=0)
    plain, residual = map(course, short.respond({"dataset": "digits", "trainings": trainings(options, 1.0)}))
    steps = -(-IMAGES // BATCH) * EPOCHS
    for one in (plain, residual):
        assert min(one.norms) == 1
        assert max(one.norms) == steps
        assert {len(norms) for norms in one.norms.values()} == {options.depth}
        assert list(one.shown) == [1, pytest.approx(steps / 2, abs=2), steps]
    assert plain.ratio(0) < residual.ratio(0) < 1
    assert plain.ratio(-1) < 1e-3
    assert plain.right < 0.2, "about as many as by guessing"


def test_charts_with_one_scale_can_be_compared() -> None:
    low, high = (
        depth_chart.draw({"a": [1.0, 2.0]}, label=""),
        depth_chart.draw({"a": [1.0, 2.0]}, label="", scale=[1e-6]),
    )
    assert "−6" not in low
    assert "−6" in high
