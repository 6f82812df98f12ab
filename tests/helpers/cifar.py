"""The real CIFAR-10, of which an evaluation needs the test set alone."""

import atexit
import os
import shutil
import tempfile
import zipfile
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from explorer import data
from explorer.data.dataset import Dataset
from explorer.workers.progress import Progress, silent


@cache
def of_test_images(each: int = 1000) -> Path:
    """An archive of the first test images of each class, and one training image; skips where there is no data set.

    It is made once in a process, and goes with it.
    """
    file = Path(os.environ.get("EXPLORER_TEST_DATA", "nowhere"), "cifar10-jpeg.zip")
    if not file.exists():
        pytest.skip("cifar10-jpeg.zip is not in the folder EXPLORER_TEST_DATA")
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made, taken = Path(folder, file.name), Counter[str]()
    with zipfile.ZipFile(file) as whole, zipfile.ZipFile(made, "w") as part:
        for name in whole.namelist():
            above = name.rpartition("/")[0]
            taken[above] += 1
            if taken[above] <= (each if above.startswith("test/") else 1):
                part.writestr(name, whole.read(name))
    return made


def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have evaluations decode these images once in a process."""
    monkeypatch.setattr("explorer.training.measure.load", _load)


def _load(name: str, progress: Progress = silent) -> Dataset:
    if name == str(of_test_images()):
        return _decoded()
    return data.load(name, progress)


@cache
def _decoded() -> Dataset:
    return data.load(str(of_test_images()))
