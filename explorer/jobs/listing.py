"""Pages of the list of all jobs: filters, order and counts are the database's work, however many jobs there are."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from explorer.jobs.store import Record, Status, Store, to_record
from explorer.jobs.tables import JOBS

Network = tuple[str | None, str]  # preset and spec of a network, as the store has them


class Filter(NamedTuple):
    """Which jobs are listed.

    Attributes:
        words: Words that name, network, data or id of a job contain, whatever their case. All of them.
        statuses: States. Empty for all.
        sweep: Id of a sweep. Empty for all jobs.
    """

    words: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    sweep: str = ""


class Overview(NamedTuple):
    """All jobs, counted.

    Attributes:
        statuses: Number of jobs in each state that occurs.
        sweeps: Name of the first job of each sweep by the sweep's id, the newest sweep first.
    """

    statuses: dict[Status, int]
    sweeps: dict[str, str]

    @property
    def total(self) -> int:
        """Number of all jobs."""
        return sum(self.statuses.values())


class Listed(NamedTuple):
    """Some of the jobs that match a filter, the newest first.

    Attributes:
        records: Records of the jobs.
        matching: Number of all jobs that match.
    """

    records: list[Record]
    matching: int


def list_jobs(
    store: Store, chosen: Filter, title: Callable[[Network], str], offset: int = 0, limit: int | None = None
) -> Listed:
    """Returns the jobs that match a filter, the newest first.

    Args:
        store: Store of the jobs.
        chosen: The filter.
        title: Title of a network, in which words are also searched. Called once for each network, if there are words.
        offset: Number of jobs to leave out.
        limit: Most jobs to return; all by default.
    """
    with store.reading() as connection:
        condition = sa.and_(
            sa.true() if not chosen.statuses else JOBS.c.status.in_(list(chosen.statuses)),
            sa.true() if not chosen.sweep else JOBS.c.sweep == chosen.sweep,
        )
        if words := [word.replace("\0", "") for word in chosen.words]:
            spec = sa.cast(JOBS.c.spec, sa.Text)
            pairs = connection.execute(sa.select(JOBS.c.base, spec).where(condition).distinct())
            titles = {pair: title(pair).casefold() for pair in map(tuple, pairs)}
            for word in words:
                specs = [pair[1] for pair, words_of in titles.items() if word.casefold() in words_of]
                condition &= _contains(connection, word) | spec.in_(specs)
        matching = connection.execute(sa.select(sa.func.count()).select_from(JOBS).where(condition)).scalar_one()
        order = JOBS.c.submitted.desc(), JOBS.c.turn.desc()
        # The ids alone are sorted: rows are wide.
        ids = sa.select(JOBS.c.id).where(condition).order_by(*order).offset(offset).limit(limit).subquery()
        query = sa.select(JOBS).join(ids, JOBS.c.id == ids.c.id).order_by(*order)
        return Listed([to_record(row) for row in connection.execute(query).mappings()], int(matching))


def overview(store: Store) -> Overview:
    """Counts all jobs."""
    with store.reading() as connection:
        counts = connection.execute(sa.select(JOBS.c.status, sa.func.count()).group_by(JOBS.c.status))
        found = {Status(status): int(count) for status, count in counts}
        firsts = sa.select(sa.func.min(JOBS.c.turn)).where(JOBS.c.sweep != "").group_by(JOBS.c.sweep)
        query = sa.select(JOBS.c.sweep, JOBS.c.name).where(JOBS.c.turn.in_(firsts), JOBS.c.sweep != "")
        sweeps = connection.execute(query.order_by(JOBS.c.submitted.desc()))
        return Overview({status: found[status] for status in Status if status in found}, dict(map(tuple, sweeps)))


def jobs_ahead(store: Store, jobs: Sequence[str]) -> dict[str, int]:
    """Returns the number of queued jobs before each of the given ones that is queued."""
    with store.reading() as connection:
        place = sa.func.row_number().over(order_by=JOBS.c.turn) - 1
        queue = sa.select(JOBS.c.id, place.label("place")).where(JOBS.c.status == Status.QUEUED).subquery()
        query = sa.select(queue.c.id, queue.c.place).where(queue.c.id.in_(list(jobs)))
        return {job: int(ahead) for job, ahead in connection.execute(query)}


def _contains(connection: sa.Connection, word: str) -> "sa.ColumnElement[bool]":
    fold = sa.func.lower if connection.dialect.name == "postgresql" else sa.func.casefold
    return sa.or_(
        *(
            fold(column).contains(word.casefold(), autoescape=True)
            for column in (JOBS.c.name, JOBS.c.dataset, JOBS.c.id)
        )
    )
