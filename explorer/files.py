"""Atomic writes, checksums, and messages about damaged files."""

import errno
import hashlib
import os
import secrets
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from explorer.i18n import _

# Errors that zipfile raises if an archive or entry is damaged, encrypted, compressed in an unknown way, or missing.
DAMAGES = (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, KeyError, ValueError)


def damage(error: Exception) -> str:
    """Our message for one of :data:`DAMAGES`, because Python's own message quotes the file."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error)
    if "encrypted" in text or "password" in text:
        return _("it is encrypted")
    if isinstance(error, NotImplementedError):
        return _("its compression is not supported")
    if "CRC" in text:
        return _("its checksum (CRC-32) is wrong: it is damaged")
    return _("it is damaged or cut off")


@contextmanager
def atomic_write(path: Path, *, new: bool = False, durable: bool = False) -> Iterator[Path]:
    """Atomic write: yields an empty temporary file, which replaces ``path`` if the block raises nothing.

    Args:
        path: Path of the file. If it is a symbolic link, the link stays and its target is replaced.
        new: Whether an existing file is an error, even one that appeared while the block ran.
        durable: Whether the file survives a power cut from the end of the block on.

    Raises:
        FileExistsError: If ``new`` is true and the file exists.
        OSError: If ``path`` can't be written.
    """
    target = path.resolve()
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    if target.exists() and not target.is_file():  # a folder or, as root, /dev/null
        raise OSError(errno.EINVAL, _("it is not a file that can be replaced"))
    part.touch(exist_ok=False)
    try:
        yield part
        if durable:
            _sync(part)  # before the rename: otherwise a power cut may keep the name and lose the content
        if new:
            target.hardlink_to(part)  # fails for the later of two writers; a rename would let the later one win
        else:
            part.replace(target)
        if durable and os.name == "posix":  # other systems can't open a folder
            _sync(target.parent)
    finally:
        part.unlink(missing_ok=True)


def remove_partial_files(folder: Path) -> None:
    """Remove temporary files of writers that were killed. Nobody else may be writing in the folder."""
    for part in folder.glob(".*.part"):
        part.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal digits.

    Raises:
        OSError: If the file can't be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
