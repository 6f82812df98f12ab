"""Files that are there whole or not at all."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from explorer.errors import InputError, shown
from explorer.i18n import _


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """The name of a new file beside ``path`` that takes its place when the block ends well.

    Raises:
        InputError: where ``path`` can't be written.
    """
    target = path.resolve()  # a link stays, what it points to is replaced
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        if target.exists() and not target.is_file():  # a folder or, as root, /dev/null
            raise InputError(_("file: {path} is not a file that can be replaced").format(path=shown(str(path))))
        part.touch(exist_ok=False)
        try:
            yield part
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            _("file: can't write {path}: {reason}").format(path=shown(str(path)), reason=error.strerror or error)
        ) from error
