"""Cached test images equal those of the data set; facts about the cache hold for previews too."""

from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from explorer.data import examples, limits, load, preview
from explorer.data.examples import Examples
from explorer.errors import InputError
from tests.helpers.image_folders import Write, zipped

pytestmark = pytest.mark.process
CACHED = pytest.mark.parametrize("module", [examples, preview])


def read_cached(name: str) -> Examples:
    examples.read(name)
    found = examples.load_cached(name)
    assert found is not None
    return found


def check_images(name: str) -> None:
    """Check that cached images equal those of the data set, one by one, and taken in grey and in colour."""
    found, wanted = read_cached(name), load(name)
    assert found.classes == wanted.classes
    assert torch.equal(found.split.labels, wanted.test.labels)
    assert len(found.split.images) == len(wanted.test)
    for index in range(len(wanted.test)):
        assert torch.equal(found.split.images[index], wanted.test.images[index])
    some = torch.tensor([2, 0])
    for channels in (1, 3):
        chosen, expected = (one.take(some).recoloured(channels) for one in (found.split, wanted.test))
        assert torch.equal(chosen.labels, expected.labels)
        assert all(torch.equal(chosen.images[index], expected.images[index]) for index in range(2))


def test_images_of_one_size(data_dir: Path) -> None:
    check_images("digits")


@pytest.mark.parametrize("mixed", [False, True])
def test_class_folders(data_dir: Path, write: Write, mixed: bool) -> None:
    write("cat", "dog", count=10)
    folder = write("bird", count=10, size=(9, 5) if mixed else (4, 6), grey=mixed)
    check_images(str(zipped(folder)))


def test_a_subprocess_reads_the_set_and_this_process_has_little_in_memory(data_dir: Path, tmp_path: Path) -> None:
    """An array of floats takes four times the memory of the bytes that they become."""
    file = tmp_path / "set.npz"
    np.savez(file, images=np.zeros((300, 300, 200), np.float32), labels=np.arange(300) % 2)  # 72 MB
    before = psutil.Process().memory_info().rss
    found = examples.compute(str(file))
    assert found.split.images[59].shape == (1, 300, 200)
    assert psutil.Process().memory_info().rss - before < 20_000_000


@CACHED
def test_too_much_memory_ends_the_subprocess(module: Any, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMORY_LIMIT", 1)
    with pytest.raises(InputError, match=r"^digits: it took more than"):
        module.compute("digits")


def test_files_that_are_too_large_together_are_refused(
    data_dir: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("cat", count=10)
    folder = write("dog", count=10, size=(30, 40))
    monkeypatch.setattr(examples, "IN_MEMORY", 1000)
    with pytest.raises(InputError, match="take more than 1000 bytes"):
        examples.read(str(folder))
    assert examples.load_cached(str(folder)) is None


def write_arrays(file: Path, classes: int = 2) -> str:
    np.savez(file, images=np.zeros((20, 4, 4), np.uint8), labels=np.arange(20) % classes)
    return str(file)


@CACHED
def test_the_cached_result_of_a_changed_file_is_ignored(module: Any, data_dir: Path, tmp_path: Path) -> None:
    name = write_arrays(tmp_path / "set.npz")
    module.read(name)
    assert module.load_cached(name).classes == ("0", "1")
    write_arrays(tmp_path / "set.npz", classes=4)
    assert module.load_cached(name) is None
    module.read(name)
    assert module.load_cached(name).classes == ("0", "1", "2", "3")
    module.invalidate(name)
    assert module.load_cached(name) is None


@CACHED
def test_damaged_cache_files_are_ignored(module: Any, data_dir: Path) -> None:
    module.read("digits")
    (folder,) = data_dir.iterdir()
    (file,) = folder.iterdir()
    file.write_bytes(b"nonsense")
    assert module.load_cached("digits") is None


def test_images_of_a_removed_cache_file_are_gone(data_dir: Path, tmp_path: Path) -> None:
    name = write_arrays(tmp_path / "set.npz")
    found = read_cached(name)
    examples.invalidate(name)
    with pytest.raises(InputError, match="image 0 is gone; open its data set again"):
        found.split.images[0]
    read_cached(name)
    Path(name).unlink()
    assert examples.load_cached(name) is None


def test_a_few_data_sets_are_cached(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "MAX_CACHED", 2)
    files = [tmp_path / f"{number}.npz" for number in range(3)]
    for file in files:
        examples.read(write_arrays(file))
    assert [examples.load_cached(str(file)) is not None for file in files] == [False, True, True]


def test_a_folder_that_cannot_be_written(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "examples").write_text("no folder")
    with pytest.raises(InputError):
        examples.read("digits")
