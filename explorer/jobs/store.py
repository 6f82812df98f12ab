"""The store of all jobs and their metrics: one SQL database, which every process opens for itself.

Clear roles keep it consistent. Any process may add jobs and request changes (:mod:`explorer.jobs.service`). Only the
runner records that a job runs, its progress, and how it ended. Each change names the states that it starts from. If
two processes make a change at the same time, the later one learns that its change failed.
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
from explorer.families import NamedNetwork
from explorer.i18n import _
from explorer.jobs.job import Job
from explorer.jobs.run_directory import POINT, Row
from explorer.jobs.schema import prepare
from explorer.jobs.store_errors import replaced_error, translate_errors
from explorer.jobs.tables import JOBS, METRICS, POINTS
from explorer.settings import settings

LOCK_TIMEOUT = 10.0  # seconds to wait while another process writes
MAX_ROWS = 500  # most rows in an insert: databases limit the values of a statement


class Status(StrEnum):
    """The state of a job. See the diagram in :mod:`explorer.jobs.service`."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    FINISHED = "finished"


AT_WORK = frozenset({Status.RUNNING, Status.STOPPING})  # has processes, or soon will
ACTIVE = AT_WORK | {Status.QUEUED}  # will change without a user's action
RESUMABLE = frozenset({Status.STOPPED, Status.INTERRUPTED, Status.FAILED})


