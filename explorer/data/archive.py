"""Zip archives, which are checked first and then read in place, without extracting files."""

import os
import stat
import zipfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from explorer.data import packed_names
from explorer.data.source import MAX_BYTES, MAX_FILES, Listing, bounded
from explorer.errors import InputError, printable, shown
from explorer.files import DAMAGES, damage
from explorer.i18n import _

MAX_TOTAL = 2**38  # bytes of all entries, uncompressed
MAX_RATIO = 100  # uncompressed to compressed size: about 1 for photographs, more than 1,000 for zip bombs
HARMLESS = 2**26  # uncompressed bytes that are allowed at any ratio


@dataclass
class Archive:
    """A zip archive of images. Each process opens its own handle, because a shared one has a single file position."""

    path: Path
    _handle: tuple[int, dict[str, zipfile.ZipInfo], zipfile.ZipFile] | None = field(
        default=None, init=False, repr=False, compare=False
    )

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "_handle": None}

    def listing(self) -> Listing:
        """All files of the archive.

        Raises:
            InputError: If it is not a zip archive, or breaks a rule of :func:`open_checked`.
        """
        with open_checked(self.path) as archive:
            entries = archive.infolist()
        names, encoding = packed_names.decoded_names(entries)
        files, folders = {}, set()
        for name, info in zip(names, entries, strict=True):
            if info.filename.endswith("/"):
                folders.add(name.rstrip("/"))
            else:
                files[name] = info.CRC
        parents = {str(folder) for name in [*files, *folders] for folder in PurePosixPath(name).parents}
        note = _("The archive's names are not marked as UTF-8; they were read as {encoding}, the likeliest.")
        return Listing.of(files, folders - parents, [note.format(encoding=encoding)] if encoding else [])

    def read(self, name: str) -> bytes:
        """The content of an entry.

        Raises:
            InputError: If the entry is missing, broken or too large; names it.
        """
        place = printable(self.path / name)
        try:
            entries, archive = self._opened()
            with archive.open(entries[name]) as file:
                return bounded(file, place)
        except DAMAGES as error:
            raise InputError(_("{place} can't be read: {reason}").format(place=place, reason=damage(error))) from None

    def _opened(self) -> tuple[dict[str, zipfile.ZipInfo], zipfile.ZipFile]:
        if self._handle is None or self._handle[0] != os.getpid():
            archive = zipfile.ZipFile(self.path)
            entries = archive.infolist()
            names, _encoding = packed_names.decoded_names(entries)
            self._handle = os.getpid(), dict(zip(names, entries, strict=True)), archive
        return self._handle[1:]


def open_checked(path: Path, largest: int = MAX_BYTES) -> zipfile.ZipFile:
    """Open an archive after checking its directory.

    Args:
        path: Path of the archive.
        largest: Bytes that an entry may have, uncompressed.

    Raises:
        InputError: If the archive breaks a rule: too many or too large entries, names that lead out of the archive or
            occur twice, links, passwords, rare kinds of compression, or more expansion than images have. Names archive,
            entry and rule.
    """
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGES as error:
        raise InputError(
            _("{file} is not a zip archive that can be read: {reason}").format(file=path, reason=damage(error))
        ) from None
    try:
        _check(path, archive.infolist(), largest)
    except InputError:
        archive.close()
        raise
    return archive


def _check(path: Path, entries: list[zipfile.ZipInfo], largest: int) -> None:
    if len(entries) > MAX_FILES:
        raise InputError(_("{place} holds more than {limit} files").format(place=path, limit=MAX_FILES))
    seen: set[str] = set()
    for name, info in zip(packed_names.decoded_names(entries)[0], entries, strict=True):
        if info.filename.endswith("/"):  # some programs write folders twice; they are never read
            continue
        fault = _fault(name, info, largest) or (_("the name occurs twice") if name in seen else None)
        if fault:
            raise InputError(
                _("{file}: the entry {entry} is refused: {fault}").format(file=path, entry=shown(name), fault=fault)
            )
        seen.add(name)
    total = sum(info.file_size for info in entries)
    if total > MAX_TOTAL:
        raise InputError(
            _("{file} would unpack to {total} bytes; at most {limit} are allowed").format(
                file=path, total=total, limit=MAX_TOTAL
            )
        )
    if total > max(HARMLESS, MAX_RATIO * path.stat().st_size):
        worst = max(entries, key=lambda info: info.file_size / max(info.compress_size, 1))
        raise InputError(
            _(
                "{file} would unpack to {total} bytes, more than {ratio} times its size, above all the entry {entry}: "
                "images don't shrink like that"
            ).format(file=path, total=total, ratio=MAX_RATIO, entry=shown(worst.filename))
        )


def _fault(name: str, info: zipfile.ZipInfo, largest: int) -> str | None:
    parts = PureWindowsPath(name)  # understands both kinds of slashes, and drives
    if parts.anchor or ".." in parts.parts:
        return _("its name points outside the archive")
    if stat.S_ISLNK(info.external_attr >> 16):
        return _("it is a link")
    if info.flag_bits & 1:
        return _("it needs a password")
    # With other kinds of compression, a few bytes can expand to more than the memory.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return _("its compression is neither stored nor deflated")
    if info.file_size > largest:
        return _("it has {size} bytes, and at most {limit} are allowed").format(size=info.file_size, limit=largest)
    return None
