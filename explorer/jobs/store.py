"""The record of all jobs and their metrics: one SQL database, which every process of the product opens for itself.

Who may change what keeps it true. Anybody adds jobs and asks for a change (:mod:`explorer.jobs.service`); the runner
alone says that a job runs, how far it is and how it ended. Each change names the states that it starts from, so that
of two at the same time the later one finds out.
"""

import math
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock

from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.jobs.job import Job
from explorer.jobs.run_directory import POINT, Row
from explorer.jobs.store_errors import replaced, translated
from explorer.settings import settings

PATIENCE = 10.0  # seconds to wait while another process writes
MOST_ROWS = 500  # of one insert: databases limit the values of a statement


class Status(StrEnum):
    """Where a job stands; see the arrows in :mod:`explorer.jobs.service` and :mod:`explorer.jobs.runner`."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    FINISHED = "finished"


AT_WORK = frozenset({Status.RUNNING, Status.STOPPING})  # has processes, or is about to
ACTIVE = AT_WORK | {Status.QUEUED}  # will change by itself
RESUMABLE = frozenset({Status.STOPPED, Status.INTERRUPTED, Status.FAILED})

_tables = sa.MetaData()
_jobs = sa.Table(
    "jobs",
    _tables,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("turn", sa.Integer, nullable=False, index=True),  # the queue's order; new with every resume
    sa.Column("status", sa.String(16), nullable=False, index=True),
    sa.Column("changed", sa.Float, nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("spec", sa.JSON, nullable=False),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("recipe", sa.JSON, nullable=False),
    sa.Column("resources", sa.JSON, nullable=False),
    sa.Column("sweep", sa.String(32), nullable=False, index=True),
    sa.Column("varied", sa.JSON, nullable=False),
    sa.Column("submitted", sa.Float, nullable=False),
    sa.Column("started", sa.Float),
    sa.Column("ended", sa.Float),
    sa.Column("slots", sa.JSON, nullable=False),
    sa.Column("pids", sa.JSON, nullable=False),
    sa.Column("progress", sa.Float, nullable=False),
    sa.Column("live", sa.JSON),
    sa.Column("notes", sa.JSON, nullable=False),
    sa.Column("error", sa.JSON),
    sa.Column("result", sa.JSON),
)
_metrics = sa.Table(
    "metrics",
    _tables,
    sa.Column("job", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("epoch", sa.Integer, primary_key=True),
    sa.Column("value", sa.Float),  # SQLite has no NaN: it is null
)
_points = sa.Table(
    "points",  # within epochs
    _tables,
    sa.Column("job", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("epoch", sa.Float, primary_key=True),
    sa.Column("value", sa.Float),
)


@dataclass(frozen=True)
class Record:
    """One job as the store knows it.

    Attributes:
        turn: place in the order of submission, new with every resume.
        changed: when anything of this was last changed, in seconds since 1970, as the other times.
        spec: of the network, adapted to the data once they were read; recipe the same.
        sweep: id that the jobs of one sweep share, or empty.
        varied: what this job of the sweep has for each key that is varied.
        slots: of the machine that it holds: ``cpu``, or the numbers of GPUs.
        pids: of its processes, when the runner last looked.
        progress: from 0 to 1.
        live: numbers of the epoch under way, or the step before the first.
        error: ``code`` and ``message``.
        result: on the test set, as ``evaluate --json`` prints it.
    """

    id: str
    turn: int
    status: Status
    changed: float
    name: str
    spec: dict[str, Any]
    dataset: str
    recipe: dict[str, Any]
    resources: dict[str, Any]
    sweep: str
    varied: dict[str, Any]
    submitted: float
    started: float | None
    ended: float | None
    slots: list[str]
    pids: list[int]
    progress: float
    live: dict[str, Any] | None
    notes: list[str]
    error: dict[str, str] | None
    result: dict[str, Any] | None


class Store:
    """A database of jobs."""

    def __init__(self, url: str) -> None:
        """Open the database, and make its tables where there are none.

        Raises:
            StoreError: where it can't be opened.
        """
        self.url = sa.make_url(url)
        self.path = (
            Path(self.url.database).absolute() if self.url.drivername == "sqlite" and self.url.database else None
        )
        self._engine = sa.create_engine(self.url, connect_args={"timeout": PATIENCE} if self.path else {})
        if self.path:
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)
        self._opened: tuple[int, int] | None = None
        self._make()

    def _make(self) -> None:
        """Make the tables where there are none."""
        with translated(self.path, PATIENCE):
            if self.path is None:
                _tables.create_all(self._engine)
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Of two that change the journal of a new file, SQLite lets one fail at once.
            with FileLock(self.path.with_name(f"{self.path.name}.lock"), timeout=PATIENCE):
                with closing(sqlite3.connect(self.path, timeout=PATIENCE)) as file:
                    file.execute("PRAGMA journal_mode = WAL")
                _tables.create_all(self._engine)
            self._opened = identity(self.path)

    def _check_file(self) -> None:
        """Nothing goes into a file that no one sees: connections stay with one that was deleted.

        Raises:
            StoreError: where the file is another one now; the next call works with that.
        """
        if self.path is None or identity(self.path) == self._opened:
            return
        self._engine.dispose()
        self._make()
        raise replaced(self.path)

    def add(self, jobs: Sequence[Job]) -> None:
        """Put jobs at the end of the queue, all or none."""
        with self._writing() as connection:
            turn, now = _last_turn(connection), _now(connection)
            rows = [
                job.to_dict()
                | {"turn": turn + place, "status": Status.QUEUED, "changed": now, "submitted": now}
                | {"slots": [], "pids": [], "progress": 0.0, "notes": []}
                for place, job in enumerate(jobs, 1)
            ]
            connection.execute(sa.insert(_jobs), rows)

    def get(self, job: str) -> Record:
        """One job.

        Raises:
            InputError: where there is none of this id.
        """
        found = self._find(_is(job))
        if not found:
            raise InputError(_("job: there is none with the id {value}").format(value=shown(job)))
        return found[0]

    def records(self, statuses: Iterable[Status] | None = None) -> list[Record]:
        """All jobs, or those in some states, in the order of the queue."""
        return self._find(sa.true() if statuses is None else _jobs.c.status.in_(list(statuses)))

    def version(self) -> tuple[int, float]:
        """Another value after any change of any job; quick to ask for."""
        with self._reading() as connection:
            count, changed = connection.execute(
                sa.select(sa.func.count(), sa.func.coalesce(sa.func.max(_jobs.c.changed), 0.0)).select_from(_jobs)
            ).one()
            return int(count), float(changed)

    def rows(self, job: str) -> list[Row]:
        """All metrics of a job, in the order of the epochs."""
        return self.curves([job]).get(job, [])

    def curves(self, jobs: Sequence[str], names: Sequence[str] | None = None) -> dict[str, list[Row]]:
        """Metrics of several jobs, or those of some names."""
        found: dict[str, list[Row]] = {}
        with self._reading() as connection:
            for table in (_points.c, _metrics.c):
                if names is not None and table is _points.c and not any(name.startswith(POINT) for name in names):
                    continue
                wanted = table.job.in_(jobs) if names is None else table.job.in_(jobs) & table.name.in_(names)
                query = sa.select(table.job, table.epoch, table.name, table.value).where(wanted)
                for job, epoch, name, value in connection.execute(query):
                    found.setdefault(job, []).append(Row(epoch, name, float("nan") if value is None else value))
        for rows in found.values():
            rows.sort(key=lambda row: row.epoch)
        return found

    def change(self, job: str, before: Iterable[Status], **values: Any) -> bool:
        """Change a job that is in one of some states; whether it was.

        A change to ``queued`` puts it at the end of the queue, unless its turn is among the values.
        """
        with self._writing() as connection:
            if values.get("status") == Status.QUEUED and "turn" not in values:
                values["turn"] = _last_turn(connection) + 1
            statement = (
                sa.update(_jobs)
                .where(_is(job), _jobs.c.status.in_(list(before)))
                .values(changed=_now(connection), **values)
            )
            return connection.execute(statement).rowcount == 1

    def write_rows(self, job: str, rows: Sequence[Row], *, anew: bool) -> None:
        """Add metrics of a job, or replace all of them."""
        with self._writing() as connection:
            for table, within in ((_metrics, False), (_points, True)):
                if anew:
                    connection.execute(sa.delete(table).where(table.c.job == job))
                values = [{"job": job, **row._asdict()} for row in rows if row.name.startswith(POINT) is within]
                for begin in range(0, len(values), MOST_ROWS):
                    connection.execute(sa.insert(table), values[begin : begin + MOST_ROWS])

    def remove(self, job: str, before: Iterable[Status]) -> bool:
        """Forget a job that is in one of some states; whether it was."""
        with self._writing() as connection:
            wanted = sa.delete(_jobs).where(_is(job), _jobs.c.status.in_(list(before)))
            return connection.execute(wanted).rowcount == 1

    def _find(self, wanted: "sa.ColumnElement[bool]") -> list[Record]:
        with self._reading() as connection:
            found = connection.execute(sa.select(_jobs).where(wanted).order_by(_jobs.c.turn))
            return [_record(row) for row in found.mappings()]

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        self._check_file()
        with translated(self.path, PATIENCE), self._engine.begin() as connection:
            yield connection
        self._check_file()  # it may have been deleted meanwhile, and what was written with it

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        self._check_file()
        with translated(self.path, PATIENCE), self._engine.connect() as connection:
            yield connection.execution_options(reading=True)


@cache
def store() -> Store:
    """The store of this process's settings."""
    return Store(settings().database)


def identity(path: Path) -> tuple[int, int] | None:
    """Which file lies there, if any."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _record(row: Mapping[Any, Any]) -> Record:
    return Record(**{**row, "status": Status(row["status"])})


def _is(job: str) -> "sa.ColumnElement[bool]":
    return _jobs.c.id == job.encode(errors="replace").decode()  # a command line may hold bytes that are no text


def _last_turn(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(_jobs.c.turn), 0))).scalar_one())


def _now(connection: sa.Connection) -> float:
    """The time, or just after the last change where the clock was set back: watchers wait for a later one."""
    last: float = connection.execute(sa.select(sa.func.coalesce(sa.func.max(_jobs.c.changed), 0.0))).scalar_one()
    return max(time.time(), math.nextafter(last, math.inf))


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # Python's own way to begin comes too late: it lets two writers start
    for words in ("synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {words}").close()


def _begin_sqlite(connection: sa.Connection) -> None:
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
