"""Data sets in ``.npz`` files, against the arrays that were written."""

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.data import Dataset, arrays, load, preview
from explorer.errors import InputError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (20, 5, 7), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (20, 3, 5, 7), dtype=np.uint8)
LABELS = np.arange(20) % 2


def loaded(folder: Path, **members: Any) -> Dataset:
    np.savez_compressed(folder / "set.npz", **members)
    return load(str(folder / "set.npz"))


def rows(found: Dataset) -> list[tuple[bytes, str]]:
    pairs = [
        (image.numpy().tobytes(), found.classes[label])
        for split in (found.train, found.test)
        for image, label in zip(torch.as_tensor(split.images), split.labels.tolist(), strict=True)
    ]
    return sorted(pairs)


def wanted(images: np.ndarray, names: list[str]) -> list[tuple[bytes, str]]:
    return sorted((image.tobytes(), name) for image, name in zip(images, names, strict=True))


@pytest.mark.parametrize(
    ("images", "planes"),
    [
        (GREY, GREY[:, None]),
        (GREY[..., None], GREY[:, None]),
        (GREY[:, None], GREY[:, None]),
        (COLOUR, COLOUR),
        (COLOUR.transpose(0, 2, 3, 1), COLOUR),
        (np.asfortranarray(COLOUR), COLOUR),
    ],
)
def test_shapes(images: np.ndarray, planes: np.ndarray, tmp_path: Path) -> None:
    found = loaded(tmp_path, images=images, labels=LABELS)
    assert rows(found) == wanted(planes, [str(label) for label in LABELS])
    assert found.channels == planes.shape[1]
    assert found.mirrored is (True if planes.shape[1] == 3 else None)
    assert (found.train.per_class(2), found.test.per_class(2)) == ([8, 8], [2, 2])
    assert len(found.notes) == 2
    assert found.notes[0] == "Found 2 classes: 0, 1. All images: 20, from images and labels."
    assert "4 of its images, 20% of each class, are used as the test set" in found.notes[1]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_are_scaled(dtype: type, tmp_path: Path) -> None:
    found = loaded(tmp_path, images=(GREY / 255).astype(dtype), labels=LABELS)
    assert rows(found) == wanted(GREY, [str(label) for label in LABELS])
    assert found.notes[1] == "The images were scaled from floats to 8 bits: 1 was taken for white."


def test_sixteen_bits_are_scaled(tmp_path: Path) -> None:
    deep = RNG.integers(0, 2**16, (20, 5, 7), dtype=np.uint16)
    found = loaded(tmp_path, images=deep, labels=LABELS)
    assert rows(found) == wanted(np.rint(deep / 257).astype(np.uint8), [str(label) for label in LABELS])
    assert found.notes[1] == "The images were scaled from 16 bits to 8."


@pytest.mark.parametrize(
    ("labels", "classes", "names"),
    [
        (LABELS, None, ["0", "1"]),
        (LABELS.astype(np.uint8) * 7 + 3, None, ["3", "10"]),
        (LABELS.astype(">i2") - 1, None, ["-1", "0"]),
        (np.array(["dog", "cat"])[LABELS], None, ["dog", "cat"]),
        (LABELS, ["dog", "cat"], ["dog", "cat"]),
        (np.array(["dog", "cat"])[LABELS], ["dog", "cat"], ["dog", "cat"]),
    ],
)
def test_labels(labels: np.ndarray, classes: list[str] | None, names: list[str], tmp_path: Path) -> None:
    members = {} if classes is None else {"classes": np.array(classes)}
    found = loaded(tmp_path, images=GREY, labels=labels, **members)
    assert rows(found) == wanted(GREY, [names[label] for label in LABELS])
    if classes:
        assert found.classes == tuple(classes)


