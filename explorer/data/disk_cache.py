"""A cache in the data folder for results that take long to compute."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError

from explorer.errors import InputError
from explorer.files import atomic_write
from explorer.i18n import _
from explorer.settings import settings


@dataclass(frozen=True)
class DiskCache:
    """Cached files of one kind.

    Attributes:
        folder: Name of their folder in the data folder.
        format: Version of their content; files of another version are not found.
        suffix: Suffix of their names.
    """

    folder: str
    format: str
    suffix: str = ".safetensors"

    def path(self, key: str) -> Path:
        """The path of the file for a key.

        Args:
            key: Text that differs for different content.
        """
        text = f"{self.format}\n{key}".encode(errors="surrogateescape")
        return settings().data_dir / self.folder / f"{hashlib.sha256(text).hexdigest()[:32]}{self.suffix}"

    def write(self, key: str, write: Callable[[Path], object], most: int | None = None) -> None:
        """Write a file atomically, and remove the oldest files beyond a limit.

        Args:
            key: Key as in :meth:`path`.
            write: Function that writes the content to a path.
            most: Maximum number of files; None is no limit.

        Raises:
            InputError: If the file can't be written.
        """
        path = self.path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as part:
                write(part)
            files = sorted(path.parent.glob(f"*{self.suffix}"), key=lambda file: file.stat().st_mtime_ns)
            for old in files[:-most] if most is not None else ():
                old.unlink(missing_ok=True)
        except (OSError, SafetensorError) as error:
            raise InputError(
                _("the data folder {folder} can't be written: {reason}").format(
                    folder=path.parent, reason=getattr(error, "strerror", None) or error
                )
            ) from None

    def remove(self, key: str) -> None:
        """Remove the file for a key, if there is one."""
        self.path(key).unlink(missing_ok=True)
