"""A data set at a glance: its sizes, how its classes are balanced, and a few images.

It is read in a process of its own; what came of it is kept in the data folder.

usage: python -m explorer.data.preview        see explorer.workers.protocol
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import interpolate

from explorer.data import load, locate
from explorer.data.catalogue import NAMES
from explorer.data.dataset import Dataset, Split, share
from explorer.data.disk_cache import DiskCache
from explorer.data.limits import limits
from explorer.data.preprocessing import channel_statistics
from explorer.errors import ContentError, InputError
from explorer.i18n import _
from explorer.settings import settings
from explorer.workers import subprocess_runner
from explorer.workers.progress import Progress, silent
from explorer.workers.protocol import serve

CACHE = DiskCache("previews", format="2")
IMAGES = 16
LARGEST = 256  # pixels: the longer side of an image that is kept


@dataclass(frozen=True)
class Preview:
    """What is worth knowing before training.

    Attributes:
        classes: names, in the order of the labels.
        channels: 1 for grey, 3 for colour.
        mirrored: whether a mirror image belongs to the same class; none where nobody knows.
        train: images of each class, with what training will hold out of them.
        validation: likewise, where the set brings its own.
        test: likewise.
        notes: of the loader.
        mean: of each channel, as a fraction.
        std: likewise.
        pixels: height and width that all images share; none where they differ.
        in_memory: bytes that the images take, where they stay in memory; else 0.
        images: a few of the training images, uint8, (C, H, W), large ones shrunk.
        labels: of these images.
    """

    classes: tuple[str, ...]
    channels: int
    mirrored: bool | None
    train: tuple[int, ...]
    validation: tuple[int, ...] | None
    test: tuple[int, ...]
    notes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    pixels: tuple[int, int] | None
    in_memory: int
    images: tuple[Tensor, ...] = ()
    labels: tuple[int, ...] = ()

    def held_out(self, fraction: float) -> tuple[int, ...]:
        """Images of each class that choose the epoch: the set's own, or as ``Dataset.hold_out`` takes them."""
        if self.validation is not None:
            return self.validation
        return tuple(share(count, fraction) if fraction else 0 for count in self.train)

    def trained(self, fraction: float) -> tuple[int, ...]:
        """Images of each class that are left to train with."""
        if self.validation is not None:
            return self.train
        return tuple(all_ - held for all_, held in zip(self.train, self.held_out(fraction), strict=True))


def kept(name: str) -> Preview | None:
    """What an earlier look at a data set has kept, at once; none where there was none, or the data has changed."""
    try:
        with safe_open(CACHE.path(name), "pt") as file:
            held: dict[str, Any] = json.loads((file.metadata() or {})["preview"])
            images = tuple(file.get_tensor(str(index)) for index in range(len(held["labels"])))
    except (OSError, SafetensorError, KeyError, ValueError):
        return None
    if held.pop("state") != state(name):
        return None
    pixels = held.pop("pixels")
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in held.items()}
    return Preview(**fields, pixels=(pixels[0], pixels[1]) if pixels else None, images=images)


