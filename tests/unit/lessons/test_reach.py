"""The effective field on a picture, and what auxiliary heads add to the gradient."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from explorer.errors import InputError
from explorer.lessons import reach
from explorer.lessons.heads import heads
from explorer.prediction.pictures import Picture
from explorer.ui.learn.experiments.modules import along_modules


def upload(data: bytes) -> Picture:
    return Picture.of_file("mine.png", "mine", data)


@pytest.mark.parametrize("layer", ["conv1", "layer1.2.add", "layer2.1.add"])
def test_no_pixel_outside_the_theoretical_field_moves_the_unit(layer: str) -> None:
    found = reach.reach(layer, reach.sample("cat"))
    for one in (found.random, found.trained):
        shares = np.array(one.shares)
        inside = shares[found.theory.top : found.theory.bottom + 1, found.theory.left : found.theory.right + 1].copy()
        assert inside.shape == found.theory.size
        assert inside.max() == 1
        assert shares.sum() == pytest.approx(inside.sum())
        assert 0 < one.pixels <= found.seen
    assert found.random != found.trained


def test_an_uploaded_picture_is_kept_as_the_network_reads_it() -> None:
    file = BytesIO()
    Image.new("RGB", (200, 100), (10, 20, 30)).save(file, "PNG")
    pixels = reach.pixels_of(upload(file.getvalue()))
    side = 32
    assert pixels == bytes([10] * side**2 + [20] * side**2 + [30] * side**2)
    with pytest.raises(InputError, match=r"mine\.png"):
        reach.pixels_of(upload(b"no picture"))
    with pytest.raises(InputError, match="'nonsense' is not one of"):
        reach.reach("nonsense", pixels)


def test_heads_change_the_gradient_before_them_alone() -> None:
    found = heads("default", 0, batch_norm=False)
    without, added = along_modules(found.without), along_modules(found.added)
    behind = ["inception4e", "inception5a", "inception5b", "fc"]
    assert {name: added[name] for name in behind} == pytest.approx({name: without[name] for name in behind})
    assert all(added[name] > 1.05 * without[name] for name in without if name not in behind)
    assert found.factor == pytest.approx(added["conv1"] / without["conv1"])
