"""Data sets in one ``.npz`` file: images, labels and optional classes, with or without splits."""

from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import torch
from numpy.lib import format as npy
from torch import Tensor

from explorer.data.archive import open_checked
from explorer.data.branches import first_names
from explorer.data.dataset import IN_MEMORY, Dataset, Split
from explorer.data.decode import Array, check_sides, to_bytes
from explorer.data.labelled import assemble, summary
from explorer.data.names import ONE_PIECE, TEST, TRAIN, VAL, to_nfc
from explorer.errors import InputError, printable, shown
from explorer.files import DAMAGES, damage
from explorer.i18n import _

MAX_BYTES = 4 * IN_MEMORY  # bytes of an array in the file, which may have four (float32) for each byte of the images
CLASSES = ("classes", "class_names", "label_names")
DARKEST = 16  # floats with a smaller maximum are not taken for values from 0 to 255

# Names of the arrays of images and labels: of this product, MedMNIST, Keras, and variants of them.
_IMAGES, _LABELS = ("images", "image", "x", "data"), ("labels", "label", "y", "targets", "target")
_SPLITS = {TRAIN: ("train",), VAL: ("val", "valid", "validation"), TEST: ("test",)}


def load(name: str, path: Path) -> Dataset:
    """Images and labels from a file of ``numpy.savez``, split 80 to 20 unless the file has splits.

    ``images`` is (N, H, W), (N, H, W, C) or (N, C, H, W) with C 1 or 3, in uint8, whole numbers up to 255 or 65,535, or
    floats from 0 to 1 or to 255. ``labels`` is (N,) or (N, 1) of whole numbers or strings, or (N, classes) with a
    single 1 in every row. If there are ``classes``, whole numbers are positions in them. Splits have names as in
    MedMNIST (``train_images``, ``train_labels``, ``val_…``, ``test_…``) or Keras (``x_train``, ``y_train``,
    ``x_test``, …).

    Args:
        name: Name of the data set, as the user gave it.
        path: Path of the file.

    Raises:
        InputError: If the file breaks a rule; names file, array and rule.
    """
    with open_checked(path, MAX_BYTES + 2**16) as archive:  # an array and its header
        members = [member.removesuffix(".npy") for member in archive.namelist()]
        layout = _layout(path, members)
        classes_name = next((name for name in CLASSES if name in members), None)
        names = None if classes_name is None else _read(path, archive, classes_name)
        notes = _unused(members, layout, classes_name)
        splits, labels = {}, {}
        for split, (images_name, labels_name) in layout.items():
            splits[split], note = _images(path, images_name, _read(path, archive, images_name))
            labels[split] = _column(path, labels_name, _read(path, archive, labels_name), len(splits[split]))
            if note and note not in notes:
                notes.append(note)
    if not all(map(len, splits.values())):
        raise InputError(_("{file} has no images").format(file=path))
    classes, positions = _labels(path, labels, names)
    channels = {images.shape[1] for images in splits.values()}
    if len(channels) > 1:
        raise InputError(_("{file}: some of its splits are grey and others in colour").format(file=path))
    parts = {split: Split(images, positions[split]) for split, images in splits.items()}
    return assemble(name, classes, channels.pop(), parts, [_summary(layout, parts, classes), *notes])


def _layout(path: Path, members: list[str]) -> dict[str, tuple[str, str]]:
    """Names of the arrays of images and labels by split, or by ``ONE_PIECE`` if there are no splits.

    Raises:
        InputError: If an array is missing; names it and those that the file has.
    """
    folded = {name.lower().replace("-", "_"): name for name in members}

    def array_name(kind: tuple[str, ...], split: str = "") -> str | None:
        forms = [form for one in kind for form in ((f"{split}_{one}", f"{one}_{split}") if split else (one,))]
        return next((folded[form] for form in forms if form in folded), None)

    pairs = {
        split: (array_name(_IMAGES, word), array_name(_LABELS, word))
        for split, words in _SPLITS.items()
        for word in words
        if array_name(_IMAGES, word)
    }
    if TRAIN not in pairs:
        pairs = {ONE_PIECE: (array_name(_IMAGES), array_name(_LABELS))}
    found: dict[str, tuple[str, str]] = {}
    for split, (images, labels) in pairs.items():
        if images is not None and labels is not None:
            found[split] = images, labels
        elif split in (ONE_PIECE, TRAIN):
            missing = "images" if images is None else "labels"
            raise InputError(
                _(
                    "{file} has no array named {name}; it has {found}. It needs images and labels, or train_images, "
                    "train_labels, test_images, test_labels, or x_train, y_train, x_test, y_test"
                ).format(
                    file=path, name=f"{split}_{missing}" if split else missing, found=", ".join(map(printable, members))
                )
            )
    return {ONE_PIECE: found[TRAIN]} if list(found) == [TRAIN] else found


