"""Run directories on storage that all nodes of a cluster reach by an address, such as ``s3://bucket/runs``.

A job at work has its files in a folder of its node, which is copied to the storage. The runner copies them from there
into the run directory of its own machine, where pages and commands read them.

A copy is as safe as a file on a disk. A file is uploaded under a temporary name and then gets its own name in one step,
so that nobody sees half of it. A checkpoint is copied after the weights that it refers to. A process whose job was
started anew elsewhere finds another ticket and copies nothing more.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from explorer.errors import ExplorerError
from explorer.files import atomic_write
from explorer.i18n import _
from explorer.jobs.run_directory import TICKET, RunDirectory
from explorer.settings import settings

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

CONNECT_TIMEOUT, REQUEST_TIMEOUT = 3.0, 20.0  # seconds
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")  # variables of all programs that speak to S3
PARTIAL = ".part"
DELETED = ".deleted"  # folder of the notes about deleted jobs
# The order in which files are copied: what refers to others comes after them, and the end of the run is the last.
LATE = ("best.safetensors", "last.safetensors", "resume.pt", "metrics.jsonl", "progress.json", "end.json")
RUNNER_ONLY = frozenset({"job.json", TICKET})  # the runner writes them
NODE_ONLY = frozenset({"resume.pt"})  # large, and read by the next node

Version = tuple[Any, ...]  # changes when a file's content does


class StorageError(ExplorerError):
    """The storage can't be used. The message says why."""


