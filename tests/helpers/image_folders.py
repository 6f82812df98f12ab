"""Writes image folders for tests, and collects the images of a loaded data set."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from explorer.data import Dataset
from explorer.data.source import Source

COUNT = 5
Write = Callable[..., Path]


class _NamesOnly:
    """A source that has only names."""

    path = Path("set")

    def read(self, _name: str) -> bytes:
        raise AssertionError


NAMES_ONLY = cast(Source, _NamesOnly())


def zipped(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder.parent))  # the folder itself is in the archive
    return path


def tensors(found: Dataset) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    assert isinstance(found.train.images, Tensor)
    assert isinstance(found.test.images, Tensor)
    return found.train.images, found.train.labels, found.test.images, found.test.labels


def rows(found: Dataset) -> set[tuple[bytes, int]]:
    """All images with their labels."""
    train, labels, test, more = tensors(found)
    pairs = zip(torch.cat([train, test]), torch.cat([labels, more]), strict=True)
    return {(image.numpy().tobytes(), int(label)) for image, label in pairs}


def writer(folder: Path) -> Write:
    """A function that writes images of random pixels into class folders: ``write("cat", "dog")``."""
    rng = np.random.default_rng(0)

    def write(
        *folders: str, count: int = COUNT, size: tuple[int, int] = (4, 6), grey: bool = False, root: str = "set"
    ) -> Path:
        for name in folders:
            place = folder / root / name
            place.mkdir(parents=True, exist_ok=True)
            for i in range(count):
                pixels = rng.integers(0, 256, size if grey else (*size, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{i}.png")
        return folder / root

    return write
