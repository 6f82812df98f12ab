"""Data sets in one ``.npz`` file: ``images``, ``labels`` and, if need be, ``classes``."""

from pathlib import Path
from zipfile import ZipFile

import numpy as np
import torch
from numpy.lib import format as npy
from torch import Tensor

from explorer.data.archive import checked
from explorer.data.dataset import IN_MEMORY, Dataset, Split
from explorer.data.decode import Array, check_sides, to_bytes
from explorer.data.labelled import assemble
from explorer.errors import InputError, shown
from explorer.files import DAMAGES
from explorer.i18n import _

MAX_BYTES = 4 * IN_MEMORY  # of an array in the file: float32 for what becomes one byte


def load(name: str, path: Path) -> Dataset:
    """Images and labels from a file of ``numpy.savez``, split 80 to 20.

    ``images`` is (N, H, W), (N, H, W, C) or (N, C, H, W) with C 1 or 3; uint8, uint16 or floats from 0 to 1.
    ``labels`` is (N,), integers or strings; with ``classes`` integers are positions in it.

    Raises:
        InputError: naming file, array and rule.
    """
    with checked(path, MAX_BYTES + 2**16) as archive:  # an array with its header
        images, note = _images(path, _read(path, archive, "images"))
        labels = _read(path, archive, "labels")
        names = _read(path, archive, "classes") if "classes.npy" in archive.namelist() else None
    if labels.shape != images.shape[:1]:
        raise InputError(
            _("{file}: labels has the shape {found}, and {count} images need ({count},)").format(
                file=path, found=labels.shape, count=len(images)
            )
        )
    if len(images) == 0:
        raise InputError(_("{file} has no images").format(file=path))
    classes, positions = _labels(path, labels, names)
    return assemble(name, classes, images.shape[1], Split(images, positions), None, None, [note] if note else [])


def _read(path: Path, archive: ZipFile, name: str) -> Array:
    """An array, after a look at its header."""
    entry = f"{name}.npy"
    if entry not in archive.namelist():
        raise InputError(
            _("{file} has no array named {name}; it has {found}").format(
                file=path, name=name, found=", ".join(found.removesuffix(".npy") for found in archive.namelist())
            )
        )
    try:
        with archive.open(entry) as file:
            header = npy.read_array_header_1_0 if npy.read_magic(file) == (1, 0) else npy.read_array_header_2_0
            shape, _fortran, dtype = header(file)
        size = dtype.itemsize * int(np.prod(shape, dtype=object))
        if size > MAX_BYTES:
            raise InputError(
                _(
                    "{file}: {name} has {size} bytes, and {limit} are the most; "
                    "put larger sets into class folders of a folder or .zip"
                ).format(file=path, name=name, size=size, limit=MAX_BYTES)
            )
        with archive.open(entry) as file:
            return npy.read_array(file, allow_pickle=False)
    except InputError:
        raise
    except DAMAGES as error:
        raise InputError(
            _("{file}: {name} can't be read: {reason}").format(file=path, name=name, reason=error)
        ) from None


def _images(path: Path, images: Array) -> tuple[Tensor, str | None]:
    """As uint8, (N, C, H, W), with a note where that changed the values."""
    shape = images.shape
    if images.ndim == 3:
        images = images[:, None]
    elif images.ndim == 4 and shape[3] in (1, 3):
        images = images.transpose(0, 3, 1, 2)
    elif images.ndim != 4 or shape[1] not in (1, 3):
        raise InputError(
            _(
                "{file}: images has the shape {found}; it can be (N, H, W), (N, H, W, 1 or 3) or (N, 1 or 3, H, W)"
            ).format(file=path, found=shape)
        )
    if images.size > IN_MEMORY or 0 in shape[1:]:
        raise InputError(
            _("{file}: images has the shape {found}; it needs at least one and at most {limit} values").format(
                file=path, found=shape, limit=IN_MEMORY
            )
        )
    check_sides(path, images.shape[3], images.shape[2])
    white, note = _white(path, images)
    if white is None:
        return torch.from_numpy(np.ascontiguousarray(images)), None
    scaled = np.empty(images.shape, np.uint8)
    for image, target in zip(images, scaled, strict=True):  # at once it would take several times the file's memory
        target[...] = to_bytes(image, white)
    return torch.from_numpy(scaled), note


def _white(path: Path, images: Array) -> tuple[int | None, str | None]:
    """The value of white, with a note, where it is not that of bytes."""
    if images.dtype == np.uint8:
        return None, None
    if images.dtype.type is np.uint16:  # in any order of bytes
        return 2**16 - 1, _("The images were scaled from 16 bits to 8.")
    if not np.issubdtype(images.dtype, np.floating):
        raise InputError(
            _("{file}: images is {found}; it can be uint8, uint16 or floats from 0 to 1").format(
                file=path, found=images.dtype
            )
        )
    low, high = images.min(initial=0), images.max(initial=0)
    if not (low >= 0 and high <= 1):  # so that nan is refused as well
        raise InputError(
            _("{file}: images has values from {low} to {high}; floats go from 0 to 1").format(
                file=path, low=low, high=high
            )
        )
    return 1, _("The images were scaled from floats to 8 bits.")


def _labels(path: Path, labels: Array, names: Array | None) -> tuple[tuple[str, ...], Tensor]:
    """Names of the classes, and the positions of the labels in them."""
    integers = np.issubdtype(labels.dtype, np.integer)
    if not integers and labels.dtype.kind != "U":
        raise InputError(
            _("{file}: labels is {found}; it can be integers or strings").format(file=path, found=labels.dtype)
        )
    if names is None:
        values, positions = np.unique(labels, return_inverse=True)
        return tuple(str(value) for value in values), torch.from_numpy(positions.astype(np.int64))
    if names.ndim != 1 or names.dtype.kind != "U" or len(set(names.tolist())) < len(names):
        raise InputError(_("{file}: classes has to be a list of different strings").format(file=path))
    classes = tuple(names.tolist())
    index = {value: position for position, value in enumerate(range(len(classes)) if integers else classes)}
    for label in labels.tolist():
        if label not in index:
            raise InputError(
                _("{file}: the label {label} is none of the {count} classes").format(
                    file=path, label=shown(label), count=len(classes)
                )
            )
    return classes, torch.tensor([index[label] for label in labels.tolist()])