def expected(name: str) -> Preview:
    """What the catalogue knows of a data set that is not here yet: classes as alike as can be, and no images."""
    entry = NAMES[name]
    train, test = (
        tuple(count // entry.classes + (place < count % entry.classes) for place in range(entry.classes))
        for count in entry.images
    )
    return Preview(
        classes=tuple(map(str, range(entry.classes))),
        channels=entry.channels,
        mirrored=entry.mirrored,
        train=train,
        validation=None,
        test=test,
        notes=(),
        mean=(),
        std=(),
        pixels=(entry.size, entry.size),
        in_memory=sum(entry.images) * entry.channels * entry.size**2,
    )


def look(name: str, progress: Progress = silent) -> Preview:
    """Read a data set in a process of its own, downloading it first where it is not there.

    Args:
        name: one of ``NAMES``, or a path.
        progress: told how far it is.

    Raises:
        ContentError: where the data set breaks a rule.
        InputError: where it can't be read now, or takes too much time or memory.
        ExplorerError: where the process failed.
    """
    subprocess_runner.call(
        "explorer.data.preview", name, limits(), progress, place=name, environment=settings().for_process()
    )
    preview = kept(name)
    if preview is None:
        raise InputError(_("{name} changed while it was read; try again").format(name=name))
    return preview


def read(name: str, progress: Progress = silent) -> None:
    """Read a data set in this process and keep what is worth knowing.

    Raises:
        ContentError: naming what breaks a rule, and where.
        InputError: naming what is missing or can't be read or written.
    """
    before = state(name)
    try:
        dataset = load(name, progress)
    except InputError as error:
        if name in NAMES or isinstance(error.__context__, OSError):  # the network or a disk fails: try again
            raise
        raise ContentError(str(error)) from None
    preview = _preview(dataset)
    fields = {key: value for key, value in vars(preview).items() if key != "images"}
    images = {str(index): image for index, image in enumerate(preview.images)}
    metadata = {"preview": json.dumps({**fields, "state": before})}
    CACHE.write(name, partial(save_file, images, metadata=metadata))


def forget(name: str) -> None:
    """Remove what was kept."""
    CACHE.remove(name)


def state(name: str) -> list[int]:
    """Changes when the file of a data set does; folders are not watched.

    Raises:
        InputError: where there is no such data set.
        OSError: where its file has just gone.
    """
    if name in NAMES:
        return []
    status = Path(locate(name)).stat()
    return [status.st_size, status.st_mtime_ns]


def _preview(dataset: Dataset) -> Preview:
    classes = len(dataset.classes)
    mean, std = channel_statistics(dataset.train)
    indices = _sample(dataset.train, classes)
    images = dataset.train.images
    held = [split.images for split in (dataset.train, dataset.test, dataset.validation) if split is not None]
    sizes = {(part.shape[-2], part.shape[-1]) for part in held if isinstance(part, Tensor)}
    preview = Preview(
        classes=dataset.classes,
        channels=dataset.channels,
        mirrored=dataset.mirrored,
        train=tuple(dataset.train.per_class(classes)),
        validation=None if dataset.validation is None else tuple(dataset.validation.per_class(classes)),
        test=tuple(dataset.test.per_class(classes)),
        notes=dataset.notes,
        mean=mean,
        std=std,
        pixels=sizes.pop() if len(sizes) == 1 and all(isinstance(part, Tensor) for part in held) else None,
        in_memory=sum(part.numel() for part in held if isinstance(part, Tensor)),
    )
    return replace(
        preview,
        images=tuple(_shrunk(images[index]) for index in indices),
        labels=tuple(dataset.train.labels[indices].tolist()),
    )


def _sample(split: Split, classes: int) -> list[int]:
    """Positions of a few images, from as many classes as there is room for, in the order of the classes."""
    shown = sorted({round(label) for label in torch.linspace(0, classes - 1, min(classes, IMAGES)).tolist()})
    of_class: dict[int, Sequence[int]] = {label: torch.nonzero(split.labels == label)[:, 0].tolist() for label in shown}
    turns = [(turn, label) for turn in range(IMAGES) for label in shown if turn < len(of_class[label])]
    return [of_class[label][turn] for label, turn in sorted((label, turn) for turn, label in turns[:IMAGES])]


def _shrunk(image: Tensor) -> Tensor:
    longest = max(image.shape[1:])
    if longest <= LARGEST:
        return image.contiguous()
    size = [max(round(side * LARGEST / longest), 1) for side in image.shape[1:]]
    smaller = interpolate(image[None].float(), size, mode="bilinear", antialias=True)[0]
    return smaller.round().clamp(0, 255).byte()


if __name__ == "__main__":
    torch.set_num_threads(1)  # others train on this machine
    serve(read)
