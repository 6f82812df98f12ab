"""Several machines on one store: each job starts once, in the order of the queue, and that of a lost machine ends."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from explorer.jobs import database, leases, service
from explorer.jobs.leases import Capacity, Lease
from explorer.jobs.runner import Runner
from explorer.jobs.slots import SlotPool
from explorer.jobs.store import AT_WORK, Status, Store
from explorer.jobs.tables import RUNNERS
from explorer.settings import settings
from tests.helpers.fake_jobs import FakeBackend, rows, submit_jobs
from tests.helpers.stores import both_databases, reopened

on_a_server = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
LEASE = 180.0
CPU = Capacity(0, 1)


class Machine:
    """A machine with a runner of its own, and its own connection to the store."""

    def __init__(self, name: str, store: Store, gpus: int = 0, cpu_slots: int = 1) -> None:
        self.store = reopened(store)
        self.backend = FakeBackend()
        self.runner = Runner(self.store, self.backend, SlotPool([str(gpu) for gpu in range(gpus)], cpu_slots))
        self.runner.machine = name

    def step(self) -> None:
        """Renew the lease, and do one step."""
        self.runner.next_renewal = 0.0
        assert self.runner._renew_lease()
        self.runner.step()


Start = Callable[..., Machine]


@pytest.fixture
def start(jobs: Store, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Start machines by name. All have had time to renew their leases since the database was away."""
    monkeypatch.setattr(database, "RETRY_PAUSE", 0.0)
    machines: list[Machine] = []

    def one(name: str, **slots: int) -> Machine:
        machines.append(Machine(name, jobs, **slots))
        reach(machines[-1].store)
        return machines[-1]

    reach(jobs)
    yield one
    for machine in machines:
        machine.store.close()


def reach(store: Store) -> None:
    """Let a store be connected for longer than a lease."""
    store.version()
    store.reached_since -= LEASE


def silence(store: Store, machine: str, seconds: float) -> None:
    """Let the last sign of life of a machine be some seconds old."""
    with store.writing() as connection:
        age = sa.update(RUNNERS).where(RUNNERS.c.machine == machine).values(renewed=RUNNERS.c.renewed - seconds)
        assert connection.execute(age).rowcount == 1


@both_databases
def test_a_machine_keeps_its_lease_and_another_of_the_same_name_waits(jobs: Store) -> None:
    assert leases.renew(jobs, "a", CPU, "boot 1") is Lease.LAPSED  # nothing is known of it yet
    assert leases.renew(jobs, "a", CPU, "boot 1") is Lease.VALID
    assert leases.renew(jobs, "a", CPU, "boot 2") is Lease.TAKEN
    assert leases.renew(jobs, "b", Capacity(2, 4), "boot 2") is Lease.LAPSED
    assert leases.living(jobs) == {"a": CPU, "b": Capacity(2, 4)}
    silence(jobs, "a", LEASE / 2)
    assert leases.renew(jobs, "a", CPU, "boot 2") is Lease.LAPSED  # it was restarted
    assert leases.renew(jobs, "a", CPU, "boot 1") is Lease.TAKEN
    silence(jobs, "a", LEASE + 1)
    assert leases.living(jobs).keys() == {"b"}
    assert leases.renew(jobs, "a", CPU, "boot 2") is Lease.LAPSED
    leases.release(jobs, "b", "boot 1")
    assert leases.living(jobs).keys() == {"a", "b"}  # it is not its own
    leases.release(jobs, "b", "boot 2")
    assert leases.living(jobs).keys() == {"a"}


@on_a_server
def test_jobs_start_once_in_order_over_the_slots_of_all_machines(jobs: Store, start: Start) -> None:
    ids = submit_jobs(12)
    machines = [start(name, cpu_slots=2) for name in "abc"]
    barrier = Barrier(len(machines))

    def work(machine: Machine) -> None:
        barrier.wait()
        for _round in range(12):
            machine.step()
            for job in [*machine.backend.alive]:
                machine.backend.begin(job)
                machine.backend.end(job, "finished")

    with ThreadPoolExecutor(len(machines)) as pool:
        list(pool.map(work, machines))
    started = [job for machine in machines for job in machine.backend.starts]
    assert sorted(started) == sorted(ids)
    records = jobs.records()
    assert {record.status for record in records} == {Status.FINISHED}
    by_name = {name: machine.backend.starts for name, machine in zip("abc", machines, strict=True)}
    assert all(record.id in by_name[record.machine or ""] for record in records)
    # A machine skips a job only while another one starts it, so a job starts at most a round of claims too early.
    order = [record.id for record in sorted(records, key=lambda one: one.started or 0)]
    assert all(abs(order.index(job) - place) < 2 * len(machines) for place, job in enumerate(ids))


@on_a_server
def test_a_queue_over_two_machines_is_first_in_first_out(jobs: Store, start: Start) -> None:
    one, other = start("a"), start("b", cpu_slots=2)
    first, second, third, fourth, fifth = submit_jobs(5)
    one.step()
    other.step()
    assert (one.backend.starts, other.backend.starts) == ([first], [second, third])
    assert service.jobs_ahead(fifth, jobs.records()) == 1
    assert [jobs.get(job).machine for job in (first, second, third, fourth)] == ["a", "b", "b", None]
    other.backend.begin(third)
    other.backend.end(third, "finished")
    one.step()
    other.step()
    assert other.backend.starts == [second, third, fourth]
    # Nobody touches the jobs of another machine.
    assert (jobs.get(first).status, jobs.get(second).status) == (Status.RUNNING, Status.RUNNING)
    service.stop(first)
    other.step()
    assert other.backend.cancelled == []
    one.step()
    assert one.backend.cancelled == [(first, False)]


