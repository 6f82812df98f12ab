"""Test images to look through: the same as the data set's, read elsewhere, and mapped."""

from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from explorer.data import examples, limits, load
from explorer.data.examples import Examples
from explorer.errors import InputError
from tests.helpers.image_folders import Write, zipped

pytestmark = pytest.mark.process


def looked(name: str) -> Examples:
    examples.read(name)
    found = examples.load_cached(name)
    assert found is not None
    return found


def same(name: str) -> None:
    """Whether they are those of the data set, in its order, in grey and in colour, alone and chosen."""
    found, wanted = looked(name), load(name)
    assert found.classes == wanted.classes
    assert torch.equal(found.split.labels, wanted.test.labels)
    assert len(found.split.images) == len(wanted.test)
    for index in range(len(wanted.test)):
        assert torch.equal(found.split.images[index], wanted.test.images[index])
    some = torch.tensor([2, 0])
    for channels in (1, 3):
        taken, expected = (one.take(some).recoloured(channels) for one in (found.split, wanted.test))
        assert torch.equal(taken.labels, expected.labels)
        assert all(torch.equal(taken.images[index], expected.images[index]) for index in range(2))


def test_images_of_one_size(data_dir: Path) -> None:
    same("digits")


@pytest.mark.parametrize("mixed", [False, True])
def test_class_folders(data_dir: Path, write: Write, mixed: bool) -> None:
    write("cat", "dog", count=10)
    folder = write("bird", count=10, size=(9, 5) if mixed else (4, 6), grey=mixed)
    same(str(zipped(folder)))


def test_a_process_of_its_own_reads_them_and_here_little_is_in_memory(data_dir: Path, tmp_path: Path) -> None:
    """An array of floats takes four times the memory of the bytes that they become."""
    file = tmp_path / "set.npz"
    np.savez(file, images=np.zeros((300, 300, 200), np.float32), labels=np.arange(300) % 2)  # 72 MB
    before = psutil.Process().memory_info().rss
    found = examples.compute(str(file))
    assert found.split.images[59].shape == (1, 300, 200)
    assert psutil.Process().memory_info().rss - before < 20_000_000


def test_too_much_memory_ends_it(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMORY_LIMIT", 1)
    with pytest.raises(InputError, match=r"^digits: it took more than"):
        examples.compute("digits")


def test_files_that_are_too_large_together_are_refused(
    data_dir: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("cat", count=10)
    folder = write("dog", count=10, size=(30, 40))
    monkeypatch.setattr(examples, "IN_MEMORY", 1000)
    with pytest.raises(InputError, match="take more than 1000 bytes"):
        examples.read(str(folder))
    assert examples.load_cached(str(folder)) is None


def test_they_are_read_anew_when_the_file_changes_or_they_are_gone(data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "set.npz"
    images = np.zeros((20, 4, 4), np.uint8)
    np.savez(file, images=images, labels=np.arange(20) % 2)
    assert looked(str(file)).classes == ("0", "1")
    np.savez(file, images=images, labels=np.arange(20) % 4)
    assert examples.load_cached(str(file)) is None
    found = looked(str(file))
    examples.invalidate(str(file))
    assert examples.load_cached(str(file)) is None
    with pytest.raises(InputError, match="image 0 is gone; open its data set again"):
        found.split.images[0]
    looked(str(file))
    file.unlink()
    assert examples.load_cached(str(file)) is None


def test_what_is_damaged_is_none(data_dir: Path) -> None:
    looked("digits")
    (file,) = (data_dir / "examples").iterdir()
    file.write_bytes(b"nonsense")
    assert examples.load_cached("digits") is None


def test_a_few_data_sets_are_kept(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "MAX_CACHED", 2)
    files = [tmp_path / f"{number}.npz" for number in range(3)]
    for file in files:
        np.savez(file, images=np.zeros((20, 4, 4), np.uint8), labels=np.arange(20) % 2)
        examples.read(str(file))
    assert [examples.load_cached(str(file)) is not None for file in files] == [False, True, True]


def test_a_folder_that_cannot_be_written(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "examples").write_text("no folder")
    with pytest.raises(InputError, match="can't be written"):
        examples.read("digits")
