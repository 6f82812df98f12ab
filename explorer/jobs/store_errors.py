"""What goes wrong with the database of the jobs, as a sentence for whoever looks at a page or a terminal."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from explorer.errors import StoreError
from explorer.i18n import _

LONGEST = 200  # characters of a reason that is not ours
CLOSED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


@contextmanager
def translated(path: Path | None, patience: float) -> Iterator[None]:
    """Raise what the database raises as a :class:`StoreError`.

    Args:
        path: of an SQLite file.
        patience: seconds that a call waits while another program writes.
    """
    try:
        yield
    except sa.exc.IntegrityError:  # rows that the tables refuse: the database is well
        raise
    except (sa.exc.DBAPIError, sqlite3.Error, OSError) as error:  # a lock's Timeout is an OSError, too
        raise StoreError(_sentence(error, path, patience)) from error


def replaced(path: Path) -> StoreError:
    """The file of the database is another one than was opened, or there is none any more."""
    return StoreError(
        _(
            "the job store {place} was deleted or replaced while it was open, so nothing was read or written; try "
            "again to go on with what is there now"
        ).format(place=path)
    )


def _sentence(error: Exception, path: Path | None, patience: float) -> str:
    reason = " ".join(str(error.orig if isinstance(error, sa.exc.DBAPIError) else error).split())[:LONGEST]
    place = path or _("the database")
    if "locked" in reason or isinstance(error, TimeoutError):
        return _(
            "the job store {place} has been locked by another program for {seconds:.0f} seconds; try again"
        ).format(place=place, seconds=patience)
    if path is None:
        return _("the job store {place} fails: {reason}").format(place=place, reason=reason)
    if "readonly" in reason or (isinstance(error, OSError) and error.errno in CLOSED):
        return _("the folder {folder}, or the job store in it, is read-only for this program").format(
            folder=path.parent
        )
    if "not a database" in reason or "malformed" in reason:
        return _("the file {place} is damaged, or no job store; move it away to begin anew").format(place=place)
    if "full" in reason or (isinstance(error, OSError) and error.errno == errno.ENOSPC):
        return _("the job store {place} can't grow: its disk is full").format(place=place)
    if "unable to open" in reason or isinstance(error, OSError):
        return _("the job store {place} can't be opened or made: {reason}").format(
            place=place, reason=error.strerror if isinstance(error, OSError) and error.strerror else reason
        )
    return _("the job store {place} fails: {reason}").format(place=place, reason=reason)
