"""Test images to look through: read in a process of their own, kept in the data folder, and mapped from there.

So the process that shows them never has a data set in memory, however large or hostile.

usage: python -m explorer.data.examples        see explorer.workers.protocol
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from explorer.data import load, preview
from explorer.data.dataset import IN_MEMORY, Split
from explorer.data.decode import decode
from explorer.data.disk_cache import DiskCache
from explorer.data.images import Encoded
from explorer.data.limits import limits
from explorer.errors import InputError
from explorer.i18n import _
from explorer.settings import settings
from explorer.workers import subprocess_runner
from explorer.workers.progress import Progress, silent
from explorer.workers.protocol import serve

CACHE = DiskCache("examples", format="1")
KEPT = 8  # data sets, those made last


@dataclass(frozen=True)
class Examples:
    """The test images of a data set.

    Attributes:
        classes: names, in the order of the labels.
        split: the images, each read when it is asked for.
    """

    classes: tuple[str, ...]
    split: Split


@dataclass(frozen=True)
class _Mapped:
    """Images in a file that was kept.

    Attributes:
        path: of the file.
        indices: of the images in it.
        channels: that every image gets.
    """

    path: Path
    indices: Sequence[int]
    channels: int

    @property
    def names(self) -> Sequence[str]:
        return tuple(map(str, self.indices))

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Tensor:
        place = self.indices[index]
        try:
            with safe_open(self.path, "pt") as file:
                if "images" in file.keys():  # noqa: SIM118  not a mapping
                    image: Tensor = file.get_slice("images")[place : place + 1][0]
                    return image
                first, end = file.get_slice("ends")[place : place + 2].tolist()
                data = file.get_slice("encoded")[first:end].numpy().tobytes()
        except (OSError, SafetensorError):
            raise InputError(_("image {index} is gone; open its data set again").format(index=place)) from None
        return decode(data, _("image {index}").format(index=place), self.channels)

    def take(self, indices: Sequence[int]) -> "_Mapped":
        return _Mapped(self.path, tuple(self.indices[index] for index in indices), self.channels)


def kept(name: str) -> Examples | None:
    """What an earlier look has kept, at once; none where there was none, or the data has changed."""
    path = CACHE.path(name)
    try:
        with safe_open(path, "pt") as file:
            about: dict[str, Any] = json.loads((file.metadata() or {})["about"])
            labels = file.get_tensor("labels")
        if about["state"] != preview.state(name):
            return None
    except (OSError, SafetensorError, KeyError, ValueError, InputError):
        return None
    return Examples(tuple(about["classes"]), Split(_Mapped(path, range(len(labels)), about["channels"]), labels))


def look(name: str, progress: Progress = silent) -> Examples:
    """Read a data set in a process of its own and keep its test images.

    Args:
        name: one of ``NAMES``, or a path.
        progress: told how far it is.

    Raises:
        InputError: where the data set breaks a rule, can't be read, or takes too much time or memory.
        ExplorerError: where the process failed.
    """
    subprocess_runner.call(
        "explorer.data.examples", name, limits(), progress, place=name, environment=settings().for_process()
    )
    found = kept(name)
    if found is None:
        raise InputError(_("{name} changed while it was read; try again").format(name=name))
    return found


def read(name: str, progress: Progress = silent) -> None:
    """Read a data set in this process and keep its test images.

    Raises:
        InputError: naming what breaks a rule, is missing, or can't be read or written.
    """
    before = preview.state(name)
    dataset = load(name, progress)
    about = {"state": before, "classes": dataset.classes, "channels": dataset.channels}
    images = dataset.test.images
    # Images of many sizes stay encoded: decoded they could take a hundred times as much.
    tensors = {"images": images.contiguous()} if isinstance(images, Tensor) else _encoded(name, cast(Encoded, images))
    tensors["labels"] = dataset.test.labels
    CACHE.write(name, partial(save_file, tensors, metadata={"about": json.dumps(about)}), most=KEPT)


def forget(name: str) -> None:
    """Remove what was kept."""
    CACHE.remove(name)


def _encoded(name: str, images: Encoded) -> dict[str, Tensor]:
    """The files one after the other, and where each ends."""
    ends, data = [0], bytearray()
    for file in images.names:
        data += images.source.read(file)
        if len(data) > IN_MEMORY:
            raise InputError(
                _("{name}: its test images take more than {limit} bytes and can't be looked through here").format(
                    name=name, limit=IN_MEMORY
                )
            )
        ends.append(len(data))
    return {"encoded": torch.frombuffer(data, dtype=torch.uint8), "ends": torch.tensor(ends)}


if __name__ == "__main__":
    torch.set_num_threads(1)  # others train on this machine
    serve(read)
