"""Data sets at a glance: what is said of them, and that a process of its own says it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from explorer.data import limits, load, preview
from explorer.data.catalogue import NAMES
from explorer.data.dataset import Split
from explorer.data.downloads import is_downloaded
from explorer.errors import ContentError, InputError
from tests.helpers.image_folders import Write, zipped

pytestmark = pytest.mark.process


def looked(name: str) -> preview.Preview:
    preview.read(name)
    found = preview.load_cached(name)
    assert found is not None
    return found


def test_the_numbers_are_those_that_training_will_use(data_dir: Path) -> None:
    found = looked("digits")
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
    found = looked("digits")
    assert len(found.images) == len(found.labels) == preview.IMAGES
    assert set(found.labels) == set(range(10))
    train = load("digits").train
    assert isinstance(train.images, Tensor)
    for image, label in zip(found.images, found.labels, strict=True):
        positions = (train.images == image).flatten(1).all(1).nonzero()[:, 0]
        assert label in train.labels[positions]


def test_of_many_classes_some_are_shown_from_first_to_last(data_dir: Path) -> None:
    split = Split(torch.zeros(200, 1, 2, 2, dtype=torch.uint8), torch.arange(200) % 100)
    labels = split.labels[preview._sample(split, 100)].tolist()
    assert len(set(labels)) == preview.IMAGES
    assert (labels[0], labels[-1]) == (0, 99)


def test_large_images_are_shrunk_and_keep_their_shape(data_dir: Path, write: Write) -> None:
    found = looked(str(zipped(write("cat", "dog", size=(300, 600)))))
    assert {image.shape for image in found.images} == {(3, 128, 256)}
    assert found.classes == ("cat", "dog")
    assert found.pixels == (300, 600)


def test_a_split_of_its_own_is_not_held_out_twice(data_dir: Path, write: Write) -> None:
    for part in ("train", "val", "test"):
        write(f"{part}/cat", f"{part}/dog", count=4)
    found = looked(str(write("train/cat", count=6)))
    assert found.training_counts(0.5) == (6, 4)
    assert found.validation_counts(0.5) == (4, 4)


def test_it_is_looked_at_anew_when_the_file_changes(data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "set.npz"
    images = np.zeros((20, 4, 4), np.uint8)
    np.savez(file, images=images, labels=np.arange(20) % 2)
    assert looked(str(file)).classes == ("0", "1")
    np.savez(file, images=images, labels=np.arange(20) % 4)
    assert preview.load_cached(str(file)) is None
    assert looked(str(file)).classes == ("0", "1", "2", "3")
    preview.invalidate(str(file))
    assert preview.load_cached(str(file)) is None


def test_a_damaged_note_is_none(data_dir: Path) -> None:
    looked("digits")
    (file,) = (data_dir / "previews").iterdir()
    file.write_bytes(b"nonsense")
    assert preview.load_cached("digits") is None


def test_a_process_of_its_own_looks_and_tells_faults_in_words(data_dir: Path, tmp_path: Path, write: Write) -> None:
    archive = zipped(write("cat", "dog", count=300))
    told: list[tuple[str, int, int]] = []
    found = preview.compute(str(archive), lambda *step: told.append(step))
    assert found.train == (240, 240)
    with pytest.raises(ContentError, match="one class only"):
        preview.compute(str(zipped(write("cat", root="other"))))


def test_a_disk_that_fails_is_no_fault_of_the_content(data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "set.npz"
    np.savez(file, images=np.zeros((20, 4, 4), np.uint8), labels=np.arange(20) % 2)
    (data_dir / "previews").parent.mkdir(exist_ok=True)
    (data_dir / "previews").write_text("no folder")
    with pytest.raises(InputError, match="can't be written") as full:
        preview.compute(str(file))
    assert not isinstance(full.value, ContentError)


def test_a_file_that_can_not_be_read_now_may_be_read_later(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("explorer.data.archive.zipfile.ZipFile", fail)
    file = data_dir / "set.npz"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"x")
    with pytest.raises(InputError, match="Input/output error") as failed:
        preview.read(str(file))
    assert not isinstance(failed.value, ContentError)


def test_too_much_memory_ends_it(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMORY_LIMIT", 1)
    with pytest.raises(InputError, match=r"^digits: it took more than"):
        preview.compute("digits")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_here_is_known_from_the_catalogue(data_dir: Path, name: str) -> None:
    assert not NAMES[name].source or not is_downloaded(NAMES[name])
    found = preview.expected(name)
    assert (sum(found.train), sum(found.test)) == NAMES[name].images
    assert len(found.classes) == NAMES[name].classes


def test_files_that_are_here_are_seen(data_dir: Path) -> None:
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
