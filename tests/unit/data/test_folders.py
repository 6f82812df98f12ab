"""Images in class folders: layouts, splits, unused images, and the cache of decoded images."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor
from torchvision.datasets import ImageFolder

from explorer import data as data_module
from explorer.data import images, load
from explorer.data.images import cache_path
from explorer.data.tree import arrange
from explorer.errors import InputError
from tests.helpers.image_folders import COUNT, NAMES_ONLY, Write, rows, tensors, zipped

pytestmark = pytest.mark.usefixtures("data_dir")


@pytest.mark.parametrize("pack", [str, lambda folder: str(zipped(folder))])
def test_splits_are_what_torchvision_reads(pack: Callable[[Path], str], write: Write) -> None:
    folder = write("train/dog", "train/cat", "train/a bird", "test/dog", "test/cat", "test/a bird")
    found = load(pack(folder))
    for split, wanted in ((found.train, ImageFolder(folder / "train")), (found.test, ImageFolder(folder / "test"))):
        assert list(found.classes) == wanted.classes
        assert split.labels.tolist() == wanted.targets
        assert isinstance(split.images, Tensor)
        for image, (path, _label) in zip(split.images, wanted.samples, strict=True):
            assert (image.permute(1, 2, 0).numpy() == np.asarray(Image.open(path))).all()
    assert found.validation is None
    assert len(found.notes) == 1
    assert found.notes[0].startswith("Found 3 classes: a bird, cat, dog. Training images: 15, in ")
    assert (found.channels, found.mirrored) == (3, True)


def test_three_splits(write: Write) -> None:
    write("train/cat", "train/dog", count=4)
    write("val/cat", "val/dog", count=3)
    found = load(str(write("test/cat", "test/dog", count=2)))
    assert found.validation is not None
    assert [len(split) for split in (found.train, found.validation, found.test)] == [8, 6, 4]


@pytest.mark.parametrize(
    ("train", "other"),
    [("train", "val"), ("train", "valid"), ("Training", "Testing"), ("train", "validation")],
)
def test_val_alone_is_the_test_set(train: str, other: str, write: Write) -> None:
    write(f"{train}/cat", f"{train}/dog", count=4)
    found = load(str(write(f"{other}/cat", f"{other}/dog", count=3)))
    assert (len(found.train), len(found.test), found.validation) == (8, 6, None)


def test_one_folder_is_split_the_same_way_every_time(write: Write) -> None:
    folder = write("cat", "dog", count=10)
    found = load(str(folder))
    assert found.train.per_class(2) == [8, 8]
    assert found.test.per_class(2) == [2, 2]
    wanted = {(np.asarray(Image.open(path)).transpose(2, 0, 1).tobytes(), y) for path, y in ImageFolder(folder).samples}
    assert rows(found) == wanted
    for again in (load(str(folder)), load(str(zipped(folder)))):
        assert all(torch.equal(*pair) for pair in zip(tensors(found), tensors(again), strict=True))


def test_other_folders_may_be_around(write: Write) -> None:
    write("a/b/train/cat", "a/b/train/dog", "a/b/test/cat", "a/b/test/dog", root="deep")
    found = load(str(write(root="deep")))
    assert (found.classes, len(found.train), len(found.test)) == (("cat", "dog"), 10, 10)


def test_classes_may_have_folders_inside_and_any_name(write: Write) -> None:
    found = load(str(write("火车/small", "train/old", "train/new")))
    assert found.classes == ("train", "火车")
    assert found.train.per_class(2) == [8, 4]
    with pytest.raises(InputError, match=r" train car/ .* train/, 火车/"):
        load(str(write("train car")))


def test_hidden_and_other_files_are_noted(write: Write) -> None:
    folder = write("cat", "dog", ".cache", "__MACOSX/cat")
    (folder / "cat" / "._0.png").write_bytes(b"junk")
    (folder / "cat" / "labels.txt").write_text("x")
    (folder / "README").write_text("x")
    (folder / "preview.png").write_bytes(b"x")
    found = load(str(folder))
    assert found.classes == ("cat", "dog")
    assert len(rows(found)) == 10
    assert found.notes[1:3] == (
        "Images outside of class folders are not used: preview.png (1 in all).",
        "Files other than images are not used: README, cat/labels.txt (2 in all).",
    )
    assert found.notes[3].startswith("Files of the operating system or of other programs are not used: .cache/0.png, ")


def test_grey_only_if_all_are(write: Write) -> None:
    write("cat", grey=True)
    found = load(str(write("dog", grey=True)))
    assert (found.channels, found.mirrored, tensors(found)[0].shape[1:]) == (1, None, (1, 4, 6))
    found = load(str(write("emu")))
    assert (found.channels, tensors(found)[0].shape[1:]) == (3, (3, 4, 6))
    cat = tensors(found)[0][0]
    assert torch.equal(cat, cat[:1].expand(3, -1, -1))


def test_images_of_several_sizes_stay_in_files(write: Write) -> None:
    write("cat", size=(4, 6))
    folder = write("dog", size=(5, 3), grey=True)
    for path in (folder, zipped(folder)):
        found = load(str(path))
        assert found.channels == 3
        assert not isinstance(found.train.images, Tensor)
        assert {tuple(found.train.images[i].shape) for i in range(8)} == {(3, 4, 6), (3, 5, 3)}
        for i, name in enumerate(found.train.images.names):
            file = folder.parent / name if path.suffix else folder / name
            wanted = np.asarray(Image.open(file).convert("RGB")).transpose(2, 0, 1)
            assert (found.train.images[i].numpy() == wanted).all()


def test_images_that_take_too_much_memory_stay_in_files(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "IN_MEMORY", 2 * COUNT * 4 * 6 * 3 - 1)
    assert not isinstance(load(str(write("cat", "dog"))).train.images, Tensor)
    monkeypatch.setattr(images, "IN_MEMORY", 4 * COUNT * 4 * 6)  # enough for grey, not for the colour that follows
    write("a", grey=True)
    assert not isinstance(load(str(write("cat", "dog"))).train.images, Tensor)


def test_a_file_that_is_gone_is_named(write: Write) -> None:
    folder = write("cat", "dog")
    Image.new("RGB", (9, 9)).save(folder / "cat" / "0.png")
    found = load(str(folder))
    assert not isinstance(found.train.images, Tensor)
    first = folder / found.train.images.names[0]
    first.unlink()
    with pytest.raises(InputError, match=rf"^{first} can't be read: No such file or directory$"):
        found.train.images[0]


def test_decoded_images_are_cached(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write("cat", "dog")
    steps: list[tuple[str, int, int]] = []
    first = load(str(folder), lambda *step: steps.append(step))
    assert steps == [("decoding set", 10, 10)]
    assert rows(load(str(folder), lambda *step: steps.append(step))) == rows(first)
    assert len(steps) == 1
    cached = cache_path(folder)
    Image.new("RGB", (6, 4)).save(folder / "cat" / "0.png")
    assert rows(load(str(folder))) != rows(first)
    assert list(cached.parent.iterdir()) == [cached]  # one file for each source
    whole = cached.read_bytes()
    for damaged in (b"", b"junk", whole[:-1], bytes(len(whole))):
        cached.write_bytes(damaged)
        assert len(rows(load(str(folder)))) == 10
        assert cached.read_bytes() == whole


def test_a_note_says_that_images_can_not_be_cached(write: Write, data_dir: Path) -> None:
    folder = write("cat", "dog")
    data_dir.write_text("a file")
    found = load(str(folder))
    assert len(rows(found)) == 10
    assert f"The decoded images can't be saved in {data_dir / 'decoded'}" in found.notes[1]


def test_folders_next_to_the_splits_are_noted(write: Write) -> None:
    found = load(str(write("train/a", "train/b", "test/a", "test/b", "extra/a")))
    assert found.notes[1] == "Left out, as its name is not that of a split: extra/ (images: 5)."


paths = st.lists(
    st.sampled_from(["train", "val", "valid", "test", "cat", "dog", ".x", "1.png", "2.JPG", "a.txt"]), min_size=1
)


@given(st.sets(paths.map("/".join), max_size=8))
def test_every_file_is_in_one_split_or_in_a_note(names: set[str]) -> None:
    try:
        tree = arrange(NAMES_ONLY, names)
    except InputError:
        return
    used = [name for files in tree.splits.values() for name, _label in files]
    assert len(used) == len(set(used))
    assert set(used) <= names
    hidden = {name for name in names if ".x" in name.split("/")}
    counts_of_notes = (
        re.findall(r"(?:not used|Left out).* \((?:images: )?(\d+)(?: in all)?\)", note) for note in tree.notes
    )
    counted = sum(int(count) for counts in counts_of_notes for count in counts)
    images_hidden = {name for name in hidden if name.lower().endswith((".png", ".jpg"))}
    assert len(used) + counted == len(names - hidden) + len(images_hidden)
    for files in tree.splits.values():
        for name, label in files:
            assert tree.classes[label] in name.split("/")[:-1]


def test_a_located_path_is_valid_in_any_working_directory(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write("cat", "dog")
    monkeypatch.chdir(folder.parent)
    located = data_module.locate("set")
    assert load("set").name == "set"
    monkeypatch.chdir("/")
    assert len(load(located).train) == 8
    assert data_module.locate("digits") == "digits"


@pytest.mark.skipif("EXPLORER_TEST_DATA" not in os.environ, reason="EXPLORER_TEST_DATA is not set")
def test_cifar10_as_jpeg_can_be_listed() -> None:
    from explorer.data.archive import Archive

    source = Archive(Path(os.environ["EXPLORER_TEST_DATA"]) / "cifar10-jpeg.zip")
    tree = arrange(source, source.listing().names)
    assert {split: len(files) for split, files in tree.splits.items()} == {"test": 10_000, "train": 50_000}
    assert tree.classes == tuple("airplane automobile bird cat deer dog frog horse ship truck".split())
    assert tree.notes == ()


def test_few_images_are_decoded_ahead_of_a_slow_one(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    one, started, meanwhile = images._image, list[int](), list[int]()

    def slow(encoded: images.Encoded, index: int) -> Tensor | InputError:
        started.append(index)
        if index == 0:
            time.sleep(0.3)
            meanwhile.append(len(started))
        return one(encoded, index)

    monkeypatch.setattr(images, "_image", slow)
    assert len(rows(load(str(write("cat", "dog", count=20))))) == 40
    assert sorted(started) == list(range(40))
    assert meanwhile[0] <= images.AHEAD
