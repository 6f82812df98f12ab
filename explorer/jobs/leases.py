"""Signs of life of the runners of all machines that share a store.

Each runner renews its lease. A machine whose lease has expired is lost: it is down, or cut off from the database. Its
jobs then become interrupted. Only the clock of the database counts. A machine that was cut off takes its jobs back,
unless they were resumed elsewhere meanwhile (:class:`explorer.jobs.runner.Runner`).

An SQLite store belongs to one machine, whose lock files tell which jobs live, so nothing is ever lost there.
"""

import time
from enum import Enum
from functools import cache
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from explorer.i18n import _
from explorer.jobs.database import RETRY_PAUSE
from explorer.jobs.store import AT_WORK, NOW, Status, Store
from explorer.jobs.tables import JOBS, RUNNERS
from explorer.settings import settings

LOST = "machine"  # code of the error of a job whose machine was lost


class Lease(Enum):
    """The lease after a renewal."""

    VALID = "valid"
    LAPSED = "lapsed"  # it had expired, or was taken over, so the jobs may count as lost
    TAKEN = "taken"  # another machine of the same name has it


class Capacity(NamedTuple):
    """The resources of a machine's runner."""

    gpus: int
    cpu_slots: int


def interval() -> float:
    """Returns the seconds between two renewals."""
    return settings().lease / 18


@cache
def boot() -> str:
    """Returns a text that differs between machines, and between two starts of a machine."""
    try:
        kernel = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:  # not Linux
        kernel = ""
    return f"{kernel}/{settings().machine_name}"


def renew(store: Store, machine: str, capacity: Capacity, identity: str = "") -> Lease:
    """Renews the lease of a machine.

    A machine that has just been restarted takes over its own lease after half of its time.

    Args:
        store: Store of the jobs.
        machine: Name of the machine.
        capacity: Resources of its runner.
        identity: Text that no other machine has; :func:`boot` by default.
    """
    identity = identity or boot()
    with store.writing() as connection:
        now = store.now(connection)
        mine = RUNNERS.c.machine == machine
        query = sa.select(RUNNERS.c.boot, RUNNERS.c.renewed).where(mine).with_for_update()
        values = {"boot": identity, "renewed": now, **capacity._asdict()}
        found = connection.execute(query).first()
        if found is None:
            connection.execute(sa.insert(RUNNERS).values(machine=machine, **values))
            return Lease.LAPSED
        age = now - found.renewed
        if found.boot != identity and age < settings().lease / 2:
            return Lease.TAKEN
        connection.execute(sa.update(RUNNERS).where(mine).values(**values))
        return Lease.VALID if found.boot == identity and age < settings().lease else Lease.LAPSED


def release(store: Store, machine: str, identity: str = "") -> None:
    """Gives the lease of a machine back that has no job at work."""
    with store.writing() as connection:
        busy = sa.exists().where(JOBS.c.machine == machine, JOBS.c.status.in_(list(AT_WORK)))
        mine = (RUNNERS.c.machine == machine) & (RUNNERS.c.boot == (identity or boot()))
        connection.execute(sa.delete(RUNNERS).where(mine, ~busy))


def living(store: Store) -> dict[str, Capacity]:
    """Returns the machines whose leases have not expired, with what they can use."""
    with store.reading() as connection:
        query = sa.select(RUNNERS).where(RUNNERS.c.renewed >= store.now(connection) - settings().lease)
        return {row.machine: Capacity(row.gpus, row.cpu_slots) for row in connection.execute(query)}


def end_lost_jobs(store: Store) -> list[str]:
    """Records that the jobs of lost machines do not run any more. Returns their ids.

    After the database was away, all machines get time to renew their leases first.
    """
    if store.path:
        return []
    with store.reading() as connection:
        lost = _lost(store.now(connection))
        has_lost = connection.execute(sa.select(sa.exists().where(lost))).scalar_one()
    grace = max(settings().lease / 6, 2 * RETRY_PAUSE)
    if not has_lost or time.monotonic() - store.reached_since < grace:
        return []
    with store.writing() as connection:
        query = sa.select(JOBS.c.id, JOBS.c.machine).where(_lost(store.now(connection))).with_for_update()
        found = {row.id: row.machine for row in connection.execute(query)}
        for job, machine in found.items():
            # The slots stay: a machine that was only cut off goes on with them.
            ended = {"status": Status.INTERRUPTED, "ended": NOW, "error": lost_error(machine), "pids": []}
            store.update(connection, JOBS.c.id == job, {**ended, "live": None})
        return list(found)


def lost_error(machine: str) -> dict[str, str]:
    """Returns the error of a job whose machine was lost."""
    return {
        "code": LOST,
        "message": _(
            "its machine {machine} has not answered for {seconds:.0f} seconds; it resumes on another one from the last "
            "checkpoint, or goes on by itself when the machine is back"
        ).format(machine=machine, seconds=settings().lease),
    }


def _lost(now: float) -> "sa.ColumnElement[bool]":
    held = sa.select(RUNNERS.c.machine).where(RUNNERS.c.renewed >= now - settings().lease)
    return JOBS.c.status.in_(list(AT_WORK)) & JOBS.c.machine.not_in(held)