class SharedStorage:
    """The storage at an fsspec address. Every call may block for seconds."""

    def __init__(self, url: str) -> None:
        """Opens the storage.

        Raises:
            StorageError: If the address is wrong, or a package for it is missing.
        """
        self.url = url.rstrip("/")
        try:
            self._files, self._root = _open(self.url)
        except (ImportError, ValueError, OSError) as error:
            raise self._error(error) from None

    def versions(self, job: str) -> dict[str, Version]:
        """Returns the names of a job's files, each with a value that changes when the file does.

        Raises:
            StorageError: If the storage can't be read.
        """
        top = f"{self._root}/{job}/"
        try:
            self._files.invalidate_cache()
            found = self._files.find(top.rstrip("/"), detail=True)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._error(error) from None
        entries = {path.partition(top)[2] or path: entry for path, entry in found.items()}
        return {
            name: (entry["size"], str(entry.get("ETag") or entry.get("mtime") or entry.get("created")))
            for name, entry in entries.items()
            if not name.endswith(PARTIAL)
        }

    def put(self, job: str, name: str, path: Path) -> None:
        """Replaces a file of a job in one step.

        Raises:
            StorageError: If it can't be written. The former file stays.
        """
        target = f"{self._root}/{job}/{name}"
        partial = f"{target}.{token_hex(8)}{PARTIAL}"
        try:
            self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._files.put_file(str(path), partial)
            self._files.mv(partial, target)
        except OSError as error:
            raise self._error(error) from None

    def get(self, job: str, name: str, path: Path) -> None:
        """Copies a file of a job into a folder of this machine, where it replaces a file in one step.

        Raises:
            StorageError: If it can't be read.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as part:
            try:
                self._files.get_file(f"{self._root}/{job}/{name}", str(part))
            except OSError as error:
                raise self._error(error) from None

    def text(self, job: str, name: str) -> str | None:
        """Returns the content of a small file of a job. None if there is none.

        Raises:
            StorageError: If the storage can't be read.
        """
        try:
            return str(self._files.cat_file(f"{self._root}/{job}/{name}").decode(errors="replace"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._error(error) from None

    def remove(self, job: str, names: Iterable[str]) -> None:
        """Deletes files of a job. Those that do not exist are left out.

        Raises:
            StorageError: If the storage can't be changed.
        """
        for name in names:
            try:
                self._files.rm_file(f"{self._root}/{job}/{name}")
            except FileNotFoundError:
                continue
            except OSError as error:
                raise self._error(error) from None

    def remove_all(self, job: str) -> None:
        """Deletes all files of a job.

        Raises:
            StorageError: If the storage can't be changed.
        """
        try:
            self._files.rm(f"{self._root}/{job}", recursive=True)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._error(error) from None

    def _error(self, error: Exception) -> StorageError:
        reason = (error.strerror if isinstance(error, OSError) else None) or " ".join(str(error).split())
        return StorageError(
            _(
                "the storage {url} can't be used ({reason}): check EXPLORER_RUNS_STORAGE, the access keys and the free "
                "space; the last checkpoint that was copied is kept"
            ).format(url=self.url, reason=reason[:200])
        )


def _open(url: str) -> "tuple[AbstractFileSystem, str]":
    """Returns the file system of an address, and the path in it. Ray installs fsspec."""
    if url.startswith("s3://"):
        from fsspec.implementations.arrow import ArrowFSWrapper
        from pyarrow.fs import S3FileSystem

        endpoint = next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), None)
        scheme, _separator, host = (endpoint or "").rpartition("://")
        files = S3FileSystem(
            endpoint_override=host.rstrip("/") or None,
            scheme=scheme or "https",
            connect_timeout=CONNECT_TIMEOUT,
            request_timeout=REQUEST_TIMEOUT,
            # The bucket is the administrator's, who creates it.
            allow_bucket_creation=False,
        )
        return ArrowFSWrapper(files), url.removeprefix("s3://")
    from fsspec.core import url_to_fs

    found, root = url_to_fs(url)
    return found, str(root).rstrip("/")


class Copier:
    """Copies the files of one start of a job from a node to the storage."""

    def __init__(self, storage: SharedStorage, folder: Path, ticket: str) -> None:
        self.storage = storage
        self.folder = folder
        self.job = folder.name
        self.ticket = ticket
        self._copied: dict[str, Version] = {}

    def fetch(self) -> None:
        """Copies the job, and the files of earlier starts, to the node.

        Raises:
            StorageError: If the storage can't be read.
        """
        self.folder.mkdir(parents=True)
        for name in self.storage.versions(self.job):
            self.storage.get(self.job, name, self.folder / name)
        self._copied = {name: _version(path) for name, path in self._files().items()}

    def is_lost(self) -> bool:
        """Returns whether another start has taken the job over, or it was deleted.

        Raises:
            StorageError: If the storage can't be read.
        """
        return self.storage.text(self.job, TICKET) != self.ticket

    def copy(self) -> None:
        """Copies what has changed.

        Raises:
            StorageError: If the storage can't be written. The next call copies the rest.
        """
        snapshot = self.folder.parent / f"{self.job}.snapshot"
        shutil.rmtree(snapshot, ignore_errors=True)
        snapshot.mkdir()
        try:
            # The worker writes the weights before the checkpoint that refers to them. So the checkpoint is taken first:
            # the weights, taken after it, are those of the checkpoint or newer ones.
            taken = [name for name in reversed(_in_order(self._files())) if self._take(name, snapshot)]
            if not taken and self._copied.keys() <= self._files().keys():
                return
            if self.is_lost():
                return
            for name in reversed(taken):
                version = _version(snapshot / name)
                self.storage.put(self.job, name, snapshot / name)
                self._copied[name] = version
            gone = self._copied.keys() - self._files().keys()
            self.storage.remove(self.job, gone)
            for name in gone:
                del self._copied[name]
        finally:
            shutil.rmtree(snapshot, ignore_errors=True)

    def _take(self, name: str, snapshot: Path) -> bool:
        """Keeps the present content of a file if it has changed. Returns whether it has."""
        path = self.folder / name
        try:
            if _version(path) == self._copied.get(name):
                return False
            (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
            (snapshot / name).hardlink_to(path)  # files are replaced and not changed, except those that grow
        except FileNotFoundError:  # it was replaced or removed just now
            return False
        return True

    def _files(self) -> dict[str, Path]:
        found = (path for path in self.folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        names = {path.relative_to(self.folder).as_posix(): path for path in found}
        return {name: path for name, path in names.items() if name not in RUNNER_ONLY}


def mirror(storage: SharedStorage, folder: Path, seen: dict[str, Version], *, whole: bool) -> None:
    """Copies new files of a job from the storage into its run directory, for pages and commands.

    Args:
        storage: The storage.
        folder: Run directory on this machine. If it was deleted, nothing is copied.
        seen: Versions of the files that were copied before. Brought up to date.
        whole: Whether the job has ended, so that its checkpoint is copied, too.

    Raises:
        StorageError: If the storage can't be read.
    """
    found = storage.versions(folder.name)
    names = [name for name in found if name not in RUNNER_ONLY and (whole or name not in NODE_ONLY)]
    for name in _in_order(names):
        if not folder.is_dir():
            return
        if seen.get(name) == found[name]:
            continue
        path = folder / name
        if path == RunDirectory(folder).metrics and path.exists():
            _extend(storage, folder.name, name, path)
        else:
            storage.get(folder.name, name, path)
        seen[name] = found[name]
    if whole:
        for name in NODE_ONLY - found.keys():
            (folder / name).unlink(missing_ok=True)


def note_deletion(job: str) -> None:
    """Notes for the runner that a job was deleted, so that the page does not wait for the storage."""
    folder = settings().runs_dir / DELETED
    folder.mkdir(parents=True, exist_ok=True)
    (folder / job).touch()


def deletion_notes() -> list[Path]:
    """Returns the notes of :func:`note_deletion`, each with the name of a job."""
    folder = settings().runs_dir / DELETED
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _extend(storage: SharedStorage, job: str, name: str, path: Path) -> None:
    """Appends what is new in a file, so that its reader goes on where it was. Replaces a file that begins otherwise."""
    old = path.read_bytes()
    new = (storage.text(job, name) or "").encode()
    if not new.startswith(old):
        with atomic_write(path) as part:
            part.write_bytes(new)
        return
    with path.open("ab") as file:
        file.write(new[len(old) :])


def _in_order(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (LATE.index(name) + 1 if name in LATE else 0, name))


def _version(path: Path) -> Version:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def shared_storage() -> SharedStorage | None:
    """Returns the storage of the settings. None if the run directories themselves are shared.

    Raises:
        StorageError: If the address is wrong, or a package for it is missing.
    """
    url = settings().runs_storage
    return SharedStorage(url) if url else None
