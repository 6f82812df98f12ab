"""The store of all jobs and their metrics: one SQL database, which every process opens for itself.

Clear roles keep it consistent. Any process may add jobs and request changes (:mod:`explorer.jobs.service`). Only the
runner records that a job runs, its progress, and how it ended. Each change names the states that it starts from. If
two processes make a change at the same time, the later one learns that its change failed.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from explorer.errors import InputError, shown
from explorer.families import NamedNetwork
from explorer.i18n import _
from explorer.jobs.database import Database
from explorer.jobs.job import Job
from explorer.jobs.run_directory import LAYER_GRADIENT, POINT, Row
from explorer.jobs.tables import COUNTERS, JOBS, METRICS, POINTS
from explorer.settings import settings

MAX_ROWS = 500  # most rows in an insert: databases limit the values of a statement
TICK = 1e-6  # seconds between two changes of a job, at least
NOW = object()  # the time of the database's clock


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
        owner: Address of the user who submitted it. Empty or None if it belongs to nobody.
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
    owner: str | None = None

    @property
    def network(self) -> NamedNetwork:
        """The network, adapted to the data once they were read."""
        return NamedNetwork.from_record(self.spec, self.base)

    @property
    def submitted_network(self) -> NamedNetwork:
        """The network as submitted. In rows of earlier versions it equals ``network``."""
        return NamedNetwork.from_record(self.submitted_spec or self.spec, self.base)


class Store(Database):
    """A database of jobs."""

    def add(self, jobs: Sequence[Job], *, most: int = 0) -> None:
        """Puts jobs at the end of the queue, all or none.

        Args:
            jobs: Jobs of one owner.
            most: Largest number of queued jobs of their owner. 0 for no limit.

        Raises:
            InputError: If the owner would have more queued jobs.
        """
        with self.writing() as connection:
            turn, now = self._next_turn(connection, len(jobs)), self.now(connection)
            if most:
                queued = sa.select(sa.func.count()).where(JOBS.c.owner == jobs[0].owner, JOBS.c.status == Status.QUEUED)
                check_queued(int(connection.execute(queued).scalar_one()) + len(jobs), most)
            rows = [
                job.to_dict()
                | {"turn": turn + place, "status": Status.QUEUED, "changed": now, "submitted": now}
                | {"slots": [], "pids": [], "progress": 0.0, "notes": [], "submitted_spec": job.spec.to_dict()}
                for place, job in enumerate(jobs)
            ]
            connection.execute(sa.insert(JOBS), rows)
            _count_change(connection)

    def get(self, job: str) -> Record:
        """Returns one job.

        Raises:
            InputError: If there is no job with this id.
        """
        found = self._find(_has_id(job))
        if not found:
            raise InputError(_("job: there is none with the id {value}").format(value=shown(job)))
        return found[0]

    def find(self, jobs: Sequence[str]) -> list[Record]:
        """Returns the jobs with the given ids that exist, in the given order."""
        found = {record.id: record for record in self._find(JOBS.c.id.in_(jobs))}
        return [found[job] for job in jobs if job in found]

    def records(self, statuses: Iterable[Status] | None = None) -> list[Record]:
        """Returns all jobs, or those in the given states, in the order of the queue."""
        return self._find(sa.true() if statuses is None else JOBS.c.status.in_(list(statuses)))

    def counts(self) -> dict[str, int]:
        """Returns the number of jobs by status."""
        with self.reading() as connection:
            query = sa.select(JOBS.c.status, sa.func.count()).group_by(JOBS.c.status)
            return {status: int(count) for status, count in connection.execute(query)}

    def of_owner(self, email: str) -> list[str]:
        """Returns the ids of a user's jobs."""
        with self.reading() as connection:
            return list(connection.execute(sa.select(JOBS.c.id).where(JOBS.c.owner == email)).scalars())

    def latest(self, count: int) -> list[Record]:
        """Returns the jobs that were submitted last, the newest first."""
        with self.reading() as connection:
            query = sa.select(JOBS).order_by(JOBS.c.submitted.desc(), JOBS.c.turn.desc()).limit(count)
            return [to_record(row) for row in connection.execute(query).mappings()]

    def version(self) -> int:
        """Returns a number that differs after any change of any job. Fast."""
        with self.reading() as connection:
            return int(connection.execute(sa.select(COUNTERS.c.version)).scalar_one())

    def has(self, statuses: Iterable[Status]) -> bool:
        """Returns whether there is a job in one of the given states. Fast."""
        with self.reading() as connection:
            found = sa.select(sa.exists().where(JOBS.c.status.in_(list(statuses))))
            return bool(connection.execute(found).scalar_one())

    def rows(self, job: str) -> list[Row]:
        """Returns all metrics of a job, in the order of the epochs."""
        return self.curves([job], layers=True).get(job, [])

    def curves(
        self, jobs: Sequence[str], names: Sequence[str] | None = None, *, layers: bool = False
    ) -> dict[str, list[Row]]:
        """Returns the metrics of several jobs by job.

        Args:
            jobs: Ids of the jobs.
            names: Names of metrics; by default all.
            layers: Whether all metrics include the gradients of layers, which are thousands.
        """
        found: dict[str, list[Row]] = {}
        jobs = [job for job in jobs if "\0" not in job]  # PostgreSQL has no such text
        with self.reading() as connection:
            for table in (POINTS.c, METRICS.c):
                if names is not None and table is POINTS.c and not any(name.startswith(POINT) for name in names):
                    continue
                condition: sa.ColumnElement[bool] = table.job.in_(jobs)
                if names is not None:
                    condition &= table.name.in_(names)
                elif not layers:
                    condition &= ~table.name.startswith(LAYER_GRADIENT)
                query = sa.select(table.job, table.epoch, table.name, table.value).where(condition)
                for job, epoch, name, value in connection.execute(query):
                    found.setdefault(job, []).append(Row(epoch, name, float("nan") if value is None else value))
        for rows in found.values():
            rows.sort(key=lambda row: row.epoch)
        return found

    def layer_gradients(self, job: str) -> dict[str, list[Row]]:
        """Returns the gradient norms of each layer of a job, by the layer's name, in the order of the epochs."""
        table, found = POINTS.c, dict[str, list[Row]]()
        query = (
            sa.select(table.epoch, table.name, table.value)
            .where((table.job == job) & table.name.startswith(LAYER_GRADIENT))
            .order_by(table.epoch)
        )
        with self.reading() as connection:
            for epoch, name, value in connection.execute(query):
                layer = name.removeprefix(LAYER_GRADIENT)
                found.setdefault(layer, []).append(Row(epoch, layer, float("nan") if value is None else value))
        return found

    def change(self, job: str, before: Iterable[Status], **values: Any) -> bool:
        """Changes a job if it is in one of the given states. Returns whether it was.

        A change to ``queued`` puts it at the end of the queue, unless ``values`` contains a turn. A time that is
        :data:`NOW` is that of the database's clock.
        """
        with self.writing() as connection:
            condition = sa.and_(_has_id(job), JOBS.c.status.in_(list(before)))
            # The job is locked first and the counters last, as everywhere: no two changes wait for each other.
            if not connection.execute(sa.select(JOBS.c.id).where(condition).with_for_update()).first():
                return False
            if values.get("status") == Status.QUEUED and "turn" not in values:
                values["turn"] = self._next_turn(connection, 1)
            self.update(connection, condition, values)
            return True

    def update(self, connection: sa.Connection, condition: "sa.ColumnElement[bool]", values: dict[str, Any]) -> int:
        """Changes jobs within a transaction. Returns their number."""
        now = self.now(connection)
        # Later than the last change of the job, even if the clock was set back: readers look for another time.
        changed = sa.case((JOBS.c.changed >= now, JOBS.c.changed + TICK), else_=now)
        given = {key: now if value is NOW else value for key, value in values.items()}
        count = connection.execute(sa.update(JOBS).where(condition).values(changed=changed, **given)).rowcount
        if count:
            _count_change(connection)
        return count

    def claim(self, job: str, prepare: Callable[[], None], **values: Any) -> bool:
        """Makes a queued job a running one. Returns whether it was queued, and no other runner claims it right now.

        Args:
            job: Id of the job.
            prepare: Called before the change, while no other runner can claim the job.
            values: Further values of the job.
        """
        with self.writing() as connection:
            condition = sa.and_(_has_id(job), JOBS.c.status == Status.QUEUED)
            # SQLite lets only one process write at a time.
            locked = sa.select(JOBS.c.id).where(condition).with_for_update(skip_locked=True)
            if not connection.execute(locked).first():
                return False
            prepare()
            return self.update(connection, condition, {"status": Status.RUNNING, "started": NOW, **values}) == 1

    def first_in_queue(self, without: Collection[str] = ()) -> list[Record]:
        """Returns the first queued job of each kind of resources, in the order of the queue.

        Those behind them with the same resources can't start before them.
        """
        queued = sa.and_(JOBS.c.status == Status.QUEUED, JOBS.c.id.not_in(without))
        firsts = sa.select(sa.func.min(JOBS.c.turn)).where(queued).group_by(sa.cast(JOBS.c.resources, sa.Text))
        return self._find(queued & JOBS.c.turn.in_(firsts))

    def write_rows(self, job: str, rows: Sequence[Row], *, replace: bool) -> None:
        """Adds metrics of a job, or replaces all of them if ``replace``. What is there already is not added twice."""
        with self.writing() as connection:
            for table, within in ((METRICS, False), (POINTS, True)):
                if replace:
                    connection.execute(sa.delete(table).where(table.c.job == job))
                # The last value of a point counts, and a statement names no row twice.
                found = {(row.name, row.epoch): row.value for row in rows if row.name.startswith(POINT) is within}
                if found:
                    _upsert(connection, table, job, found)

    def remove(self, job: str, before: Iterable[Status]) -> bool:
        """Deletes a job if it is in one of the given states. Returns whether it was."""
        with self.writing() as connection:
            statement = sa.delete(JOBS).where(_has_id(job), JOBS.c.status.in_(list(before)))
            if connection.execute(statement).rowcount != 1:
                return False
            _count_change(connection)
            return True

    def _find(self, condition: "sa.ColumnElement[bool]") -> list[Record]:
        with self.reading() as connection:
            found = connection.execute(sa.select(JOBS).where(condition).order_by(JOBS.c.turn))
            return [to_record(row) for row in found.mappings()]

    def _next_turn(self, connection: sa.Connection, count: int) -> int:
        """Takes the next turns, and returns the first one. Others who want some wait for the end of the transaction."""
        connection.execute(sa.update(COUNTERS).values(turn=COUNTERS.c.turn + count))
        return int(connection.execute(sa.select(COUNTERS.c.turn)).scalar_one()) - count + 1


