"""Errors of the job database, as sentences for a page or a terminal. No sentence holds a password."""

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
# Classes of PostgreSQL's errors: https://www.postgresql.org/docs/current/errcodes-appendix.html
WAITED = ("55P03", "57014", "40P01", "25P03")  # another program holds a lock
DENIED = ("42501", "25006")  # too few rights, or a server that only reads
FULL = ("53100",)
AWAY = ("08", "57P")  # no connection; the server shuts down or starts


class UnreachableError(StoreError):
    """The server of the database does not answer, or refuses the connection."""


@contextmanager
def translate_errors(place: str, path: Path | None, timeout: float) -> Iterator[None]:
    """Converts errors of the database to :class:`StoreError`.

    Args:
        place: Name of the database in messages.
        path: Path of an SQLite file. None for a server.
        timeout: Seconds that a call waits while another program writes.

    Raises:
        StoreError: If the database fails.
    """
    try:
        yield
    except (sa.exc.IntegrityError, sa.exc.DataError):  # the tables refuse a row, so the database itself works
        raise
    except sa.exc.TimeoutError as error:  # all connections of the pool are in use
        raise StoreError(_locked(place, timeout)) from error
    except (sa.exc.DBAPIError, sqlite3.Error, OSError) as error:  # filelock's Timeout is an OSError, too
        if path is None:
            raise _server_error(error, place, timeout) from error
        raise StoreError(_file_sentence(error, path, timeout)) from error


def replaced_error(path: Path) -> StoreError:
    """Returns the error for a database file that was replaced or deleted while it was open."""
    return StoreError(
        _(
            "the job store {place} was deleted or replaced while it was open, so nothing was read or written; try "
            "again to go on with what is there now"
        ).format(place=path)
    )


def _locked(place: object, timeout: float) -> str:
    return _("the job store {place} has been locked by another program for {seconds:.0f} seconds; try again").format(
        place=place, seconds=timeout
    )


def _reason(error: Exception) -> str:
    return " ".join(str(error.orig if isinstance(error, sa.exc.DBAPIError) else error).split())


def _server_error(error: Exception, place: str, timeout: float) -> StoreError:
    reason = _reason(error)
    state = str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")
    if state in WAITED:
        return StoreError(_locked(place, timeout))
    if state in DENIED:
        return StoreError(
            _("the job store {place} gives this program's user too few rights: {reason}").format(
                place=place, reason=reason[:MAX_REASON]
            )
        )
    if state in FULL:
        return StoreError(_("the job store {place} can't grow: its disk is full").format(place=place))
    if state.startswith(AWAY) or not state or getattr(error, "connection_invalidated", False):
        _before, refused, words = reason.rpartition("FATAL: ")
        if refused:  # the server answered
            return UnreachableError(
                _(
                    "the job store {place} refuses the connection: {reason}; jobs that are training go on, and what "
                    "they report is recorded later"
                ).format(place=place, reason=words.strip()[:MAX_REASON])
            )
        return UnreachableError(
            _(
                "the job store {place} can't be reached; jobs that are training go on, and what they report is "
                "recorded as soon as it answers ({reason})"
            ).format(place=place, reason=reason[:MAX_REASON])
        )
    return StoreError(_("the job store {place} fails: {reason}").format(place=place, reason=reason[:MAX_REASON]))


def _file_sentence(error: Exception, path: Path, timeout: float) -> str:
    reason = _reason(error)[:MAX_REASON]
    if "locked" in reason or isinstance(error, TimeoutError):
        return _locked(path, timeout)
    if "readonly" in reason or (isinstance(error, OSError) and error.errno in READ_ONLY):
        return _("the folder {folder}, or the job store in it, is read-only for this program").format(
            folder=path.parent
        )
    if "not a database" in reason or "malformed" in reason:
        return _("the file {place} is damaged, or no job store; move it away to begin anew").format(place=path)
    if "full" in reason or (isinstance(error, OSError) and error.errno == errno.ENOSPC):
        return _("the job store {place} can't grow: its disk is full").format(place=path)
    if "unable to open" in reason or isinstance(error, OSError):
        return _("the job store {place} can't be opened or made: {reason}").format(
            place=path, reason=error.strerror if isinstance(error, OSError) and error.strerror else reason
        )
    return _("the job store {place} fails: {reason}").format(place=path, reason=reason)
