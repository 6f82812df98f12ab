"""The test images of the real CIFAR-10."""

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
def archive_of_test_images(each: int = 1000) -> Path:
    """An archive of the first test images and one training image of each class; skips the test without the data set.

    Each process creates the archive once and deletes it at its end.
    """
    file = Path(os.environ.get("EXPLORER_TEST_DATA", "nowhere"), "cifar10-jpeg.zip")
    if not file.exists():
        pytest.skip("cifar10-jpeg.zip is not in the folder EXPLORER_TEST_DATA")
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path, counts = Path(folder, file.name), Counter[str]()
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            parent = name.rpartition("/")[0]
            counts[parent] += 1
            if counts[parent] <= (each if parent.startswith("test/") else 1):
                target.writestr(name, source.read(name))
    return path


def cache_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all evaluations of a process share these images after one decoding."""
    monkeypatch.setattr("explorer.training.weights_evaluation.load", _load)


def _load(name: str, progress: Progress = silent) -> Dataset:
    if name == str(archive_of_test_images()):
        return _decoded()
    return data.load(name, progress)


@cache
def _decoded() -> Dataset:
    return data.load(str(archive_of_test_images()))