def _unused(members: list[str], layout: Mapping[str, tuple[str, str]], classes_name: str | None) -> list[str]:
    """The note about arrays that are not used; empty if there are none."""
    used = {name for pair in layout.values() for name in pair} | {classes_name}
    unused = sorted(set(members) - used)
    note = _("Other arrays are not used: {names} ({count} in all).")
    return [note.format(names=first_names(unused), count=len(unused))] if unused else []


def _summary(layout: Mapping[str, tuple[str, str]], parts: Mapping[str, Split], classes: tuple[str, ...]) -> str:
    sentences = {
        ONE_PIECE: _("All images: {count:,}, from {images} and {labels}."),
        TRAIN: _("Training images: {count:,}, from {images} and {labels}."),
        VAL: _("Validation images: {count:,}, from {images} and {labels}."),
        TEST: _("Test images: {count:,}, from {images} and {labels}."),
    }
    lines = [
        sentences[split].format(count=len(part), images=layout[split][0], labels=layout[split][1])
        for split, part in parts.items()
    ]
    return summary(classes, lines)


def _read(path: Path, archive: ZipFile, name: str) -> Array:
    """An array, read after its header is checked.

    Raises:
        InputError: If it holds Python objects, is too large or can't be read.
    """
    entry = next(one for one in archive.namelist() if one.removesuffix(".npy") == name)
    try:
        with archive.open(entry) as file:
            header = npy.read_array_header_1_0 if npy.read_magic(file) == (1, 0) else npy.read_array_header_2_0
            shape, _fortran, dtype = header(file)
        if dtype.hasobject:
            raise InputError(
                _(
                    "{file}: {name} holds Python objects, which are not opened because they could run any code; "
                    "save it as strings or numbers, such as numpy.array(list)"
                ).format(file=path, name=name)
            )
        size = dtype.itemsize * int(np.prod(shape, dtype=object))
        if size > MAX_BYTES:
            raise InputError(
                _(
                    "{file}: {name} has {size} bytes, and at most {limit} are allowed; put larger sets into "
                    "class folders of a folder or .zip"
                ).format(file=path, name=name, size=size, limit=MAX_BYTES)
            )
        with archive.open(entry) as file:
            return npy.read_array(file, allow_pickle=False)
    except InputError:
        raise
    except DAMAGES as error:
        raise InputError(
            _("{file}: {name} can't be read: {reason}").format(file=path, name=name, reason=damage(error))
        ) from None


def _images(path: Path, name: str, images: Array) -> tuple[Tensor, str | None]:
    """Images as uint8, (N, C, H, W), and a note if their values changed."""
    shape = images.shape
    if images.ndim == 3:
        images = images[:, None]
    elif images.ndim == 4 and shape[3] in (1, 3):
        images = images.transpose(0, 3, 1, 2)
    elif images.ndim != 4 or shape[1] not in (1, 3):
        raise InputError(
            _(
                "{file}: {name} has the shape {found}; it can be (N, H, W), (N, H, W, 1 or 3) or (N, 1 or 3, H, W)"
            ).format(file=path, name=name, found=shape)
        )
    if images.size > IN_MEMORY or 0 in shape[1:]:
        raise InputError(
            _("{file}: {name} has the shape {found}; it needs at least one and at most {limit} values").format(
                file=path, name=name, found=shape, limit=IN_MEMORY
            )
        )
    check_sides(path, images.shape[3], images.shape[2])
    white, note = _white(path, name, images)
    if white is None:
        return torch.from_numpy(np.ascontiguousarray(images)), None
    scaled = np.empty(images.shape, np.uint8)
    for image, target in zip(images, scaled, strict=True):  # one by one: all at once take several times the memory
        target[...] = to_bytes(image, white)
    return torch.from_numpy(scaled), note


