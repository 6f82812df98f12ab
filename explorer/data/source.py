"""Sources of encoded images: the protocol, and folders."""

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from explorer.errors import InputError, printable
from explorer.i18n import _

MAX_FILES = 2_000_000
MAX_BYTES = 2**28  # of one file; more than the most pixels allowed need
_USUAL = 2**20  # bytes; most photographs have fewer


@dataclass(frozen=True)
class Listing:
    """The files of a source.

    Attributes:
        names: Names of the files with their folders, separated by slashes, sorted.
        state: Text that changes when a file is added, removed or changed.
        empty: Folders without files and folders, sorted.
        notes: Messages about the decoding of the names.
    """

    names: tuple[str, ...]
    state: str
    empty: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, files: dict[str, Any], empty: Iterable[str] = (), notes: Iterable[str] = ()) -> "Listing":
        """A listing.

        Args:
            files: Names of the files, each with a JSON-ready value that changes when the file does.
            empty: Folders without files and folders.
            notes: Messages about the decoding of the names.
        """
        state = hashlib.sha256(json.dumps(sorted(files.items())).encode())
        return cls(tuple(sorted(files)), state.hexdigest(), tuple(sorted(empty)), tuple(notes))


class Source(Protocol):
    """Files by name. Objects can be pickled and forked for the workers of a DataLoader."""

    @property
    def path(self) -> Path:
        """Path of the folder or archive."""

    def listing(self) -> Listing:
        """All files.

        Raises:
            InputError: If the source can't be listed or is refused.
        """

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            InputError: If the file is missing, broken or too large; names it.
        """


@dataclass(frozen=True)
class Folder:
    """A folder and everything below it; links are followed, because the folder belongs to the user."""

    path: Path

    def listing(self) -> Listing:
        """All regular files.

        Raises:
            InputError: If a folder can't be listed, or there are too many files.
        """
        try:
            empty: list[str] = []
            return Listing.of(dict(self._files(empty)), empty)
        except OSError as error:
            raise InputError(
                _("{place} can't be listed: {reason}").format(place=printable(error.filename), reason=error.strerror)
            ) from None

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            InputError: If the file is missing or too large; names it.
        """
        place = self.path / name
        try:
            with place.open("rb") as file:
                return bounded(file, place)
        except OSError as error:
            raise InputError(
                _("{place} can't be read: {reason}").format(place=printable(place), reason=error.strerror)
            ) from None

    def _files(self, empty: list[str]) -> Iterator[tuple[str, tuple[int, int]]]:
        """The files, each with size and time of change.

        Args:
            empty: List to which empty folders are appended.
        """
        count = 0
        for root, folders, files in os.walk(self.path, onerror=_raise, followlinks=True):
            here = Path(root)
            folders[:] = [name for name in folders if not _leads_back(here / name)]
            if not (files or folders or here == self.path):
                empty.append(here.relative_to(self.path).as_posix())
            count += len(files)
            if count > MAX_FILES:
                raise InputError(_("{place} holds more than {limit} files").format(place=self.path, limit=MAX_FILES))
            for name in files:
                place = here / name
                status = place.stat() if place.exists() else place.lstat()  # reading a broken link fails later
                if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):  # reading a pipe could wait for ever
                    yield place.relative_to(self.path).as_posix(), (status.st_size, status.st_mtime_ns)


def _leads_back(place: Path) -> bool:
    """Whether a folder is a link to one of its own parents, which would be walked for ever."""
    return place.is_symlink() and any(folder.resolve().is_relative_to(place.resolve()) for folder in place.parents)


def bounded(file: IO[bytes], place: object) -> bytes:
    """The rest of a file.

    Args:
        file: Open file.
        place: Name of the file in messages.

    Raises:
        InputError: If it has more than ``MAX_BYTES`` bytes.
    """
    data = file.read(_USUAL)
    if len(data) == _USUAL:  # a single read of MAX_BYTES would allocate that much for every image
        data += file.read(MAX_BYTES + 1 - _USUAL)
    if len(data) > MAX_BYTES:
        raise InputError(_("{place} has more than {limit} bytes").format(place=printable(place), limit=MAX_BYTES))
    return data


def _raise(error: OSError) -> None:
    raise error
