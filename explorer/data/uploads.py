"""Uploaded data sets: files in the uploads folder, with a digest of their contents in their names."""

import hashlib
import re
import shutil
from io import BytesIO
from pathlib import Path

from explorer import access, logs
from explorer.errors import InputError, shown
from explorer.files import atomic_write
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.jobs import quota
from explorer.settings import settings

SUFFIXES = (".zip", ".npz")
MAX_FILE = 200_000_000  # bytes
MAX_TOTAL = 4_000_000_000  # bytes of all uploads on this server
RESERVED = 1_000_000_000  # bytes of the disk that uploads leave free for runs
MAX_STEM = 40  # characters of the user's file name
DIGEST = 10  # characters of the digest
_NAME = re.compile(rf"\w[\w-]{{0,{MAX_STEM}}}-[0-9a-f]{{{DIGEST}}}\.(zip|npz)")


def names() -> list[str]:
    """Returns the names of all uploads, in alphabetical order."""
    return sorted(file.name for file in _folder().glob("*.*") if _NAME.fullmatch(file.name))


def find(file_name: str) -> str | None:
    """Returns the upload with this name, or with this user's file name. None if there is none."""
    existing = names()
    if file_name in existing:
        return file_name
    prefix, suffix = f"{_stem(file_name)}-", Path(file_name).suffix.lower()
    matches = (name for name in existing if name.startswith(prefix) and len(name) == len(prefix) + DIGEST + len(suffix))
    return next((name for name in matches if name.endswith(suffix)), None)


def path(name: str) -> Path:
    """Returns the path of an upload.

    Raises:
        InputError: If the name is not the name of an upload.
    """
    if not _NAME.fullmatch(name):
        raise InputError(_("dataset: {value} is not an upload").format(value=shown(name)))
    return _folder() / name


def check(name: str) -> None:
    """Checks that an upload exists.

    Raises:
        InputError: If it does not.
    """
    if not path(name).is_file():
        raise InputError(
            _("dataset: {value} is not on this server any more; upload it again").format(value=shown(name))
        )


def size(name: str) -> int:
    """Returns the bytes of an upload. 0 if it was just deleted."""
    try:
        return path(name).stat().st_size
    except OSError:
        return 0


def save(file_name: str, content: BytesIO, length: int) -> str:
    """Saves an uploaded file. A separate process reads its contents later.

    Args:
        file_name: User's name of the file.
        content: Contents of the file, at their beginning.
        length: Size of the contents in bytes.

    Returns:
        Name of the upload. The same contents with the same file name are saved once.

    Raises:
        AccessError: If this user may upload nothing.
        InputError: If kind or size of the file are not allowed, the user has too many bytes, or the disk is full.
    """
    access.check()
    suffix = Path(file_name).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            _("{file}: neither .zip nor .npz; a zip holds class folders of images, an npz images and labels").format(
                file=file_name
            )
        )
    if length > MAX_FILE:
        raise InputError(
            _("{file}: {size} is more than the {limit} allowed for an upload").format(
                file=file_name, size=bytes_short(length), limit=bytes_short(MAX_FILE)
            )
        )
    name = f"{_stem(file_name)}-{hashlib.file_digest(content, 'sha256').hexdigest()[:DIGEST]}{suffix}"
    content.seek(0)
    try:
        _folder().mkdir(parents=True, exist_ok=True)
        if path(name).exists():
            return name
        quota.check_bytes(length)
        if sum(map(size, names())) + length > MAX_TOTAL:
            raise InputError(
                _("{file}: the uploads on this server may take {limit} in all; remove one that is not needed").format(
                    file=file_name, limit=bytes_short(MAX_TOTAL)
                )
            )
        if shutil.disk_usage(_folder()).free < length + RESERVED:
            raise InputError(_("{file}: the server's disk is nearly full").format(file=file_name))
        with atomic_write(path(name)) as part, part.open("wb") as target:
            shutil.copyfileobj(content, target)
        access.take(path(name))
        logs.event("upload saved", name=name, bytes=length, user=access.actor().email)
    except OSError as error:
        raise InputError(_("{file} can't be saved: {reason}").format(file=file_name, reason=error.strerror)) from None
    return name


def remove(name: str) -> None:
    """Deletes an upload, if it exists.

    Raises:
        AccessError: If it belongs to another user.
        InputError: If its file can't be deleted.
    """
    access.check_file(path(name))
    try:
        path(name).unlink(missing_ok=True)
        access.disown(path(name))
        logs.event("upload removed", name=name, user=access.actor().email)
    except OSError as error:
        raise InputError(_("{file} can't be removed: {reason}").format(file=name, reason=error.strerror)) from None


def _stem(file_name: str) -> str:
    return re.sub(r"[^\w]+", "-", Path(file_name).stem).strip("-_")[:MAX_STEM] or "data"


def _folder() -> Path:
    return settings().data_dir / "uploads"
