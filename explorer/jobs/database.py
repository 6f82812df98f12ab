"""The database of the job store: an SQLite file, or a PostgreSQL server that several machines share."""

import json
import math
import sqlite3
import time
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock

from explorer.errors import StoreError
from explorer.i18n import _
from explorer.jobs.schema import prepare
from explorer.jobs.store_errors import UnreachableError, replaced_error, translate_errors

LOCK_TIMEOUT = 10.0  # seconds to wait while another process writes
CONNECT_TIMEOUT = 3  # seconds to wait for a server; libpq takes whole ones from 2 on
RETRY_PAUSE = 2.0  # seconds after a failed connection in which no other one is tried, so that a page fails at once
CLOCK_INTERVAL = 60.0  # seconds between two looks at the clock of a server
CONNECTIONS = 16  # of a process at the same time
SQLITE, POSTGRESQL = "sqlite", "postgresql+psycopg"


class Database:
    """A database with errors in sentences. It connects again by itself after a lost connection.

    Attributes:
        path: Path of the SQLite file. None for a server.
        place: Name of the database in messages, without password.
        reached_since: Time of the last new connection to a server, by the monotonic clock.
    """

    def __init__(self, url: str) -> None:
        """Opens an SQLite file. A server is connected to by the first call.

        Raises:
            StoreError: If the URL is wrong, or the file can't be opened.
        """
        self.url = _parse(url)
        self.path = Path(self.url.database).absolute() if self.url.drivername == SQLITE and self.url.database else None
        self.place = str(self.path) if self.path else _place(self.url)
        self._opened: tuple[int, int] | None = None
        self._prepared = False
        self._clock: tuple[float, float] | None = None  # when the clock of the server was read, and what it said
        self._failure: tuple[float, str] | None = None  # when the server was tried last in vain, and why
        self.reached_since = time.monotonic()
        if self.path:
            self._engine = sa.create_engine(self.url, connect_args={"timeout": LOCK_TIMEOUT})
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)
            self._make()
        else:
            self._engine = _postgresql(self.url)
            sa.event.listen(self._engine, "connect", partial(_note_connection, weakref.ref(self)))
        # Connections that nobody closes, psycopg warns of.
        weakref.finalize(self, self._engine.dispose).atexit = False

    def now(self, connection: sa.Connection) -> float:
        """Returns the time in seconds since 1970, by the clock of the database."""
        if self.path:  # the file is on this machine
            return time.time()
        # The time at which the statement arrives; that of the transaction would stand still.
        clock = sa.select(sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double))
        return float(connection.execute(clock).scalar_one())

    def time(self) -> float:
        """Returns the time by the clock of the database, which is read at most once a minute."""
        if self.path:
            return time.time()
        if self._clock is None or time.monotonic() - self._clock[0] > CLOCK_INTERVAL:
            with self.reading() as connection:
                self._clock = time.monotonic(), self.now(connection)
        moment, found = self._clock
        return found + time.monotonic() - moment

    def close(self) -> None:
        """Closes all connections. The next call opens new ones."""
        self._engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Opens a transaction that changes rows. It ends with the block."""
        self._check()
        commits = False
        try:
            with self._guarded(), self._engine.begin() as connection:
                yield connection
                commits = True
        except StoreError as error:
            error.uncertain = commits  # the answer of the server is lost, or its refusal
            raise
        self._check()  # the file, with what was just written, may have been deleted meanwhile

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Opens a transaction that only reads."""
        self._check()
        with self._guarded(), self._engine.connect() as connection:
            yield connection.execution_options(reading=True)

    def _check(self) -> None:
        """Checks that an SQLite file is still the one that was opened; makes or upgrades the tables of a server once.

        Open connections keep a deleted file, so a write would be lost.

        Raises:
            StoreError: If the file was replaced or deleted. The next call uses the new file.
        """
        if self.path is None:
            if not self._prepared:
                with self._guarded():
                    prepare(self._engine, self.place)
                self._prepared = True
        elif identity(self.path) != self._opened:
            self._engine.dispose()
            self._make()
            raise replaced_error(self.path)

    def _make(self) -> None:
        """Creates the file and its tables if necessary."""
        assert self.path is not None  # noqa: S101  for the type checker
        with self._guarded():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # If two processes set the journal mode of a new file, SQLite makes one fail at once.
            with FileLock(self.path.with_name(f"{self.path.name}.lock"), timeout=LOCK_TIMEOUT):
                with closing(sqlite3.connect(self.path, timeout=LOCK_TIMEOUT)) as file:
                    file.execute("PRAGMA journal_mode = WAL")
                prepare(self._engine, self.place)
            self._opened = identity(self.path)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Translates errors. Fails at once for a moment after a server could not be reached.

        Raises:
            StoreError: If the database fails.
        """
        if self._failure and time.monotonic() - self._failure[0] < RETRY_PAUSE:
            raise UnreachableError(self._failure[1])
        try:
            with translate_errors(self.place, self.path, LOCK_TIMEOUT):
                yield
        except UnreachableError as error:
            self._failure = time.monotonic(), str(error)
            self._prepared = False  # it may be another one when it is back
            raise
        except StoreError:
            self._prepared = False
            raise
        self._failure = None


def _note_connection(database: "weakref.ref[Database]", *_connection: object) -> None:
    """Notes a new connection: after an outage, the pool makes one, also in a process that has noticed no outage."""
    if (found := database()) is not None:
        found.reached_since = time.monotonic()


def identity(path: Path) -> tuple[int, int] | None:
    """Returns device and inode of a file, which identify it. None if there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _parse(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):  # the port is no number
        url = sa.URL.create("")
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername=POSTGRESQL)
    if url.drivername not in {SQLITE, POSTGRESQL} or not url.database:
        raise StoreError(  # without the text: it may hold a password
            _(
                "EXPLORER_DATABASE_URL: it is not of the form postgresql+psycopg://user@host:port/database, or "
                "sqlite:////folder/file.db"
            )
        )
    return url


