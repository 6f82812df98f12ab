"""Messages about images in class folders that break a rule: broken files, missing splits, odd names and links."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.data import class_indices, load
from explorer.data.images import Encoded
from explorer.data.source import Folder
from explorer.errors import InputError, printable
from tests.helpers.image_folders import COUNT, Write, rows
from tests.helpers.narrow import of_kind

pytestmark = pytest.mark.usefixtures("data_dir")


def test_a_few_broken_images_are_left_out(write: Write) -> None:
    folder = write("cat", "dog", count=20)
    whole = load(str(folder))
    for name in ("cat/3.png", "cat/4.png", "dog/5.png", "dog/6.png"):
        (folder / name).write_bytes((folder / name).read_bytes()[:60])
    for _first_and_cached in range(2):
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
    for _first_and_cached in range(2):
        found = load(str(folder))
        files = [of_kind(Encoded, split.images) for split in (found.train, found.test)]
        assert len(found.train) + len(found.test) == 39
        assert "dog/7.png" not in [name for images in files for name in images.names]
        assert any("1 of 40 images" in note and "dog/7.png is broken" in note for note in found.notes)


def test_many_broken_images_are_an_error(write: Write) -> None:
    folder = write("cat", "dog")
    (folder / "cat" / "1.png").write_bytes(b"junk")
    (folder / "dog" / "1.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"2 of 10 images can't be read, more than 10%: .*cat/1.png"):
        load(str(folder))


def test_a_temporarily_unreadable_image_is_read_again(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, read = write("cat", "dog", count=10), Folder.read

    def locked(self: Folder, name: str) -> bytes:
        if name == "cat/3.png":
            raise InputError(f"{name} can't be read: Permission denied")
        return read(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "read", locked)
        assert len(rows(load(str(folder)))) == 19
    assert len(rows(load(str(folder)))) == 20


def test_sets_without_two_classes_or_test_images(write: Write, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has one class only, 'cat' \(images: 5\); there is nothing to tell apart"):
        load(str(write("cat", root="one")))
    with pytest.raises(InputError, match="has no images in class folders"):
        load(str(write("", root="flat")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=f"^{tmp_path / 'empty'} has no images in class folders"):
        load(str(tmp_path / "empty"))
    with pytest.raises(InputError, match="has no images to test with"):
        load(str(write("cat", "dog", root="single", count=1)))


def test_a_split_that_is_missing(write: Write) -> None:
    with pytest.raises(InputError, match="has test/, val/, but no folder with class folders to train with"):
        load(str(write("test/cat", "val/dog")))


def test_classes_differ_between_splits(write: Write) -> None:
    folder = write("train/cat", "train/dog", "test/cat")
    assert load(str(folder)).notes[1:] == ("Classes without images in test/: dog (1 in all).",)
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


@pytest.mark.parametrize("size", [0, 2**20 - 1, 2**20, 2**20 + 1, 2**21 + 5])
def test_files_of_any_size_are_read_in_full(tmp_path: Path, size: int) -> None:
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    (tmp_path / "x").write_bytes(data)
    assert Folder(tmp_path).read("x") == data


def test_missing_paths_and_names(tmp_path: Path) -> None:
    for name in ("nonesuch", "", "a\0b", "~nobody-here/x", "x" * 5000, str(tmp_path / "gone.zip")):
        with pytest.raises(InputError, match=r"^data: there is no .*; known are digits, .* \.npz also works$"):
            load(name)
    with pytest.raises(InputError, match="did you mean cifar10"):
        load("CIFAR-10")
    (tmp_path / "x.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"is neither a folder nor a .zip or .npz file"):
        load(str(tmp_path / "x.png"))


def test_links_that_lead_back_by_a_detour(write: Write) -> None:
    folder = write("cat", "dog")
    for here, there in (("cat", "dog"), ("dog", "cat")):
        for name in (f"{here} one", f"{here} two"):  # two ways at each of 40 steps: a walk that never ends
            (folder / here / name).symlink_to(folder / there)
    found = load(str(folder))
    assert len(found.train) + len(found.test) == 2 * 3 * COUNT


def test_names_on_one_line_stay_as_they_are() -> None:
    for name in ("cat.png", "Kätzchen 写.png", "a\u00a0b"):
        assert printable(name) == name
    assert printable("é\n\udc80.png") == "é\\n\\udc80.png"


def test_names_that_break_a_line_are_escaped(write: Write) -> None:
    folder = write("cat", "dog", count=20)
    (folder / "cat" / "a\nb\x1b[31m.png").write_bytes(b"")
    (note,) = (note for note in load(str(folder)).notes if "1 of 41" in note)
    assert r"cat/a\nb\x1b[31m.png" in note
    assert note.isprintable()


@pytest.mark.parametrize("name", ["a\nb", os.fsdecode(b"caf\xe9")])
def test_unprintable_class_names_are_refused(name: str, write: Write) -> None:
    with pytest.raises(InputError, match=r"set: the name of the class '(a\\nb|caf\\udce9)' has invisible characters"):
        load(str(write("cat", name)))


def test_deep_class_indices(write: Write) -> None:
    folder = write("cat", "dog")
    (folder / "class_indices.json").write_text("[" * 100_000)
    with pytest.raises(InputError):
        load(str(folder))


def test_a_validation_split_of_broken_images_is_ignored(write: Write) -> None:
    folder = write("train/cat", "train/dog", "test/cat", "test/dog", count=9)
    (folder / "val" / "cat").mkdir(parents=True)
    (folder / "val" / "cat" / "0.png").write_bytes(b"")
    assert load(str(folder)).validation is None


def test_single_images_are_not_held_out(write: Write) -> None:
    found = load(str(write("train/cat", "train/dog", "test/cat", "test/dog", count=1)))
    assert found.hold_out(0.1, 0).validation is None
