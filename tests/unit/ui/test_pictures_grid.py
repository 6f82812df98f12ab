"""The place of a click in a grid of pictures, as a browser reports it."""

import pytest

from explorer.ui.predict.picture_grid import _position


@pytest.mark.parametrize("sent", [[-1.0, 0.5], [0.5, 7.0], [float("nan"), 1.0], [float("inf"), float("-inf")]])
def test_a_place_outside_of_a_picture_is_moved_to_its_edge(sent: list[float]) -> None:
    place = _position(sent)
    assert place is not None
    assert all(0 <= int(part * 224) < 224 for part in place)


def test_a_place_within_a_picture_stays() -> None:
    assert _position([0.25, 0.75]) == (0.25, 0.75)
    assert _position(None) is None