def _place(url: sa.URL) -> str:
    host = url.host or str(url.query.get("host", "localhost"))
    return f"{host}{f':{url.port}' if url.port else ''}/{url.database}"


def _postgresql(url: sa.URL) -> sa.Engine:
    try:
        return sa.create_engine(
            url,
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=CONNECT_TIMEOUT,
            pool_pre_ping=True,  # a server that was restarted has closed the connections of the pool
            json_serializer=_to_json,
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT,
                # A machine that vanished answers nothing: the kernel gives up after this time.
                "tcp_user_timeout": 1000 * CONNECT_TIMEOUT,
                "keepalives_idle": CONNECT_TIMEOUT,
                "keepalives_interval": 1,
                "keepalives_count": CONNECT_TIMEOUT,
                "application_name": "explorer",
                "options": f"-c lock_timeout={1000 * LOCK_TIMEOUT:.0f} -c statement_timeout={3000 * LOCK_TIMEOUT:.0f} "
                f"-c idle_in_transaction_session_timeout={6000 * LOCK_TIMEOUT:.0f}",
            },
        )
    except ImportError as error:
        raise StoreError(
            _("PostgreSQL can't be used, because psycopg is not installed: pip install 'psycopg[binary]'")
        ) from error


def _to_json(value: Any) -> str:
    """Returns JSON text for PostgreSQL, which has no NaN and no infinity in JSON."""
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value))


def _finite(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {key: _finite(part) for key, part in value.items()}
        case list() | tuple():
            return [_finite(part) for part in value]
        case _:
            return value


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # Python begins a transaction too late and lets two writers start
    for words in ("synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {words}").close()
    connection.create_function("casefold", 1, str.casefold, deterministic=True)


def _begin_sqlite(connection: sa.Connection) -> None:
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