@dataclass(frozen=True)
class Record:
    """A job as the store holds it.

    Attributes:
        turn: Position in the queue. A resume assigns a new one.
        changed: Time of the last change, in seconds since 1970, like the other times.
        spec: Spec of the network, adapted to the data as soon as they are read.
        recipe: Recipe, adapted to the data as soon as they are read.
        sweep: Id that the jobs of a sweep share, or empty.
        varied: This job's value for each key that the sweep varies.
        slots: Slots of the machine that it holds: ``cpu``, or the numbers of GPUs.
        pids: Ids of its processes at the runner's last check.
        progress: Progress from 0 to 1.
        live: Numbers of the current epoch, or the step before the first epoch.
        error: ``code`` and ``message`` of the error.
        result: Scores on the test set, as ``evaluate --json`` prints them.
        base: Preset that the network was made from, or empty if unknown.
        submitted_spec: Spec as it was submitted, before it was adapted to the data.
        machine: Machine that runs it, or ran it last. None if it was not started yet, or by an earlier version.
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
    base: str | None = None
    submitted_spec: dict[str, Any] | None = None
    machine: str | None = None

    @property
    def network(self) -> NamedNetwork:
        """The network, adapted to the data once they were read."""
        return NamedNetwork.from_record(self.spec, self.base)

    @property
    def submitted_network(self) -> NamedNetwork:
        """The network as submitted. In rows of earlier versions it equals ``network``."""
        return NamedNetwork.from_record(self.submitted_spec or self.spec, self.base)


class Store:
    """A database of jobs."""

    def __init__(self, url: str) -> None:
        """Opens the database, and creates its tables if necessary.

        Raises:
            StoreError: If it can't be opened.
        """
        self.url = sa.make_url(url)
        self.path = (
            Path(self.url.database).absolute() if self.url.drivername == "sqlite" and self.url.database else None
        )
        self._engine = sa.create_engine(self.url, connect_args={"timeout": LOCK_TIMEOUT} if self.path else {})
        if self.path:
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)
        self._opened: tuple[int, int] | None = None
        self._make()

    def _make(self) -> None:
        """Creates the tables if necessary."""
        with translate_errors(self.path, LOCK_TIMEOUT):
            if self.path is None:
                prepare(self._engine, _("the database"))
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # If two processes set the journal mode of a new file, SQLite makes one fail at once.
            with FileLock(self.path.with_name(f"{self.path.name}.lock"), timeout=LOCK_TIMEOUT):
                with closing(sqlite3.connect(self.path, timeout=LOCK_TIMEOUT)) as file:
                    file.execute("PRAGMA journal_mode = WAL")
                prepare(self._engine, self.path)
            self._opened = identity(self.path)

    def _check_file(self) -> None:
        """Checks that the database file is still the one that was opened.

        Open connections keep a deleted file, so a write would be lost.

        Raises:
            StoreError: If the file was replaced or deleted. The next call uses the new file.
        """
        if self.path is None or identity(self.path) == self._opened:
            return
        self._engine.dispose()
        self._make()
        raise replaced_error(self.path)

    def add(self, jobs: Sequence[Job]) -> None:
        """Puts jobs at the end of the queue, all or none."""
        with self._writing() as connection:
            turn, now = _last_turn(connection), _now(connection)
            rows = [
                job.to_dict()
                | {"turn": turn + place, "status": Status.QUEUED, "changed": now, "submitted": now}
                | {"slots": [], "pids": [], "progress": 0.0, "notes": [], "submitted_spec": job.spec.to_dict()}
                for place, job in enumerate(jobs, 1)
            ]
            connection.execute(sa.insert(JOBS), rows)

    def get(self, job: str) -> Record:
        """Returns one job.

        Raises:
            InputError: If there is no job with this id.
        """
        found = self._find(_has_id(job))
        if not found:
            raise InputError(_("job: there is none with the id {value}").format(value=shown(job)))
        return found[0]

    def records(self, statuses: Iterable[Status] | None = None) -> list[Record]:
        """Returns all jobs, or those in the given states, in the order of the queue."""
        return self._find(sa.true() if statuses is None else JOBS.c.status.in_(list(statuses)))

    def latest(self, count: int) -> list[Record]:
        """Returns the jobs that were submitted last, the newest first."""
        with self._reading() as connection:
            query = sa.select(JOBS).order_by(JOBS.c.submitted.desc(), JOBS.c.turn.desc()).limit(count)
            return [_record(row) for row in connection.execute(query).mappings()]

    def version(self) -> tuple[int, float]:
        """Returns a value that differs after any change of any job. Fast."""
        with self._reading() as connection:
            count, changed = connection.execute(
                sa.select(sa.func.count(), sa.func.coalesce(sa.func.max(JOBS.c.changed), 0.0)).select_from(JOBS)
            ).one()
            return int(count), float(changed)

    def rows(self, job: str) -> list[Row]:
        """Returns all metrics of a job, in the order of the epochs."""
        return self.curves([job]).get(job, [])

    def curves(self, jobs: Sequence[str], names: Sequence[str] | None = None) -> dict[str, list[Row]]:
        """Returns the metrics of several jobs by job, all of them or those with the given names."""
        found: dict[str, list[Row]] = {}
        with self._reading() as connection:
            for table in (POINTS.c, METRICS.c):
                if names is not None and table is POINTS.c and not any(name.startswith(POINT) for name in names):
                    continue
                condition = table.job.in_(jobs) if names is None else table.job.in_(jobs) & table.name.in_(names)
                query = sa.select(table.job, table.epoch, table.name, table.value).where(condition)
                for job, epoch, name, value in connection.execute(query):
                    found.setdefault(job, []).append(Row(epoch, name, float("nan") if value is None else value))
        for rows in found.values():
            rows.sort(key=lambda row: row.epoch)
        return found

    def change(self, job: str, before: Iterable[Status], **values: Any) -> bool:
        """Changes a job if it is in one of the given states. Returns whether it was.

        A change to ``queued`` puts it at the end of the queue, unless ``values`` contains a turn.
        """
        with self._writing() as connection:
            if values.get("status") == Status.QUEUED and "turn" not in values:
                values["turn"] = _last_turn(connection) + 1
            statement = (
                sa.update(JOBS)
                .where(_has_id(job), JOBS.c.status.in_(list(before)))
                .values(changed=_now(connection), **values)
            )
            return connection.execute(statement).rowcount == 1

    def write_rows(self, job: str, rows: Sequence[Row], *, replace: bool) -> None:
        """Adds metrics of a job, or replaces all of them if ``replace``."""
        with self._writing() as connection:
            for table, within in ((METRICS, False), (POINTS, True)):
                if replace:
                    connection.execute(sa.delete(table).where(table.c.job == job))
                values = [{"job": job, **row._asdict()} for row in rows if row.name.startswith(POINT) is within]
                for begin in range(0, len(values), MAX_ROWS):
                    connection.execute(sa.insert(table), values[begin : begin + MAX_ROWS])

    def remove(self, job: str, before: Iterable[Status]) -> bool:
        """Deletes a job if it is in one of the given states. Returns whether it was."""
        with self._writing() as connection:
            statement = sa.delete(JOBS).where(_has_id(job), JOBS.c.status.in_(list(before)))
            return connection.execute(statement).rowcount == 1

    def _find(self, condition: "sa.ColumnElement[bool]") -> list[Record]:
        with self._reading() as connection:
            found = connection.execute(sa.select(JOBS).where(condition).order_by(JOBS.c.turn))
            return [_record(row) for row in found.mappings()]

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        self._check_file()
        with translate_errors(self.path, LOCK_TIMEOUT), self._engine.begin() as connection:
            yield connection
        self._check_file()  # the file, with what was just written, may have been deleted meanwhile

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        self._check_file()
        with translate_errors(self.path, LOCK_TIMEOUT), self._engine.connect() as connection:
            yield connection.execution_options(reading=True)


@cache
def store() -> Store:
    """Returns the store of this process's settings."""
    return Store(settings().database)


def identity(path: Path) -> tuple[int, int] | None:
    """Returns device and inode of a file, which identify it. None if there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _record(row: Mapping[Any, Any]) -> Record:
    return Record(**{**row, "status": Status(row["status"])})


def _has_id(job: str) -> "sa.ColumnElement[bool]":
    return JOBS.c.id == job.encode(errors="replace").decode()  # a command line may hold bytes that are not text


def _last_turn(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(JOBS.c.turn), 0))).scalar_one())


def _now(connection: sa.Connection) -> float:
    """Returns the current time, but always later than the last change: readers look for a later time.

    The clock may have been set back.
    """
    last: float = connection.execute(sa.select(sa.func.coalesce(sa.func.max(JOBS.c.changed), 0.0))).scalar_one()
    return max(time.time(), math.nextafter(last, math.inf))


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # Python begins a transaction too late and lets two writers start
    for words in ("synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {words}").close()


def _begin_sqlite(connection: sa.Connection) -> None:
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
