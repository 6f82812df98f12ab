"""Some of the real CIFAR-10: a tenth of its test set tells a wrong network, mean or order of classes."""

import math
import os
import zipfile
from collections import Counter
from pathlib import Path

import pytest

WHOLE = "EXPLORER_LONG_TESTS" in os.environ  # whole test sets, to the last image: minutes for each network
EACH = 100  # test images of a class


def zipped() -> Path:
    """The archive; the test is skipped where there is none."""
    file = Path(os.environ.get("EXPLORER_TEST_DATA", "nowhere"), "cifar10-jpeg.zip")
    if not file.exists():
        pytest.skip("cifar10-jpeg.zip is not in the folder EXPLORER_TEST_DATA")
    return file


def some(folder: Path) -> Path:
    """An archive of 1,000 of its test images, and of one training image of each class."""
    part, taken = folder / "cifar10-part.zip", Counter[tuple[str, str]]()
    with zipfile.ZipFile(zipped()) as whole, zipfile.ZipFile(part, "w") as file:
        for name in whole.namelist():
            *_above, split, label, image = ["", "", *name.split("/")]
            taken[split, label] += bool(image)
            if image and taken[split, label] <= (EACH if split == "test" else 1):
                file.writestr(name, whole.read(name))
    return part


def agrees(correct: int, images: int, top1: float) -> bool:
    """Whether so many are right as an accuracy promises: all of them, or as chance allows for those that were taken."""
    if WHOLE:
        return correct / images == top1
    return abs(correct / images - top1) <= 3 * math.sqrt(top1 * (1 - top1) / images)