def _white(path: Path, name: str, images: Array) -> tuple[float | None, str | None]:
    """The value of white, and a note about it; None twice if the images are bytes already."""
    kind = images.dtype
    if kind == np.uint8:
        return None, None
    if kind.type is np.uint16:  # in any byte order
        return 2**16 - 1, _("The images were scaled from 16 bits to 8.")
    if kind == np.bool_:
        return 1, _("The images were scaled from 0 and 1 to black and white.")
    low, high = (images.min(initial=0), images.max(initial=0)) if kind.kind in "iuf" else (0, 0)
    if kind.kind in "iu" and low >= 0 and high == 1:
        return 1, _("The images were scaled from 0 and 1 to black and white.")
    if kind.kind in "iu" and low >= 0 and high <= 255:
        return 255, _("The images are whole numbers up to {high}: 255 was taken for white.").format(high=high)
    if kind.kind == "f" and low >= 0 and high <= 1:
        return 1, _("The images were scaled from floats to 8 bits: 1 was taken for white.")
    if kind.kind == "f" and low >= 0 and DARKEST <= high <= 255:
        return 255, _("The images are floats up to {high}: 255 was taken for white.").format(high=f"{high:g}")
    if kind.kind not in "iuf":
        raise InputError(
            _("{file}: {name} is {found}; it can be uint8, uint16 or floats from 0 to 1").format(
                file=path, name=name, found=kind
            )
        )
    raise InputError(
        _(
            "{file}: {name} has values from {low} to {high}; they can go from 0 to 1 or from 0 to 255. Save the "
            "images without normalisation"
        ).format(file=path, name=name, low=f"{low + 0:g}", high=f"{high + 0:g}")
    )


def _column(path: Path, name: str, labels: Array, count: int) -> Array:
    """One label for each image: (N,).

    Raises:
        InputError: If an image has several labels or none.
    """
    if labels.shape == (count, 1):
        labels = labels[:, 0]
    elif labels.ndim == 2 and len(labels) == count and labels.dtype.kind in "biuf":
        if not (((labels == 0) | (labels == 1)).all() and (labels.sum(1) == 1).all()):
            raise InputError(
                _(
                    "{file}: {name} has the shape {found}, several labels for an image; every image has one class, so "
                    "it needs ({count},), or rows with a single 1"
                ).format(file=path, name=name, found=labels.shape, count=count)
            )
        labels = labels.argmax(1)
    if labels.shape != (count,):
        raise InputError(
            _("{file}: {name} has the shape {found}, and {count} images need ({count},)").format(
                file=path, name=name, found=labels.shape, count=count
            )
        )
    if labels.dtype.kind == "S":
        try:
            return np.char.decode(labels, "utf-8")
        except UnicodeDecodeError:
            raise InputError(_("{file}: {name} has bytes that are not UTF-8").format(file=path, name=name)) from None
    if (
        labels.dtype.kind == "f"
        and (np.isfinite(labels) & (labels == np.rint(labels)) & (np.abs(labels) < 2**53)).all()
    ):
        return labels.astype(np.int64)
    if labels.dtype == np.bool_:
        return labels.astype(np.int64)
    if labels.dtype.kind not in "iuU":
        raise InputError(
            _("{file}: {name} is {found}; it can be whole numbers or strings").format(
                file=path, name=name, found=labels.dtype
            )
        )
    return labels


def _labels(path: Path, labels: Mapping[str, Array], names: Array | None) -> tuple[tuple[str, ...], dict[str, Tensor]]:
    """Names of the classes, and labels as positions in them, int64, (N,), by split."""
    texts = {part.dtype.kind == "U" for part in labels.values()}
    if len(texts) > 1:
        raise InputError(_("{file}: some of its splits have strings as labels and others numbers").format(file=path))
    values = {
        split: [to_nfc(label) if isinstance(label, str) else label for label in part.tolist()]
        for split, part in labels.items()
    }
    if names is None:
        keys = sorted({label for part in values.values() for label in part})
        classes = tuple(map(str, keys))
    else:
        if names.ndim != 1 or names.dtype.kind != "U" or len(set(map(to_nfc, names.tolist()))) < len(names):
            raise InputError(_("{file}: classes has to be a list of different strings").format(file=path))
        classes = tuple(map(to_nfc, names.tolist()))
        keys = list(classes) if texts == {True} else list(range(len(classes)))
    index = {key: position for position, key in enumerate(keys)}
    for part in values.values():
        for label in part:
            if label not in index:
                raise InputError(
                    _("{file}: the label {label} is not one of the {count} classes").format(
                        file=path, label=shown(label), count=len(classes)
                    )
                )
    return classes, {split: torch.tensor([index[label] for label in part]) for split, part in values.items()}