@cache
def store() -> Store:
    """Returns the store of this process's settings."""
    return Store(settings().database)


def check_queued(count: int, most: int) -> None:
    """Refuses more queued jobs of a user than the limit.

    Raises:
        InputError: If there are more. Names number and limit.
    """
    if count > most:
        raise InputError(
            _("you would have {count:,} jobs in the queue, and {most:,} are allowed; wait, or stop some").format(
                count=count, most=most
            )
        )


def to_record(row: Mapping[Any, Any]) -> Record:
    """Returns a row of the table of jobs as a record."""
    return Record(**{**row, "status": Status(row["status"])})


def _has_id(job: str) -> "sa.ColumnElement[bool]":
    if "\0" in job:  # PostgreSQL has no such text
        return sa.false()
    return JOBS.c.id == job.encode(errors="replace").decode()  # a command line may hold bytes that are not text


def _count_change(connection: sa.Connection) -> None:
    """Counts a change of jobs: readers look for another number."""
    connection.execute(sa.update(COUNTERS).values(version=COUNTERS.c.version + 1))


def _upsert(connection: sa.Connection, table: sa.Table, job: str, values: Mapping[tuple[str, float], float]) -> None:
    """Adds metrics, or replaces the values of those that are there."""
    if connection.dialect.name == "postgresql":  # one statement takes any number of rows as three arrays
        names, epochs = zip(*values, strict=True)
        given = {"job": job, "names": list(names), "epochs": list(epochs), "values": list(values.values())}
        connection.execute(_UPSERTS[table.name], given)
        return
    rows = [{"job": job, "name": name, "epoch": epoch, "value": value} for (name, epoch), value in values.items()]
    add = sqlite.insert(table)
    add = add.on_conflict_do_update(index_elements=list(table.primary_key), set_={"value": add.excluded.value})
    for begin in range(0, len(rows), MAX_ROWS):
        connection.execute(add, rows[begin : begin + MAX_ROWS])


_UPSERTS = {
    table.name: sa.text(
        f"INSERT INTO {table.name} (job, name, epoch, value) SELECT :job, given.* FROM "  # noqa: S608  our own names
        "unnest(CAST(:names AS text[]), CAST(:epochs AS float8[]), CAST(:values AS float8[])) AS given "
        "ON CONFLICT (job, name, epoch) DO UPDATE SET value = excluded.value"
    )
    for table in (METRICS, POINTS)
}
