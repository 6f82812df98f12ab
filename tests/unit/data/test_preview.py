"""Previews of data sets, and the subprocess that computes them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from explorer.data import load, preview
from explorer.data.catalogue import NAMES
from explorer.data.dataset import Split
from explorer.data.downloads import is_downloaded
from explorer.errors import ContentError, InputError
from tests.helpers.image_folders import Write, zipped

pytestmark = pytest.mark.process


def read_cached(name: str) -> preview.Preview:
    preview.read(name)
    found = preview.load_cached(name)
    assert found is not None
    return found


def test_numbers_equal_those_of_training(data_dir: Path) -> None:
    found = read_cached("digits")
    for fraction in (0.0, 0.1, 0.33):
        split = load("digits").hold_out(fraction, seed=5)
        assert list(found.training_counts(fraction)) == split.train.per_class(10)
        assert list(found.validation_counts(fraction)) == (
            split.validation.per_class(10) if split.validation else [0] * 10
        )
    assert sum(found.train) == NAMES["digits"].images[0]
    assert sum(found.test) == NAMES["digits"].images[1]
    assert found.pixels == (8, 8)
    assert found.in_memory == 1797 * 64


def test_the_images_are_of_the_training_set_and_of_every_class(data_dir: Path) -> None:
    found = read_cached("digits")
    assert len(found.images) == len(found.labels) == preview.IMAGES
    assert set(found.labels) == set(range(10))
    train = load("digits").train
    assert isinstance(train.images, Tensor)
    for image, label in zip(found.images, found.labels, strict=True):
        positions = (train.images == image).flatten(1).all(1).nonzero()[:, 0]
        assert label in train.labels[positions]


def test_a_sample_of_many_classes_has_the_first_and_the_last(data_dir: Path) -> None:
    split = Split(torch.zeros(200, 1, 2, 2, dtype=torch.uint8), torch.arange(200) % 100)
    labels = split.labels[preview._sample(split, 100)].tolist()
    assert len(set(labels)) == preview.IMAGES
    assert (labels[0], labels[-1]) == (0, 99)


def test_large_images_are_shrunk_and_keep_their_shape(data_dir: Path, write: Write) -> None:
    found = read_cached(str(zipped(write("cat", "dog", size=(300, 600)))))
    assert {image.shape for image in found.images} == {(3, 128, 256)}
    assert found.classes == ("cat", "dog")
    assert found.pixels == (300, 600)


def test_nothing_is_held_out_of_a_set_with_validation(data_dir: Path, write: Write) -> None:
    for part in ("train", "val", "test"):
        write(f"{part}/cat", f"{part}/dog", count=4)
    found = read_cached(str(write("train/cat", count=6)))
    assert found.training_counts(0.5) == (6, 4)
    assert found.validation_counts(0.5) == (4, 4)


def test_a_subprocess_computes_the_preview_or_reports_faults(data_dir: Path, tmp_path: Path, write: Write) -> None:
    archive = zipped(write("cat", "dog", count=300))
    found = preview.compute(str(archive))
    assert found.train == (240, 240)
    with pytest.raises(ContentError):
        preview.compute(str(zipped(write("cat", root="other"))))


def test_a_full_disk_is_not_a_content_error(data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "set.npz"
    np.savez(file, images=np.zeros((20, 4, 4), np.uint8), labels=np.arange(20) % 2)
    (data_dir / "previews").parent.mkdir(exist_ok=True)
    (data_dir / "previews").write_text("no folder")
    with pytest.raises(InputError) as full:
        preview.compute(str(file))
    assert not isinstance(full.value, ContentError)


def test_an_unreadable_file_is_not_a_content_error(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("explorer.data.archive.zipfile.ZipFile", fail)
    file = data_dir / "set.npz"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"x")
    with pytest.raises(InputError, match="Input/output error") as failed:
        preview.read(str(file))
    assert not isinstance(failed.value, ContentError)


@pytest.mark.parametrize("name", NAMES)
def test_the_catalogue_describes_sets_that_are_not_downloaded(data_dir: Path, name: str) -> None:
    assert not NAMES[name].source or not is_downloaded(NAMES[name])
    found = preview.expected(name)
    assert (sum(found.train), sum(found.test)) == NAMES[name].images
    assert len(found.classes) == NAMES[name].classes


def test_downloaded_files_are_found(data_dir: Path) -> None:
    raw = data_dir / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in ("train-images", "train-labels", "t10k-images"):
        (raw / f"{file}-idx{3 if 'images' in file else 1}-ubyte").touch()
    assert not is_downloaded(NAMES["mnist"])
    (raw / "t10k-labels-idx1-ubyte.gz").touch()
    assert is_downloaded(NAMES["mnist"])
    (data_dir / "cifar-10-batches-py").mkdir()
    assert is_downloaded(NAMES["cifar10"])
    assert not is_downloaded(NAMES["cifar100"])