def test_integers_without_names_are_in_numeric_order(tmp_path: Path) -> None:
    assert loaded(tmp_path, images=GREY, labels=np.repeat([10, 9], 10)).classes == ("9", "10")


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"pixels": GREY, "y": LABELS}, "has no array named images; it has pixels, y"),
        ({"images": GREY}, "has no array named labels; it has images"),
        ({"images": GREY[0], "labels": LABELS}, r"images has the shape \(5, 7\); it can be \(N, H, W\)"),
        ({"images": COLOUR[:, :2], "labels": LABELS}, r"images has the shape \(20, 2, 5, 7\); it can be"),
        ({"images": GREY[:, :0], "labels": LABELS}, r"images has the shape \(20, 0, 7\); it needs at least one"),
        ({"images": GREY[:0], "labels": LABELS[:0]}, "has no images"),
        ({"images": GREY, "labels": LABELS[1:]}, r"labels has the shape \(19,\), and 20 images need \(20,\)"),
        ({"images": GREY, "labels": np.tile(LABELS[:, None], 2)}, r"labels has the shape \(20, 2\), several labels"),
        ({"images": GREY, "labels": LABELS[:, None] * 0.5}, r"labels is float64; it can be whole numbers or strings"),
        (
            {"images": GREY.astype(np.int32) - 1, "labels": LABELS},
            "images has values from -1 to 254; they can go from 0",
        ),
        ({"images": GREY * 1j, "labels": LABELS}, "images is complex128; it can be"),
        ({"images": GREY * 2.0, "labels": LABELS}, "images has values from 0 to 510; they can go from 0 to 1 or"),
        ({"images": GREY / 100, "labels": LABELS}, "images has values from 0 to 2.55; they can go from 0 to 1 or"),
        ({"images": GREY * -0.001, "labels": LABELS}, "images has values from -0.255 to 0; they can go"),
        ({"images": GREY * np.nan, "labels": LABELS}, "images has values from nan to nan"),
        ({"x_train": GREY, "x_test": GREY}, "has no array named train_labels; it has x_train, x_test"),
        ({"x_train": GREY, "y_train": LABELS, "x_test": GREY, "y_test": LABELS.astype(str)}, "have strings as labels"),
        ({"x_train": GREY, "y_train": LABELS, "x_test": COLOUR, "y_test": LABELS}, "grey and others in colour"),
        ({"images": GREY, "labels": LABELS, "classes": ["a"]}, "the label 1 is not one of the 1 classes"),
        ({"images": GREY, "labels": LABELS - 1, "classes": ["a", "b"]}, "the label -1 is not one of the 2 classes"),
        ({"images": GREY, "labels": LABELS, "classes": ["a", "a"]}, "classes has to be a list of different strings"),
        ({"images": GREY, "labels": LABELS, "classes": [1, 2]}, "classes has to be a list of different strings"),
        ({"images": GREY, "labels": LABELS, "classes": ["a", "b", "c"]}, "the class 'c' has no images to train with"),
        ({"images": GREY, "labels": LABELS * 0}, "has one class only, '0'"),
        ({"images": np.array([None] * 20), "labels": LABELS}, "images holds Python objects, which are not opened"),
    ],
)
def test_refusals_name_file_array_and_rule(members: dict[str, Any], fault: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"^{tmp_path}/set.npz.*{fault}") as caught:
        loaded(tmp_path, **members)
    assert "\n" not in str(caught.value)


