"""The test images of a data set, for browsing.

A subprocess reads the data set and caches its test images in the data folder; pages map them from there. So the server
never has a data set in memory, even if it is large or hostile.

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
MAX_CACHED = 8  # data sets; the oldest are removed first


@dataclass(frozen=True)
class Examples:
    """The test images of a data set.

    Attributes:
        classes: Names of the classes, in the order of the labels.
        split: Images, each of which is read when it is needed.
    """

    classes: tuple[str, ...]
    split: Split


@dataclass(frozen=True)
class _Mapped:
    """Images in a cached file.

    Attributes:
        path: Path of the file.
        indices: Indices of the images in the file.
        channels: Channels of every image after decoding.
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
        position = self.indices[index]
        try:
            with safe_open(self.path, "pt") as file:
                if "images" in file.keys():  # noqa: SIM118  not a mapping
                    image: Tensor = file.get_slice("images")[position : position + 1][0]
                    return image
                first, end = file.get_slice("ends")[position : position + 2].tolist()
                data = file.get_slice("encoded")[first:end].numpy().tobytes()
        except (OSError, SafetensorError):
            raise InputError(_("image {index} is gone; open its data set again").format(index=position)) from None
        return decode(data, _("image {index}").format(index=position), self.channels)

    def take(self, indices: Sequence[int]) -> "_Mapped":
        return _Mapped(self.path, tuple(self.indices[index] for index in indices), self.channels)


def load_cached(name: str) -> Examples | None:
    """The cached test images, at once; None if there are none, or the data have changed."""
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


def compute(name: str, progress: Progress = silent) -> Examples:
    """Read a data set in a subprocess, cache its test images and return them.

    Args:
        name: One of ``NAMES``, or a path.
        progress: Callback that receives the progress.

    Raises:
        InputError: If the data set breaks a rule, can't be read, or takes too much time or memory.
        ExplorerError: If the subprocess failed.
    """
    subprocess_runner.call(
        "explorer.data.examples", name, limits(), progress, place=name, environment=settings().for_process()
    )
    examples = load_cached(name)
    if examples is None:
        raise InputError(_("{name} changed while it was read; try again").format(name=name))
    return examples


def read(name: str, progress: Progress = silent) -> None:
    """Read a data set in this process and cache its test images.

    Raises:
        InputError: If something breaks a rule, is missing, or can't be read or written; names it.
    """
    before = preview.state(name)
    dataset = load(name, progress)
    about = {"state": before, "classes": dataset.classes, "channels": dataset.channels}
    images = dataset.test.images
    # Images of different sizes stay encoded, because decoded ones could take a hundred times as much space.
    tensors = {"images": images.contiguous()} if isinstance(images, Tensor) else _encoded(name, cast(Encoded, images))
    tensors["labels"] = dataset.test.labels
    CACHE.write(name, partial(save_file, tensors, metadata={"about": json.dumps(about)}), most=MAX_CACHED)


def invalidate(name: str) -> None:
    """Remove the cached test images."""
    CACHE.remove(name)


def _encoded(name: str, images: Encoded) -> dict[str, Tensor]:
    """The concatenated files, uint8, (bytes,), and their ends after a leading 0, int64, (files + 1,).

    Raises:
        InputError: If they take too much memory.
    """
    ends, data = [0], bytearray()
    for file in images.names:
        data += images.source.read(file)
        if len(data) > IN_MEMORY:
            raise InputError(
                _("{name}: its test images take more than {limit} bytes and can't be browsed here").format(
                    name=name, limit=IN_MEMORY
                )
            )
        ends.append(len(data))
    return {"encoded": torch.frombuffer(data, dtype=torch.uint8), "ends": torch.tensor(ends)}


if __name__ == "__main__":
    torch.set_num_threads(1)  # others train on this machine
    serve(read)
