"""Data sets that people have uploaded: files in a folder of ours, under names that we give."""

import hashlib
import re
import shutil
from io import BytesIO
from pathlib import Path

from explorer.errors import InputError, shown
from explorer.files import atomic_write
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.settings import settings

SUFFIXES = (".zip", ".npz")
MAX_FILE = 200_000_000  # bytes
MAX_ALL = 4_000_000_000  # bytes of all uploads on this server
SPARED = 1_000_000_000  # bytes of the disk that uploads leave to the runs
MAX_STEM = 40  # characters of the user's name for it
DIGEST = 10  # characters of the content's digest
_NAME = re.compile(rf"\w[\w-]{{0,{MAX_STEM}}}-[0-9a-f]{{{DIGEST}}}\.(zip|npz)")


def names() -> list[str]:
    """The uploads that are here, in alphabetical order."""
    return sorted(file.name for file in _folder().glob("*.*") if _NAME.fullmatch(file.name))


def called(given: str) -> str | None:
    """An upload of this name, its own or the user's for it; none where there is none."""
    here = names()
    if given in here:
        return given
    begins, ends = f"{_stem(given)}-", Path(given).suffix.lower()
    hashed = (name for name in here if name.startswith(begins) and len(name) == len(begins) + DIGEST + len(ends))
    return next((name for name in hashed if name.endswith(ends)), None)


def path(name: str) -> Path:
    """Where an upload is kept.

    Raises:
        InputError: where it is no name of ours.
    """
    if not _NAME.fullmatch(name):
        raise InputError(_("dataset: {value} is not an upload").format(value=shown(name)))
    return _folder() / name


def check(name: str) -> None:
    """See that an upload is here.

    Raises:
        InputError: where it is not.
    """
    if not path(name).is_file():
        raise InputError(
            _("dataset: {value} is not on this server any more; upload it again").format(value=shown(name))
        )


def size(name: str) -> int:
    """Bytes of an upload; 0 of one that has just gone."""
    try:
        return path(name).stat().st_size
    except OSError:
        return 0


def keep(given: str, content: BytesIO, length: int) -> str:
    """Keep an uploaded file; what is in it is looked at later, by a process of its own.

    Args:
        given: the user's name for it.
        content: from its beginning.
        length: bytes of the content.

    Returns:
        Our name for it; the same content under the same name is kept once.

    Raises:
        InputError: where kind or size break a rule, or the disk is full.
    """
    suffix = Path(given).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            _("{file}: neither .zip nor .npz; a zip holds class folders of images, an npz images and labels").format(
                file=given
            )
        )
    if length > MAX_FILE:
        raise InputError(
            _("{file}: {size} are more than the {limit} of an upload").format(
                file=given, size=bytes_short(length), limit=bytes_short(MAX_FILE)
            )
        )
    name = f"{_stem(given)}-{hashlib.file_digest(content, 'sha256').hexdigest()[:DIGEST]}{suffix}"
    content.seek(0)
    try:
        _folder().mkdir(parents=True, exist_ok=True)
        if path(name).exists():
            return name
        if sum(map(size, names())) + length > MAX_ALL:
            raise InputError(
                _("{file}: the uploads on this server may take {limit} in all; remove one that is not needed").format(
                    file=given, limit=bytes_short(MAX_ALL)
                )
            )
        if shutil.disk_usage(_folder()).free < length + SPARED:
            raise InputError(_("{file}: the server's disk is nearly full").format(file=given))
        with atomic_write(path(name)) as part, part.open("wb") as target:
            shutil.copyfileobj(content, target)
    except OSError as error:
        raise InputError(_("{file} can't be kept: {reason}").format(file=given, reason=error.strerror)) from None
    return name


def remove(name: str) -> None:
    """Delete an upload; one that is gone already is no fault.

    Raises:
        InputError: where its file can't be removed.
    """
    try:
        path(name).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(_("{file} can't be removed: {reason}").format(file=name, reason=error.strerror)) from None


def _stem(given: str) -> str:
    return re.sub(r"[^\w]+", "-", Path(given).stem).strip("-_")[:MAX_STEM] or "data"


def _folder() -> Path:
    return settings().data_dir / "uploads"
