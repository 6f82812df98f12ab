"""Files that are there whole or not at all, and how damaged ones show."""

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

# What zipfile raises on archives and entries that are damaged, encrypted, packed in an unknown way, or gone.
DAMAGES = (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, KeyError, ValueError)


def damage(error: Exception) -> str:
    """One of :data:`DAMAGES` in words of ours: theirs quote the file."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error)
    if "encrypted" in text or "password" in text:
        return _("it is encrypted")
    if isinstance(error, NotImplementedError):
        return _("it is packed in a way that is not known here")
    if "CRC" in text:
        return _("its checksum (CRC-32) is another one: it is damaged")
    return _("it is damaged or cut off")


@contextmanager
def whole(path: Path, *, new: bool = False, durable: bool = False) -> Iterator[Path]:
    """The name of an empty file beside ``path`` that takes its place when the block ends well.

    Args:
        path: of the file; a link stays, and what it points to is replaced.
        new: refuse a file that is there, even where it came while the block ran.
        durable: the file survives a power cut from the end of the block on.

    Raises:
        FileExistsError: where ``new`` is asked and a file is there.
        OSError: where ``path`` can't be written.
    """
    target = path.resolve()
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    if target.exists() and not target.is_file():  # a folder or, as root, /dev/null
        raise OSError(errno.EINVAL, _("it is not a file that can be replaced"))
    part.touch(exist_ok=False)
    try:
        yield part
        if durable:
            _sync(part)  # before the rename: else the name may survive a power cut, and the content not
        if new:
            target.hardlink_to(part)  # of two at the same time one fails, where a rename would let the later win
        else:
            part.replace(target)
        if durable and os.name == "posix":  # elsewhere a folder can't be opened
            _sync(target.parent)
    finally:
        part.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove what writers that were killed left unfinished; for a folder in which nobody else writes."""
    for part in folder.glob(".*.part"):
        part.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Of a file's bytes.

    Raises:
        OSError: where it can't be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
