"""Errors of the job database, as sentences for a page or a terminal."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from explorer.errors import StoreError
from explorer.i18n import _

MAX_REASON = 200  # characters of an error message from outside
READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


@contextmanager
def translate_errors(path: Path | None, timeout: float) -> Iterator[None]:
    """Converts errors of the database to :class:`StoreError`.

    Args:
        path: Path of an SQLite file. None for another database.
        timeout: Seconds that a call waits while another program writes.

    Raises:
        StoreError: If the database fails.
    """
    try:
        yield
    except sa.exc.IntegrityError:  # the tables refuse a row, so the database itself works
        raise
    except (sa.exc.DBAPIError, sqlite3.Error, OSError) as error:  # filelock's Timeout is an OSError, too
        raise StoreError(_sentence(error, path, timeout)) from error


def replaced_error(path: Path) -> StoreError:
    """Returns the error for a database file that was replaced or deleted while it was open."""
    return StoreError(
        _(
            "the job store {place} was deleted or replaced while it was open, so nothing was read or written; try "
            "again to go on with what is there now"
        ).format(place=path)
    )


def _sentence(error: Exception, path: Path | None, timeout: float) -> str:
    reason = " ".join(str(error.orig if isinstance(error, sa.exc.DBAPIError) else error).split())[:MAX_REASON]
    place = path or _("the database")
    if "locked" in reason or isinstance(error, TimeoutError):
        return _(
            "the job store {place} has been locked by another program for {seconds:.0f} seconds; try again"
        ).format(place=place, seconds=timeout)
    if path is None:
        return _("the job store {place} fails: {reason}").format(place=place, reason=reason)
    if "readonly" in reason or (isinstance(error, OSError) and error.errno in READ_ONLY):
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
