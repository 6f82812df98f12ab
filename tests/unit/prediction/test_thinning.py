"""Centre lines of strokes, compared with scikit-image's skeletons."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.morphology import skeletonize

from explorer.prediction.thinning import thinned


def blobs(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.asarray(ndimage.gaussian_filter(random.normal(size=(80, 90)), 1 + seed) > 0)


def test_a_bar_becomes_the_line_in_its_middle() -> None:
    bar = np.zeros((11, 31), bool)
    bar[3:8, 2:29] = True
    rows, columns = np.nonzero(thinned(bar))
    assert set(rows) == {5}
    assert columns.min() <= 5
    assert columns.max() >= 25


def test_lines_lie_at_scikit_images_skeleton() -> None:
    for seed in range(6):
        shape = blobs(seed)
        lines = thinned(shape)
        assert not (lines & ~shape).any()
        assert lines.sum() == pytest.approx(skeletonize(shape).sum(), rel=0.2)
        far = ndimage.distance_transform_edt(~skeletonize(shape))[lines]
        assert np.percentile(far, 95) <= 1.5


def test_a_square_of_two_by_two_pixels_vanishes() -> None:
    """A known property of the algorithm."""
    square = np.zeros((6, 6), bool)
    square[2:4, 2:4] = True
    assert not thinned(square).any()


def test_an_empty_field_has_no_lines() -> None:
    assert not thinned(np.zeros((5, 5), bool)).any()
