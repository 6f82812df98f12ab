"""What takes long to find out about data, kept as files in the data folder."""

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
    """Files of one kind.

    Attributes:
        folder: The name of their folder in the data folder.
        format: The version of what is in the files. Files of another version are not found.
        suffix: The ending of their names.
    """

    folder: str
    format: str
    suffix: str = ".safetensors"

    def path(self, key: str) -> Path:
        """The path of a file.

        Args:
            key: All that the content depends on.
        """
        text = f"{self.format}\n{key}".encode(errors="surrogateescape")
        return settings().data_dir / self.folder / f"{hashlib.sha256(text).hexdigest()[:32]}{self.suffix}"

    def write(self, key: str, write: Callable[[Path], object], most: int | None = None) -> None:
        """Write a file, whole or not at all, and remove the oldest of too many.

        Args:
            key: As of :meth:`path`.
            write: Writes the content to the path that it is given.
            most: The number of files that are kept. None keeps all.

        Raises:
            InputError: The file can't be written.
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
        """Remove a file, where there is one."""
        self.path(key).unlink(missing_ok=True)
