"""The preview of a data set: sizes, balance of the classes, and a few images.

A subprocess reads the data set; the preview is cached in the data folder.

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
LARGEST = 256  # longer side of a cached image in pixels


@dataclass(frozen=True)
class Preview:
    """Facts about a data set that users need before training.

    Attributes:
        classes: Names of the classes, in the order of the labels.
        channels: 1 for grey, 3 for colour.
        mirrored: Whether a mirror image belongs to the same class; None if unknown.
        train: Numbers of training images of each class, including those that training will hold out.
        validation: Numbers of validation images of each class; None if the set has none.
        test: Numbers of test images of each class.
        notes: Messages of the loader.
        mean: Mean of each channel, from 0 to 1.
        std: Standard deviation of each channel, from 0 to 1.
        pixels: Height and width of all images; None if they differ.
        in_memory: Bytes of the images that training has in memory; 0 if they stay in files.
        images: A few of the training images, uint8, (C, H, W); large ones are shrunk.
        labels: Labels of these images.
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

    def validation_counts(self, fraction: float) -> tuple[int, ...]:
        """Numbers of validation images of each class: the set's own, or those that ``Dataset.hold_out`` moves.

        Args:
            fraction: Share of each class that is held out.
        """
        if self.validation is not None:
            return self.validation
        return tuple(share(count, fraction) if fraction else 0 for count in self.train)

    def training_counts(self, fraction: float) -> tuple[int, ...]:
        """Numbers of training images of each class without those held out.

        Args:
            fraction: Share of each class that is held out.
        """
        if self.validation is not None:
            return self.train
        return tuple(count - moved for count, moved in zip(self.train, self.validation_counts(fraction), strict=True))


def load_cached(name: str) -> Preview | None:
    """The cached preview, at once; None if there is none, or the data have changed."""
    try:
        with safe_open(CACHE.path(name), "pt") as file:
            stored: dict[str, Any] = json.loads((file.metadata() or {})["preview"])
            images = tuple(file.get_tensor(str(index)) for index in range(len(stored["labels"])))
    except (OSError, SafetensorError, KeyError, ValueError):
        return None
    if stored.pop("state") != state(name):
        return None
    pixels = stored.pop("pixels")
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in stored.items()}
    return Preview(**fields, pixels=(pixels[0], pixels[1]) if pixels else None, images=images)


def expected(name: str) -> Preview:
    """The preview of a data set before its download, from the catalogue: classes of equal size, and no images."""
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


def compute(name: str, progress: Progress = silent) -> Preview:
    """Read a data set in a subprocess, cache its preview and return it; missing files are downloaded first.

    Args:
        name: One of ``NAMES``, or a path.
        progress: Callback that receives the progress.

    Raises:
        ContentError: If the data set breaks a rule.
        InputError: If it can't be read at the moment, or takes too much time or memory.
        ExplorerError: If the subprocess failed.
    """
    subprocess_runner.call(
        "explorer.data.preview", name, limits(), progress, place=name, environment=settings().for_process()
    )
    preview = load_cached(name)
    if preview is None:
        raise InputError(_("{name} changed while it was read; try again").format(name=name))
    return preview


def read(name: str, progress: Progress = silent) -> None:
    """Read a data set in this process and cache its preview.

    Raises:
        ContentError: If the data break a rule; names the rule and the place.
        InputError: If something is missing, or can't be read or written; names it.
    """
    before = state(name)
    try:
        dataset = load(name, progress)
    except InputError as error:
        if name in NAMES or isinstance(error.__context__, OSError):  # network or disk failed; trying again may help
            raise
        raise ContentError(str(error)) from None
    preview = _preview(dataset)
    fields = {key: value for key, value in vars(preview).items() if key != "images"}
    images = {str(index): image for index, image in enumerate(preview.images)}
    metadata = {"preview": json.dumps({**fields, "state": before})}
    CACHE.write(name, partial(save_file, images, metadata=metadata))


def invalidate(name: str) -> None:
    """Remove the cached preview."""
    CACHE.remove(name)


def state(name: str) -> list[int]:
    """Size and time of change of a data set's file or folder, which a cached result must match; empty for named sets.

    Changes in deeper folders are not detected.

    Raises:
        InputError: If there is no such data set.
        OSError: If its file has just been removed.
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
    parts = [split.images for split in (dataset.train, dataset.test, dataset.validation) if split is not None]
    sizes = {(part.shape[-2], part.shape[-1]) for part in parts if isinstance(part, Tensor)}
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
        pixels=sizes.pop() if len(sizes) == 1 and all(isinstance(part, Tensor) for part in parts) else None,
        in_memory=sum(part.numel() for part in parts if isinstance(part, Tensor)),
    )
    return replace(
        preview,
        images=tuple(_shrunk(images[index]) for index in indices),
        labels=tuple(dataset.train.labels[indices].tolist()),
    )


def _sample(split: Split, classes: int) -> list[int]:
    """Indices of a few images from as many classes as possible, in the order of the classes."""
    shown = sorted({round(label) for label in torch.linspace(0, classes - 1, min(classes, IMAGES)).tolist()})
    of_class: dict[int, Sequence[int]] = {label: torch.nonzero(split.labels == label)[:, 0].tolist() for label in shown}
    ranked = [(rank, label) for rank in range(IMAGES) for label in shown if rank < len(of_class[label])]
    return [of_class[label][rank] for label, rank in sorted((label, rank) for rank, label in ranked[:IMAGES])]


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
