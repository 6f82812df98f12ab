"""Images in class folders: layouts, splits, what is left out, and what is kept decoded."""

import json
import os
import re
import time
import zipfile
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
from explorer.data import Dataset, class_indices, images, load
from explorer.data.images import kept_at
from explorer.data.source import Folder
from explorer.data.tree import arrange
from explorer.errors import InputError

pytestmark = pytest.mark.usefixtures("data_dir")

COUNT = 5
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write images of random pixels into class folders: ``write("cat", "dog")``."""
    rng = np.random.default_rng(0)

    def write(
        *folders: str, count: int = COUNT, size: tuple[int, int] = (4, 6), grey: bool = False, root: str = "set"
    ) -> Path:
        for folder in folders:
            place = tmp_path / root / folder
            place.mkdir(parents=True, exist_ok=True)
            for i in range(count):
                pixels = rng.integers(0, 256, size if grey else (*size, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{i}.png")
        return tmp_path / root

    return write


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
    assert found.notes == ()
    assert (found.channels, found.mirrored) == (3, True)


def test_with_three_splits_val_is_for_choosing(write: Write) -> None:
    write("train/cat", "train/dog", count=4)
    write("val/cat", "val/dog", count=3)
    found = load(str(write("test/cat", "test/dog", count=2)))
    assert found.validation is not None
    assert [len(split) for split in (found.train, found.validation, found.test)] == [8, 6, 4]


def test_val_alone_is_the_test_set(write: Write) -> None:
    write("train/cat", "train/dog", count=4)
    found = load(str(write("val/cat", "val/dog", count=3)))
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
    found = load(str(write("train", "train car/old", "train car/new", "测试")))
    assert found.classes == ("train", "train car", "测试")
    assert found.train.per_class(3) == [4, 8, 4]


def test_hidden_and_other_files_are_no_images(write: Write) -> None:
    folder = write("cat", "dog", ".cache", "__MACOSX/cat")
    (folder / "cat" / "._0.png").write_bytes(b"junk")
    (folder / "cat" / "labels.txt").write_text("x")
    (folder / "README").write_text("x")
    (folder / "preview.png").write_bytes(b"x")
    found = load(str(folder))
    assert found.classes == ("cat", "dog")
    assert len(rows(found)) == 10
    assert found.notes[:2] == (
        "Files other than images are not used: README, cat/labels.txt (2 in all).",
        "Images outside of class folders are not used: preview.png (1 in all).",
    )


def test_grey_only_if_all_are(write: Write) -> None:
    write("cat", grey=True)
    found = load(str(write("dog", grey=True)))
    assert (found.channels, found.mirrored, tensors(found)[0].shape[1:]) == (1, False, (1, 4, 6))
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


def test_a_few_broken_images_are_left_out(write: Write) -> None:
    folder = write("cat", "dog", count=20)
    whole = load(str(folder))
    for name in ("cat/3.png", "cat/4.png", "dog/5.png", "dog/6.png"):
        (folder / name).write_bytes((folder / name).read_bytes()[:60])
    for _first_and_kept in range(2):
        found = load(str(folder))
        note = next(note for note in found.notes if "can't be read" in note)
        assert note.startswith("Left out, as they can't be read: 4 of 40 images (")
        assert [name in note for name in ("cat/3.png", "cat/4.png", "dog/5.png", "dog/6.png")] == [True] * 3 + [False]
        assert len(rows(found)) == 36
        assert rows(found) < rows(whole)


def test_broken_images_are_found_before_the_training(write: Write) -> None:
    write("cat", count=20, size=(4, 6))
    folder = write("dog", count=20, size=(5, 3))
    (folder / "dog" / "7.png").write_bytes((folder / "dog" / "7.png").read_bytes()[:60])
    for _first_and_kept in range(2):
        found = load(str(folder))
        assert not isinstance(found.train.images, Tensor)
        assert len(found.train) + len(found.test) == 39
        assert "dog/7.png" not in [*found.train.images.names, *found.test.images.names]  # type: ignore[union-attr]
        assert any("1 of 40 images" in note and "dog/7.png is broken" in note for note in found.notes)


def test_many_broken_images_are_an_error(write: Write) -> None:
    folder = write("cat", "dog")
    (folder / "cat" / "1.png").write_bytes(b"junk")
    (folder / "dog" / "1.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"2 of 10 images can't be read, more than 10%: .*cat/1.png is not an image"):
        load(str(folder))


def test_what_was_refused_for_a_while_is_read_again(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, read = write("cat", "dog", count=10), Folder.read

    def locked(self: Folder, name: str) -> bytes:
        if name == "cat/3.png":
            raise InputError(f"{name} can't be read: Permission denied")
        return read(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "read", locked)
        assert len(rows(load(str(folder)))) == 19
    assert len(rows(load(str(folder)))) == 20


def test_decoded_images_are_kept(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write("cat", "dog")
    steps: list[tuple[str, int, int]] = []
    first = load(str(folder), lambda *step: steps.append(step))
    assert steps == [("decoding set", 10, 10)]
    assert rows(load(str(folder), lambda *step: steps.append(step))) == rows(first)
    assert len(steps) == 1
    kept = kept_at(folder)
    Image.new("RGB", (6, 4)).save(folder / "cat" / "0.png")
    assert rows(load(str(folder))) != rows(first)
    assert list(kept.parent.iterdir()) == [kept]  # one file for each source
    whole = kept.read_bytes()
    for damaged in (b"", b"junk", whole[:-1], bytes(len(whole))):
        kept.write_bytes(damaged)
        assert len(rows(load(str(folder)))) == 10
        assert kept.read_bytes() == whole


def test_where_they_can_not_be_kept_a_note_says_so(write: Write, data_dir: Path) -> None:
    folder = write("cat", "dog")
    data_dir.write_text("a file")
    found = load(str(folder))
    assert len(rows(found)) == 10
    assert f"The decoded images can't be kept in {data_dir / 'decoded'}" in found.notes[0]


def test_sets_that_teach_nothing(write: Write, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has one class only, 'cat'; there is nothing to tell apart"):
        load(str(write("cat", root="one")))
    with pytest.raises(InputError, match="has no images in class folders"):
        load(str(write("", root="flat")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=f"^{tmp_path / 'empty'} has no images in class folders"):
        load(str(tmp_path / "empty"))
    with pytest.raises(InputError, match="has no images to test with"):
        load(str(write("cat", "dog", root="single", count=1)))


@pytest.mark.parametrize(
    ("folders", "found"),
    [(("train/cat", "train/dog", "valid/cat", "valid/dog"), "train"), (("test/cat", "val/dog"), "test/, val")],
)
def test_a_split_that_is_missing(folders: tuple[str, ...], found: str, write: Write) -> None:
    with pytest.raises(InputError, match=rf"has {found}/, but a set in splits needs train/ and val/ or test/"):
        load(str(write(*folders)))


def test_images_beside_the_splits(write: Write) -> None:
    found = load(str(write("train/a", "train/b", "test/a", "test/b", "extra/a")))
    assert ": extra/a/0.png, extra/a/1.png, extra/a/2.png, … (5 in all)." in found.notes[0]


def test_classes_differ_between_splits(write: Write) -> None:
    folder = write("train/cat", "train/dog", "test/cat")
    assert load(str(folder)).notes == ("Classes without images in test/: dog (1 in all).",)
    write("test/emu")
    with pytest.raises(InputError, match=r"test/emu/0.png: the class 'emu' is in test/ but not in train/"):
        load(str(folder))


def test_small_and_unequal_classes_are_noted(write: Write) -> None:
    write("cat", count=21)
    write("dog", count=2)
    assert "The classes are very unequal: cat has 21 images, dog has 2." in load(str(write())).notes
    write("emu", count=1)
    assert "Classes with a single image to train with: emu (1 in all)." in load(str(write())).notes


def test_class_indices_give_the_order(write: Write) -> None:
    folder = write("cat", "dog", "emu")
    file = folder / "class_indices.json"
    file.write_text('{"0": "emu", "1": "cat", "2": "dog"}')
    found = load(str(folder))
    assert found.classes == ("emu", "cat", "dog")
    assert json.loads(file.read_text()) == class_indices(found.classes)
    pixels = np.asarray(Image.open(folder / "emu" / "0.png")).transpose(2, 0, 1).tobytes()
    assert (pixels, 0) in rows(found)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "is not JSON"),
        ("[]", "has to name 2 classes"),
        ('{"0": "cat"}', "has to name 2 classes"),
        ('{"0": "cat", "2": "dog"}', "has to name 2 classes"),
        ('{"0": "cat", "1": "cow"}', "'cow' is not the name of one class folder"),
        ('{"0": "cat", "1": "cat"}', "'cat' is not the name of one class folder"),
        ('{"0": "cat", "1": ["dog"]}', r"\['dog'\] is not the name of one class folder"),
    ],
)
def test_class_indices_that_do_not_fit(text: str, fault: str, write: Write) -> None:
    folder = write("cat", "dog")
    (folder / "class_indices.json").write_text(text)
    with pytest.raises(InputError, match=rf"^{folder}/class_indices.json.*{fault}"):
        load(str(folder))


def test_links_in_folders(write: Write, tmp_path: Path) -> None:
    elsewhere = write("cat", root="elsewhere")
    folder = write("dog")
    (folder / "cat").symlink_to(elsewhere / "cat")
    (folder / "dog" / "round").symlink_to(folder)
    (folder / "dog" / "gone.png").symlink_to(tmp_path / "nonesuch.png")
    os.mkfifo(folder / "dog" / "pipe.png")
    found = load(str(folder))
    assert (found.classes, len(rows(found))) == (("cat", "dog"), 10)
    assert any("1 of 11" in note and "dog/gone.png can't be read" in note for note in found.notes)


def test_too_many_files(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write("cat", "dog")
    monkeypatch.setattr("explorer.data.source.MAX_FILES", 9)
    with pytest.raises(InputError, match="set holds more than 9 files"):
        load(str(folder))


def test_a_file_that_is_far_too_large(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write("cat", "dog", count=20)
    with (folder / "cat" / "0.png").open("wb") as file:
        file.truncate(1001)
    monkeypatch.setattr("explorer.data.source.MAX_BYTES", 1000)
    assert any("cat/0.png has more than 1000 bytes" in note for note in load(str(folder)).notes)


class Names:
    """A source of nothing but names."""

    path = Path("set")

    def read(self, _name: str) -> bytes:
        raise AssertionError


paths = st.lists(st.sampled_from(["train", "val", "test", "cat", "dog", ".x", "1.png", "2.JPG", "a.txt"]), min_size=1)


@given(st.sets(paths.map("/".join), max_size=8))
def test_every_file_is_in_one_split_or_in_a_note(names: set[str]) -> None:
    try:
        tree = arrange(Names(), names)  # type: ignore[arg-type]
    except InputError:
        return
    used = [name for files in tree.splits.values() for name, _label in files]
    assert len(used) == len(set(used))
    assert set(used) <= names
    seen = {name for name in names if not any(part.startswith(".") for part in name.split("/"))}
    counted = sum(int(count) for note in tree.notes for count in re.findall(r"not used: .* \((\d+) in all", note))
    assert len(used) + counted == len(seen)
    for files in tree.splits.values():
        for name, label in files:
            assert tree.classes[label] in name.split("/")[:-1]


def test_paths_and_names_that_there_are_not(tmp_path: Path) -> None:
    for name in ("nonesuch", "", "a\0b", "~nobody-here/x", "x" * 5000, str(tmp_path / "gone.zip")):
        with pytest.raises(InputError, match=r"^data: there is no .*; known are digits, .* \.npz does as well$"):
            load(name)
    with pytest.raises(InputError, match="did you mean cifar10"):
        load("CIFAR-10")
    (tmp_path / "x.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"is neither a folder nor a .zip or .npz file"):
        load(str(tmp_path / "x.png"))


def test_a_located_path_is_understood_in_any_folder(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_links_that_lead_back_by_a_detour(write: Write) -> None:
    folder = write("cat", "dog")
    for here, there in (("cat", "dog"), ("dog", "cat")):
        for name in ("one", "two"):  # two ways at each of 40 steps: a walk that never ends
            (folder / here / name).symlink_to(folder / there)
    found = load(str(folder))
    assert len(found.train) + len(found.test) == 2 * 3 * COUNT


def test_names_that_break_a_line_are_escaped(write: Write) -> None:
    folder = write("cat", "dog", count=20)
    (folder / "cat" / "a\nb\x1b[31m.png").write_bytes(b"")
    (note,) = (note for note in load(str(folder)).notes if "1 of 41" in note)
    assert r"cat/a\nb\x1b[31m.png is not an image" in note
    assert note.isprintable()


@pytest.mark.parametrize("name", ["a\nb", os.fsdecode(b"caf\xe9")])
def test_class_names_that_no_card_can_hold(name: str, write: Write) -> None:
    with pytest.raises(InputError, match=r"set: the name of the class '(a\\nb|caf\\udce9)' has control characters"):
        load(str(write("cat", name)))


def test_deep_class_indices(write: Write) -> None:
    folder = write("cat", "dog")
    (folder / "class_indices.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match=r"class_indices.json is not JSON"):
        load(str(folder))


def test_a_validation_split_of_broken_images_is_none(write: Write) -> None:
    folder = write("train/cat", "train/dog", "test/cat", "test/dog", count=9)
    (folder / "val" / "cat").mkdir(parents=True)
    (folder / "val" / "cat" / "0.png").write_bytes(b"")
    assert load(str(folder)).validation is None


def test_single_images_are_not_held_out(write: Write) -> None:
    found = load(str(write("train/cat", "train/dog", "test/cat", "test/dog", count=1)))
    assert found.hold_out(0.1, 0).validation is None


def test_few_images_wait_for_a_slow_one(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
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
