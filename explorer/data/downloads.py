"""Downloads of torchvision's data sets.

torchvision supplies addresses, checksums and readers. This module downloads, with progress and messages for users.
"""

import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from torchvision import datasets
from torchvision.datasets.utils import check_integrity

from explorer import access
from explorer.data.catalogue import CatalogueEntry
from explorer.data.dataset import Dataset, Split
from explorer.errors import InputError
from explorer.files import atomic_write
from explorer.i18n import _
from explorer.settings import settings
from explorer.workers.progress import Progress

CHUNK = 2**18  # bytes
TIMEOUT = 30.0  # seconds without a response


@dataclass(frozen=True)
class _Archive:
    """One file to download.

    Attributes:
        path: Path at which torchvision looks for it.
        addresses: Addresses of the file, the preferred one first.
        md5: Checksum that torchvision publishes.
    """

    path: Path
    addresses: tuple[str, ...]
    md5: str

    def is_intact(self) -> bool:
        return bool(check_integrity(self.path, self.md5))


def load(name: str, entry: CatalogueEntry, progress: Progress) -> Dataset:
    """A data set from the data folder; it is downloaded first if it is missing.

    Args:
        name: Name of the data set.
        entry: Entry of the data set in the catalogue.
        progress: Callback that receives the progress of the download.

    Raises:
        InputError: If files are missing or damaged and can't be downloaded; names them, their folder and their address.
    """
    kind = getattr(datasets, entry.source)
    root = settings().data_dir.resolve()
    try:
        parts = _read(kind, root, entry)
    except RuntimeError:  # torchvision raises it for files that are missing or damaged
        with _locked(root):
            parts = _downloaded(kind, root, entry, progress)
    (train, classes), (test, _classes) = parts
    return Dataset(name, classes, entry.channels, entry.mirrored, train, test)


def is_downloaded(entry: CatalogueEntry) -> bool:
    """Whether the data folder has files with the names of a data set's; their content is not checked."""
    kind: Any = getattr(datasets, entry.source)
    root = settings().data_dir
    if issubclass(kind, datasets.MNIST):
        raw = root / kind.__name__ / "raw"
        return all((raw / file).exists() or (raw / file).with_suffix("").exists() for file, _md5 in kind.resources)
    return any((root / name).exists() for name in (kind.filename, kind.base_folder))


def _locked(root: Path) -> AbstractContextManager[Any]:
    """Lock the data folder: if two jobs need the same data set, the second one waits and then finds the files."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        return FileLock(root / ".lock").acquire()
    except OSError as error:
        raise InputError(
            _("the data folder {folder} can't be written: {reason}").format(folder=root, reason=error)
        ) from None


def _downloaded(
    kind: Any, root: Path, entry: CatalogueEntry, progress: Progress
) -> list[tuple[Split, tuple[str, ...]]]:
    access.check_downloads(entry.title)
    archives = list(_archives(kind, root))
    _fetch(entry.title, archives, progress)
    progress(_("unpacking {title}").format(title=entry.title), 0, 0)
    try:
        return _read(kind, root, entry, download=True)
    except (RuntimeError, OSError) as error:
        raise InputError(
            _("{title} in {folder} is damaged ({reason}); delete what {archives} unpacked to, and load again").format(
                title=entry.title,
                folder=archives[0].path.parent,
                reason=error,
                archives=", ".join(archive.path.name for archive in archives),
            )
        ) from None


def _read(
    kind: Callable[..., Any], root: Path, entry: CatalogueEntry, *, download: bool = False
) -> list[tuple[Split, tuple[str, ...]]]:
    parts = []
    for train, count in zip((True, False), entry.images, strict=True):
        try:
            part = kind(root, train=train, download=download)
        except (AssertionError, ValueError) as error:  # from torchvision's parser of IDX files
            raise RuntimeError(error) from None
        images = torch.as_tensor(part.data)
        images = images.unsqueeze(1) if entry.channels == 1 else images.permute(0, 3, 1, 2).contiguous()
        labels = torch.as_tensor(np.asarray(part.targets), dtype=torch.int64)
        if not len(images) == len(labels) == count:  # MNIST's unpacked files have no checksum
            raise RuntimeError(
                _("{images} images and {labels} labels instead of {count}").format(
                    images=len(images), labels=len(labels), count=count
                )
            )
        parts.append((Split(images, labels), tuple(part.classes)))
    return parts


def _archives(kind: Any, root: Path) -> Iterator[_Archive]:
    if issubclass(kind, datasets.MNIST):
        for file, md5 in kind.resources:
            addresses = tuple(mirror + file for mirror in kind.mirrors)
            yield _Archive(root / kind.__name__ / "raw" / file, addresses, md5)
    else:
        yield _Archive(root / kind.filename, (kind.url,), kind.tgz_md5)


def _fetch(title: str, archives: list[_Archive], progress: Progress) -> None:
    missing = [archive for archive in archives if not archive.is_intact()]
    damaged = [archive.path.name for archive in missing if archive.path.exists()]
    for position, archive in enumerate(missing):
        try:
            _download(archive, progress)
        except (OSError, HTTPException, InputError) as error:
            remaining = ", ".join(archive.path.name for archive in missing[position:])
            sentence = (
                _(
                    "{title}: {damaged} in {folder} is damaged or another file (its checksum is wrong), and the "
                    "download failed ({reason}); put {files} there, from {address}"
                )
                if damaged
                else _(
                    "{title} is not in {folder}, and the download failed ({reason}); put {files} there, from {address}"
                )
            )
            raise InputError(
                sentence.format(
                    title=title,
                    damaged=", ".join(damaged),
                    folder=archive.path.parent,
                    reason=error,
                    files=remaining,
                    address=archive.addresses[0].rpartition("/")[0] + "/",
                )
            ) from None


def _download(archive: _Archive, progress: Progress) -> None:
    """Download a file from the first address that sends the right content."""
    archive.path.parent.mkdir(parents=True, exist_ok=True)
    for position, address in enumerate(archive.addresses):
        try:
            with atomic_write(archive.path) as part:
                _copy(address, part, archive.path.name, progress)
                if not check_integrity(part, archive.md5):
                    raise InputError(
                        _("what {address} sent is cut short or another file: its checksum is wrong").format(
                            address=address
                        )
                    )
        except (OSError, HTTPException, InputError):
            if position == len(archive.addresses) - 1:
                raise
        else:
            return


def _copy(address: str, target: Path, name: str, progress: Progress) -> None:
    request = urllib.request.Request(address, headers={"User-Agent": "cnn-architecture-explorer"})  # noqa: S310  torchvision's addresses
    step = _("downloading {file}").format(file=name)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response, target.open("wb") as file:  # noqa: S310  the same
        total = int(response.headers.get("Content-Length") or 0)
        while chunk := response.read(CHUNK):
            file.write(chunk)
            progress(step, file.tell(), total)
