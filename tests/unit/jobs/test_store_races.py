"""The store of jobs, used by several threads or processes at once: one of them succeeds."""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa

from explorer.jobs.store import Status, Store
from tests.helpers.stores import add_jobs, both_databases, new_job, reopened

pytestmark = pytest.mark.process

Action = Callable[[Store, int], list[bool]]
Race = Callable[[Store, Action, int], list[list[bool]]]


def race_threads(job_store: Store, action: Action, count: int) -> list[list[bool]]:
    start = Barrier(count)

    def one(number: int) -> list[bool]:
        start.wait()
        return action(job_store, number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def race_processes(job_store: Store, action: Action, count: int) -> list[list[bool]]:
    """Forks that open the store for themselves."""
    job_store._engine.dispose()
    context = multiprocessing.get_context("fork")
    start, queue = context.Barrier(count), context.SimpleQueue()

    def one(number: int) -> None:
        own = reopened(job_store)
        start.wait()
        queue.put((number, action(own, number)))
        os._exit(0)

    processes = [context.Process(target=one, args=(number,)) for number in range(count)]
    for process in processes:
        process.start()
    results = sorted(queue.get() for _process in processes)
    for process in processes:
        process.join(60)
    return [result for _number, result in results]


@both_databases
@pytest.mark.parametrize("race", [race_threads, race_processes])
def test_of_many_conflicting_changes_one_succeeds(race: Race, job_store: Store) -> None:
    jobs = add_jobs(job_store, 12)

    def action(store: Store, number: int) -> list[bool]:
        changes: list[Callable[[str], bool]] = [
            lambda job: store.change(job, [Status.QUEUED], status=Status.RUNNING, slots=[str(number)]),
            lambda job: store.change(job, [Status.QUEUED], status=Status.STOPPED),
            lambda job: store.remove(job, [Status.QUEUED]),
        ]
        return [changes[number % 3](job) for job in jobs]

    won = race(job_store, action, 6)
    assert [sum(of_job) for of_job in zip(*won, strict=True)] == [1] * 12
    left = {record.id: record.slots for record in job_store.records([Status.RUNNING])}
    claimed = {jobs[place]: [str(number)] for number in (0, 3) for place in range(12) if won[number][place]}
    assert left == claimed
    assert len(job_store.records()) == 12 - sum(won[2]) - sum(won[5])


@both_databases
@pytest.mark.parametrize("race", [race_threads, race_processes])
def test_no_two_jobs_have_the_same_turn(race: Race, job_store: Store) -> None:
    old = add_jobs(job_store, 6)
    for job in old:
        job_store.change(job, Status, status=Status.STOPPED)

    def action(store: Store, number: int) -> list[bool]:
        store.add([new_job(), new_job()])
        return [store.change(old[number], [Status.STOPPED], status=Status.QUEUED)]

    assert race(job_store, action, 6) == [[True]] * 6
    turns = [record.turn for record in job_store.records([Status.QUEUED])]
    assert len(turns) == len(set(turns)) == 18


def test_processes_that_open_a_new_store_at_the_same_time(tmp_path: Path) -> None:
    job_store = Store(f"sqlite:///{tmp_path / 'other.db'}")
    job_store.url = sa.make_url(f"sqlite:///{tmp_path / 'new' / 'store.db'}")

    def action(store: Store, _number: int) -> list[bool]:
        store.add([new_job()])
        return [True]

    assert race_processes(job_store, action, 6) == [[True]] * 6
    assert len(reopened(job_store).records()) == 6