@on_a_server
def test_jobs_for_gpus_are_left_to_machines_that_have_them(jobs: Store, start: Start) -> None:
    without, small, large = start("a"), start("b", gpus=1), start("c", gpus=4)
    for machine in (without, small, large):
        machine.step()
    ids = submit_jobs(4)
    wanted = [("cuda", 2), ("auto", 1), ("cuda", 9), ("cpu", 1)]
    for job, (device, processes) in zip(ids, wanted, strict=True):
        jobs.change(job, Status, resources={"device": device, "processes": processes, "threads": None})
    without.step()
    assert without.backend.starts == [ids[3]]
    failed = jobs.get(ids[2])
    assert failed.status is Status.RUNNING  # it was claimed to be refused, and the next step records that
    without.step()
    failed = jobs.get(ids[2])
    assert (failed.status, (failed.error or {})["message"]) == (
        Status.FAILED,
        "it can't be run: processes: 9 need as many GPUs, and no machine has more than 4",
    )
    small.step()
    assert small.backend.starts == [ids[1]]
    large.step()
    assert large.backend.starts == [ids[0]]
    assert large.backend.alive[ids[0]] == {"CUDA_VISIBLE_DEVICES": "0,1"}


@on_a_server
@pytest.mark.parametrize("ten_minutes", [600.0, -600.0])
def test_clocks_ten_minutes_apart_change_nothing(
    ten_minutes: float, jobs: Store, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit_jobs(2)
    one = start("a")
    one.step()
    with monkeypatch.context() as patch:
        clock = time.time
        patch.setattr("time.time", lambda: clock() + ten_minutes)
        other = start("b")
        other.step()
        other.step()
        (job,) = other.backend.starts
        other.backend.begin(job)
        other.backend.end(job, "finished")
        other.step()
        service.stop(submit_jobs()[0])
    records = jobs.records()
    assert [record.status for record in records] == [Status.RUNNING, Status.FINISHED, Status.STOPPED]
    times = [moment for one in records for moment in (one.submitted, one.started, one.ended, one.changed) if moment]
    assert max(times) - min(times) < 60
    assert all((one.started or 0) <= (one.ended or one.changed) for one in records)
    assert leases.living(jobs).keys() == {"a", "b"}


@on_a_server
def test_the_jobs_of_a_lost_machine_become_interrupted_and_resume_elsewhere(jobs: Store, start: Start) -> None:
    one, other = start("a"), start("b")
    job, second = submit_jobs(2)
    one.step()
    other.step()
    one.backend.begin(job, rows(1))
    silence(jobs, "a", LEASE - 10)  # the database was away for less than a lease
    other.step()
    assert jobs.get(job).status is Status.RUNNING
    silence(jobs, "a", 11)
    other.store.reached_since += LEASE  # the database is back: all get time to answer
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leases, "RETRY_PAUSE", 15.0)
        other.step()
    assert jobs.get(job).status is Status.RUNNING
    other.store.reached_since -= LEASE
    other.step()
    record = jobs.get(job)
    assert record.status is Status.INTERRUPTED
    assert record.error == leases.lost_error("a")
    assert "machine a has" in record.error["message"]
    assert record.ended is not None
    assert jobs.get(second).status is Status.RUNNING
    other.backend.begin(second)
    other.backend.end(second, "finished")
    service.resume(job)
    other.step()
    assert (jobs.get(job).machine, other.backend.starts) == ("b", [second, job])
    one.step()  # the lost machine is back
    assert jobs.get(job).machine == "b"
    assert one.backend.cancelled == []


@on_a_server
@pytest.mark.parametrize("end", [None, "finished"])
def test_a_machine_that_was_only_cut_off_goes_on(end: str | None, jobs: Store, start: Start) -> None:
    one, other = start("a"), start("b")
    (job,) = submit_jobs()
    one.step()
    directory = one.backend.begin(job, rows(1))
    silence(jobs, "a", LEASE + 1)
    other.step()
    assert jobs.get(job).status is Status.INTERRUPTED
    directory.append(rows(2))
    if end:
        one.backend.end(job, end)
    one.step()
    one.step()
    record = jobs.get(job)
    assert record.status is (Status.FINISHED if end else Status.RUNNING)
    assert record.error is None
    assert sorted(jobs.rows(job)) == sorted(rows(1, 2))


@on_a_server
def test_an_app_ends_the_jobs_of_lost_machines(jobs: Store, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    one = start("a")
    (job,) = submit_jobs()
    one.step()
    silence(jobs, "a", LEASE + 1)
    monkeypatch.setattr(service, "_last_check", -service.CHECK_INTERVAL)
    service.check_runner()
    assert jobs.get(job).status is Status.INTERRUPTED
    assert not jobs.records(AT_WORK)


def test_an_sqlite_store_loses_no_job_by_its_lease(jobs: Store, start: Start) -> None:
    """It belongs to one machine, whose name may change, for example by DHCP."""
    one = start("a")
    (job,) = submit_jobs()
    one.step()
    renamed = start("b")
    renamed.backend.alive = one.backend.alive
    silence(jobs, "a", 10 * LEASE)
    renamed.step()
    assert jobs.get(job).status is Status.RUNNING
    renamed.backend.begin(job)
    renamed.backend.end(job, "finished")
    renamed.step()
    assert jobs.get(job).status is Status.FINISHED


def test_machines_have_their_own_locks_in_a_shared_folder(
    jobs: Store, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "path", None)
    locks = set()
    for name in ("gpu-1.lab.edu", "gpu-2.lab.edu", "../../etc"):
        monkeypatch.setenv("EXPLORER_MACHINE", name)
        settings.cache_clear()
        locks.add(service.runner_lock())
    assert len(locks) == 3
    assert {lock.parent for lock in locks} == {settings().runs_dir}
