"""The 1,797 handwritten digits that are part of scikit-learn: real data without a download."""

import gzip
from importlib.metadata import distribution
from io import BytesIO
from pathlib import Path

import numpy as np
import torch

from explorer.data.dataset import Dataset, Split, stratified
from explorer.data.labelled import SPLIT_SEED, TEST_FRACTION

BRIGHTEST = 16  # largest value of a pixel, which counts the dark cells of a 4x4 block


def load(name: str, *, mirrored: bool) -> Dataset:
    """The digits, with one fifth of each class as the test set.

    Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998 (its test part).
    """
    # The file is read directly, because importing sklearn.datasets takes seconds.
    file = Path(str(distribution("scikit-learn").locate_file("sklearn/datasets/data/digits.csv.gz")))
    table = np.loadtxt(BytesIO(gzip.decompress(file.read_bytes())), delimiter=",")
    pixels = np.rint(table[:, :-1] * (255 / BRIGHTEST)).astype(np.uint8)
    images = Split(torch.from_numpy(pixels).reshape(-1, 1, 8, 8), torch.from_numpy(table[:, -1].astype(np.int64)))
    test, train = stratified(images.labels, TEST_FRACTION, SPLIT_SEED)
    classes = tuple(str(digit) for digit in range(10))
    return Dataset(name, classes, 1, mirrored, images.take(train), images.take(test))
