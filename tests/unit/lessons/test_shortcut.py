"""The planted shortcut: marks are in the data, and the network that has learnt them is found out."""

import pytest
import torch

from explorer.data.altered import patch_colour
from explorer.lessons import shortcut


@pytest.mark.exhaustive
def test_a_network_follows_the_mark_and_its_heat_map_says_so() -> None:
    steps: list[tuple[str, int, int]] = []
    found = shortcut.respond({"epochs": 2, "share": 1.0, "seed": 0}, lambda *step: steps.append(step))
    clean, with_marks = (shortcut.Answers(**one) for one in found["answers"])
    assert with_marks.follows > 0.5 > clean.follows
    assert with_marks.right > with_marks.without
    assert found["on_mark"][1] > 2 * found["elsewhere"][1]
    assert found["wins"] > found["random_wins"]
    start = pytest.approx(found["random"][0], rel=1e-6)  # float32, in another order
    assert found["trained"][0] == start, "before a pixel is removed, the map does not matter"
    assert steps[-1][1:] == (3000, 3000)


def test_a_mark_is_one_square_of_the_digits_colour() -> None:
    images = torch.zeros(2, 3, shortcut.SIDE, shortcut.SIDE, dtype=torch.uint8)
    found = shortcut.marked(images, [3, 8])
    side = shortcut.SIDE // 8
    assert found[1, :, side, side].tolist() == list(patch_colour(8, 10, 3))
    assert int((found[0] != 0).any(0).sum()) == side**2
    assert not images.any()
