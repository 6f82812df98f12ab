"""Where encoded images lie: what is asked of a source, and the source that is a folder."""

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
MAX_BYTES = 2**28  # of one file: more than the most pixels need
_USUAL = 2**20  # bytes of a photograph


@dataclass(frozen=True)
class Listing:
    """The files of a source.

    Attributes:
        names: with their folders before them and slashes between, sorted.
        state: changes when a file comes, goes or changes.
        empty: folders that hold neither files nor folders, sorted.
        notes: on how the names were read.
    """

    names: tuple[str, ...]
    state: str
    empty: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, files: dict[str, Any], empty: Iterable[str] = (), notes: Iterable[str] = ()) -> "Listing":
        """From names, each with what changes when the file does."""
        state = hashlib.sha256(json.dumps(sorted(files.items())).encode())
        return cls(tuple(sorted(files)), state.hexdigest(), tuple(sorted(empty)), tuple(notes))


class Source(Protocol):
    """Files by name; survives pickling and forks, so that the workers of a DataLoader can hold it."""

    @property
    def path(self) -> Path:
        """Of the folder or archive."""

    def listing(self) -> Listing:
        """All files.

        Raises:
            InputError: where the source can't be listed or is refused.
        """

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            InputError: naming the file, where it is gone, broken or too large.
        """


@dataclass(frozen=True)
class Folder:
    """A folder with all below; links are followed, as it is the user's own."""

    path: Path

    def listing(self) -> Listing:
        """All regular files.

        Raises:
            InputError: where a folder can't be listed, or holds too many files.
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
            InputError: naming the file, where it is gone or too large.
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
        """The files, each with size and time; folders without any go into a list."""
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
                status = place.stat() if place.exists() else place.lstat()  # a link to nothing fails when it is read
                if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):  # reading a pipe would never end
                    yield place.relative_to(self.path).as_posix(), (status.st_size, status.st_mtime_ns)


def _leads_back(place: Path) -> bool:
    """Whether it is a link to a folder that the way to it came through, which would be walked for ever."""
    return place.is_symlink() and any(folder.resolve().is_relative_to(place.resolve()) for folder in place.parents)


def bounded(file: IO[bytes], place: object) -> bytes:
    """The rest of a file.

    Raises:
        InputError: where that is more than any image needs.
    """
    data = file.read(_USUAL)
    if len(data) == _USUAL:  # asked for at once, the most would be allocated for every image
        data += file.read(MAX_BYTES + 1 - _USUAL)
    if len(data) > MAX_BYTES:
        raise InputError(_("{place} has more than {limit} bytes").format(place=printable(place), limit=MAX_BYTES))
    return data


def _raise(error: OSError) -> None:
    raise error