def declaring(shape: tuple[int, ...]) -> bytes:
    """An array file with only a header."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return file.getvalue()


@pytest.mark.parametrize(
    ("shape", "fault"),
    [((2**20, 2**10, 2**10), "images has 1099511627776 bytes, and"), ((10, 10, 10), "images can't be read: ")],
)
def test_wrong_headers_are_refused(shape: tuple[int, ...], fault: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        archive.writestr("images.npy", declaring(shape))
        archive.writestr("labels.npy", declaring((shape[0],)))
    with pytest.raises(InputError, match=fault):
        load(str(tmp_path / "set.npz"))


def test_images_too_large_for_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "IN_MEMORY", GREY.size - 1)
    with pytest.raises(InputError, match=r"\(20, 5, 7\).* 699 values"):
        loaded(tmp_path, images=GREY, labels=LABELS)


@given(st.data())
def test_any_damage_is_a_set_or_words(tmp_path_factory: pytest.TempPathFactory, draw: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("damaged") / "set.npz"
    np.savez(path, images=GREY[:4, :2, :2], labels=LABELS[:4])
    data = bytearray(path.read_bytes())
    for _change in range(draw.draw(st.integers(1, 4))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    path.write_bytes(data[: draw.draw(st.integers(0, len(data)))] if draw.draw(st.booleans()) else data)
    try:
        load(str(path))
    except InputError as error:
        assert str(error).startswith(str(path))
        assert "\n" not in str(error)


@pytest.mark.skipif("EXPLORER_TEST_DATA" not in os.environ, reason="EXPLORER_TEST_DATA is not set")
def test_mnist10k() -> None:
    found = load(str(Path(os.environ["EXPLORER_TEST_DATA"]) / "mnist10k.npz"))
    assert (len(found.train), len(found.test), found.channels, found.mirrored) == (8_000, 2_000, 1, None)
    assert found.classes == tuple("0123456789")


def test_bytes_may_be_in_any_order(tmp_path: Path) -> None:
    found = loaded(tmp_path, images=GREY.astype(">u2") * np.uint16(257), labels=LABELS.astype(">i8"))
    assert rows(found) == wanted(GREY[:, None], [str(label) for label in LABELS])


def test_a_side_that_no_resize_can_take(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"set.npz: 65537 x 1 "):
        loaded(tmp_path, images=np.zeros((4, 1, 2**16 + 1), np.uint8), labels=LABELS[:4])


def splits(**sizes: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
        name: (RNG.integers(0, 256, (size, 5, 7), dtype=np.uint8), np.arange(size) % 2) for name, size in sizes.items()
    }


@pytest.mark.parametrize(
    "forms", [("{}_images", "{}_labels"), ("x_{}", "y_{}"), ("X_{}", "Y_{}"), ("images_{}", "labels_{}")]
)
@pytest.mark.parametrize(
    "sizes", [{"train": 8, "val": 6, "test": 4}, {"train": 8, "test": 4}, {"train": 8, "valid": 4}]
)
def test_splits_in_the_file(forms: tuple[str, str], sizes: dict[str, int], tmp_path: Path) -> None:
    parts = splits(**sizes)
    members = {
        form.format(name): array for name, both in parts.items() for form, array in zip(forms, both, strict=True)
    }
    found = loaded(tmp_path, **members)
    loaded_splits = (found.train, *([found.validation] if found.validation else []), found.test)
    for split, (images, labels) in zip(loaded_splits, parts.values(), strict=True):
        assert torch.equal(torch.as_tensor(split.images)[:, 0], torch.from_numpy(images))
        assert split.labels.tolist() == labels.tolist()
    assert len(found.notes) == 1
    assert found.notes[0].startswith("Found 2 classes: 0, 1. Training images: 8, from ")


def test_splits_may_be_of_several_sizes(tmp_path: Path) -> None:
    large = np.zeros((4, 9, 9), np.uint8)
    found = loaded(tmp_path, x_train=GREY, y_train=LABELS, x_test=large, y_test=LABELS[:4])
    assert torch.as_tensor(found.test.images).shape == (4, 1, 9, 9)
    assert preview._preview(found).pixels is None
    assert preview._preview(loaded(tmp_path, images=GREY, labels=LABELS)).pixels == (5, 7)


@pytest.mark.parametrize(
    "labels",
    [
        LABELS[:, None],
        LABELS * 1.0,
        LABELS > 0,
        np.eye(2)[LABELS],
        np.eye(2, dtype=np.uint8)[LABELS],
        np.array([b"0", b"1"])[LABELS],
    ],
)
def test_forms_of_labels(labels: np.ndarray, tmp_path: Path) -> None:
    found = loaded(tmp_path, images=GREY, labels=labels)
    assert rows(found) == wanted(GREY, [str(label) for label in LABELS])


@pytest.mark.parametrize(
    ("images", "note"),
    [
        (GREY.astype(np.int64), "whole numbers up to 255: 255 was taken for white"),
        (GREY.astype(np.float32), "floats up to 255: 255 was taken for white"),
        ((GREY > 127).astype(np.int32), "from 0 and 1 to black and white"),
        (GREY > 127, "from 0 and 1 to black and white"),
    ],
)
def test_an_assumed_white_is_noted(images: np.ndarray, note: str, tmp_path: Path) -> None:
    found = loaded(tmp_path, images=images, labels=LABELS)
    pixels = GREY if images.max() > 1 else (255 * (GREY > 127)).astype(np.uint8)
    assert rows(found) == wanted(pixels, [str(label) for label in LABELS])
    assert note in found.notes[1]


def test_unused_arrays_are_noted(tmp_path: Path) -> None:
    found = loaded(tmp_path, images=GREY, labels=LABELS, ids=LABELS)
    assert found.notes[1] == "Other arrays are not used: ids (1 in all)."
