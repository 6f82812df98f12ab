"""Encoded images, which are decoded into one tensor if they have the same size and fit in memory."""

import hashlib
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from explorer.data.dataset import IN_MEMORY
from explorer.data.decode import decode
from explorer.data.source import Source
from explorer.errors import InputError, printable
from explorer.files import atomic_write
from explorer.i18n import _
from explorer.settings import settings
from explorer.workers.progress import Progress

THREADS = min(4, os.cpu_count() or 1)  # Pillow decodes without the interpreter lock
AHEAD = 4 * THREADS  # images that are decoded in advance while a slow one blocks; each can take 200 MB
BLOCK = 256  # images between two reports of progress
FORMAT = "3"  # version of the cached file; raise it with every change to decode()


@dataclass(frozen=True)
class Encoded:
    """Images of a source, decoded one by one.

    Attributes:
        source: Folder or archive with the files.
        names: Names of the files.
        channels: Channels of every image after decoding; None is those of the file.
    """

    source: Source
    names: Sequence[str]
    channels: int | None = None

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Tensor:
        name = self.names[index]
        return decode(self.source.read(name), printable(self.source.path / name), self.channels)

    def take(self, indices: Sequence[int]) -> "Encoded":
        """The images at some indices, in that order."""
        return Encoded(self.source, tuple(self.names[index] for index in indices), self.channels)


@dataclass(frozen=True)
class Decoded:
    """The result of decoding all images once.

    Attributes:
        readable: bool, (N,), false for broken images.
        faults: Message about each broken image.
        channels: 1 if every readable image is grey, else 3.
        images: uint8, (readable, C, H, W); None if sizes differ or the images don't fit in memory.
    """

    readable: Tensor
    faults: tuple[str, ...]
    channels: int
    images: Tensor | None


def decode_all(encoded: Encoded, state: str, progress: Progress) -> tuple[Decoded, str | None]:
    """Decode every image, or load the result of an earlier call from the cache in the data folder.

    Images that don't fit in memory are decoded too, so that broken ones are found before the training.

    Args:
        encoded: Encoded images.
        state: State of the source; a cached result of another state is replaced.
        progress: Callback that receives the progress.

    Returns:
        The result, and a note if it could not be cached.
    """
    path = cache_path(encoded.source.path)
    key = hashlib.sha256("\n".join([FORMAT, state, *encoded.names]).encode(errors="surrogateescape")).hexdigest()
    if (cached := _read(path, key, encoded)) is not None:
        return cached, None
    decoded = _decode(encoded, progress)
    tensors = {"readable": decoded.readable, "channels": torch.tensor(decoded.channels)}
    if decoded.images is not None:
        tensors["images"] = decoded.images
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as part:
            save_file(tensors, part, metadata={"key": key})
    except (OSError, SafetensorError) as error:
        return decoded, _(
            "The decoded images can't be saved in {folder} ({reason}); the next start will decode them again."
        ).format(folder=path.parent, reason=error)
    return decoded, None


def cache_path(source: Path) -> Path:
    """The cache file of the decoded images of a folder or archive; it is replaced when the source changes."""
    name = hashlib.sha256(os.fsencode(source.resolve())).hexdigest()[:32]
    return settings().data_dir / "decoded" / f"{name}.safetensors"


def _read(path: Path, key: str, encoded: Encoded) -> Decoded | None:
    try:
        with safe_open(path, "pt") as file:
            if (file.metadata() or {}).get("key") != key:
                return None
            images = file.get_tensor("images") if "images" in file.keys() else None  # noqa: SIM118  not a mapping
            readable, channels = file.get_tensor("readable"), int(file.get_tensor("channels"))
    except (OSError, SafetensorError):  # the file is missing or damaged
        return None
    faults = [_image(encoded, index) for index in torch.nonzero(~readable).flatten().tolist()]
    messages = tuple(str(fault) for fault in faults if isinstance(fault, InputError))
    if len(messages) < len(faults):  # an unreadable image, for example without permission, has become readable
        return None
    return Decoded(readable, messages, channels, images)


def _decode(encoded: Encoded, progress: Progress) -> Decoded:
    readable = torch.zeros(len(encoded), dtype=torch.bool)
    faults: list[str] = []
    channels, count = 1, 0
    store: Tensor | None = None
    for index, image in enumerate(_images(encoded, progress)):
        if isinstance(image, InputError):
            faults.append(str(image))
            continue
        readable[index] = True
        channels = max(channels, len(image))
        if count == 0 and image.numel() * len(encoded) <= IN_MEMORY:
            store = torch.empty((len(encoded), *image.shape), dtype=torch.uint8)
        if store is not None and store.shape[1] < channels:  # colour after grey
            store = store.expand(-1, 3, -1, -1).contiguous() if 3 * store.numel() <= IN_MEMORY else None
        if store is not None and store.shape[2:] != image.shape[1:]:
            store = None
        if store is not None:
            store[count] = image  # a single grey plane is copied to all three channels
        count += 1
    return Decoded(readable, tuple(faults), channels, None if store is None else store[:count])


def _images(encoded: Encoded, progress: Progress) -> Iterator[Tensor | InputError]:
    step = _("decoding {name}").format(name=encoded.source.path.name)
    with ThreadPoolExecutor(THREADS) as pool:
        waiting = deque(pool.submit(_image, encoded, index) for index in range(min(AHEAD, len(encoded))))
        for done in range(1, len(encoded) + 1):
            yield waiting.popleft().result()
            if (following := done + len(waiting)) < len(encoded):
                waiting.append(pool.submit(_image, encoded, following))
            if done % BLOCK == 0 or done == len(encoded):
                progress(step, done, len(encoded))


def _image(encoded: Encoded, index: int) -> Tensor | InputError:
    try:
        return encoded[index]
    except InputError as error:
        return error
