"""The runner with fake jobs: every transition between the states."""

import math
from collections.abc import Callable

import pytest

from explorer.errors import InputError, StoreError
from explorer.jobs import leases, runner, service
from explorer.jobs.run_directory import Row
from explorer.jobs.store import AT_WORK, Status, Store
from tests.helpers.fake_jobs import FakeBackend, make_runner, rows, submit_jobs
from tests.helpers.stores import both_databases

pytestmark = both_databases


def test_a_job_runs_from_queue_to_end(jobs: Store, stubs: FakeBackend) -> None:
    (job,) = submit_jobs()
    job_runner = make_runner(jobs, stubs)
    assert job_runner.step()
    record = jobs.get(job)
    assert (record.status, record.slots, stubs.starts) == (Status.RUNNING, ["cpu"], [job])
    assert record.started is not None
    assert stubs.alive[job] == {"CUDA_VISIBLE_DEVICES": ""}
    directory = stubs.begin(job)
    directory.append(rows(1))
    live = {"epoch": 2, "loss": 0.5}
    directory.write_progress({"processes": [], "progress": 0.5, "live": live, "notes": ["n"], "recipe": {"lr": 1.0}})
    job_runner.step()
    record = jobs.get(job)
    assert (record.progress, record.live, record.notes, record.recipe) == (0.5, live, ["n"], {"lr": 1.0})
    assert sorted(jobs.rows(job)) == sorted(rows(1))
    before = jobs.version()
    job_runner.step()
    assert jobs.version() == before  # nothing is written where nothing has changed
    directory.append(rows(2))
    stubs.end(job, "finished", result={"top1": 1.0})
    job_runner.step()
    record = jobs.get(job)
    assert (record.status, record.progress, record.result, record.error) == (Status.FINISHED, 1.0, {"top1": 1.0}, None)
    assert (record.live, record.pids, record.slots) == (None, [], [])
    assert record.ended is not None
    assert sorted(jobs.rows(job)) == sorted(rows(1, 2))
    assert not job_runner.step()


ENDS: dict[str, tuple[str | None, bool, Status, str | None]] = {
    "failed": ("failed", False, Status.FAILED, "input"),
    "stopped by a signal": ("stopped", False, Status.STOPPED, None),
    "stopped as asked": ("stopped", True, Status.STOPPED, None),
    "done when asked": ("finished", True, Status.FINISHED, None),
    "killed": (None, False, Status.INTERRUPTED, "killed"),
    "killed when asked": (None, True, Status.STOPPED, None),
}


@pytest.mark.parametrize("name", ENDS)
def test_each_kind_of_end_is_recorded(name: str, jobs: Store, stubs: FakeBackend) -> None:
    status_written, stop_requested, status, code = ENDS[name]
    (job,) = submit_jobs()
    job_runner = make_runner(jobs, stubs)
    job_runner.step()
    stubs.begin(job).append(rows(1))
    if stop_requested:
        service.stop(job)
        job_runner.step()
        assert jobs.get(job).status is Status.STOPPING  # until its processes are gone
        assert stubs.cancelled == [(job, False)]
    stubs.end(job, status_written, error={"code": "input", "message": "m"} if status_written == "failed" else None)
    job_runner.step()
    record = jobs.get(job)
    assert (record.status, record.error and record.error["code"]) == (status, code)
    assert (record.slots, record.pids, sorted(jobs.rows(job))) == ([], [], sorted(rows(1)))


def test_a_job_that_does_not_stop_is_killed(jobs: Store, stubs: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    (job,) = submit_jobs()
    job_runner = make_runner(jobs, stubs)
    job_runner.step()
    service.stop(job)
    job_runner.step()
    monkeypatch.setattr(runner, "STOP_TIMEOUT", 0.0)
    job_runner.step()
    assert stubs.cancelled == [(job, False), (job, True)]
    assert jobs.get(job).status is Status.STOPPING  # until its processes are gone


def test_jobs_start_in_the_order_of_the_queue(jobs: Store, stubs: FakeBackend) -> None:
    ids = submit_jobs(6)
    job_runner = make_runner(jobs, stubs, cpu_slots=2)
    job_runner.step()
    assert stubs.starts == ids[:2]
    service.stop(ids[2])  # leaves the queue
    service.resume(ids[2])  # and is the last
    for job in (*ids[:2], *ids[3:], ids[2]):
        job_runner.step()
        assert len(stubs.alive) == len(jobs.records(AT_WORK)) <= 2
        stubs.begin(job)
        stubs.end(job, "finished")
    job_runner.step()
    assert stubs.starts == [*ids[:2], *ids[3:], ids[2]]
    assert {record.status for record in jobs.records()} == {Status.FINISHED}


def test_a_resumed_job_continues_its_metrics(jobs: Store, stubs: FakeBackend) -> None:
    """The worker replaces the metrics file, which loses the epochs after its checkpoint."""
    (job,) = submit_jobs()
    job_runner = make_runner(jobs, stubs)
    job_runner.step()
    stubs.begin(job).append(rows(1, 2, 3))
    stubs.end(job)
    job_runner.step()
    assert len(jobs.rows(job)) == 6
    service.resume(job)
    job_runner.step()
    job_runner.step()  # the old file is there still
    assert len(jobs.rows(job)) == 6
    directory = stubs.begin(job, rows(1, 2))
    job_runner.step()
    assert sorted(jobs.rows(job)) == sorted(rows(1, 2))
    directory.append([*rows(3, value=math.inf), Row(3, "validation/loss", math.nan)])
    job_runner.step()
    with directory.metrics.open("a") as file:
        file.write('{"epoch": 4, "name": "half')
    job_runner.step()
    directory.open(rows(1, 2, 3, 4), ["a"])
    stubs.end(job, "finished")
    job_runner.step()
    assert sorted(jobs.rows(job)) == sorted(directory.rows()) == sorted(rows(1, 2, 3, 4))


def test_unchanged_progress_is_not_written_again(jobs: Store, stubs: FakeBackend) -> None:
    (job,) = submit_jobs()
    job_runner = make_runner(jobs, stubs)
    job_runner.step()
    stubs.begin(job).write_progress({"live": {"train/loss": math.nan}})
    job_runner.step()
    before = jobs.version()
    job_runner.step()
    assert jobs.version() == before


# Errors of one job


def vanish(job: str) -> None:
    for path in sorted(service.directory(job).folder.rglob("*"), reverse=True):
        path.unlink()
    service.directory(job).folder.rmdir()


def zeros(job: str) -> None:
    """Writes zeros into the metrics, as a power cut may do."""
    service.directory(job).metrics.write_bytes(b'{"epoch": 1, "name": "a", "value": 1.0}\n' + b"\0" * 200 + b"\n")


def other_rows(job: str) -> None:
    service.directory(job).metrics.write_text('{"what": 1}\n' * 50)


def twice(job: str) -> None:
    service.directory(job).metrics.write_text('{"epoch": 1, "name": "a", "value": 1.0}\n' * 50)


@pytest.mark.parametrize("damage", [vanish, zeros, other_rows, twice])
def test_a_damaged_run_ends_without_affecting_others(
    damage: Callable[[str], None], jobs: Store, stubs: FakeBackend
) -> None:
    damaged, other, later = submit_jobs(3)
    job_runner = make_runner(jobs, stubs, cpu_slots=2)
    job_runner.step()
    for job in (damaged, other):
        stubs.begin(job, rows(1))
    job_runner.step()
    damage(damaged)
    service.directory(other).append(rows(2))
    stubs.end(damaged)
    for _step in range(3):
        job_runner.step()
    record = jobs.get(damaged)
    assert record.status in {Status.INTERRUPTED, Status.FAILED}
    assert record.error is not None
    assert jobs.rows(damaged)  # the metrics copied before are kept
    assert sorted(jobs.rows(other)) == sorted(rows(1, 2))
    assert jobs.get(other).status is Status.RUNNING
    assert stubs.starts == [damaged, other, later]


def test_a_job_whose_folder_is_deleted_before_the_start_fails(jobs: Store, stubs: FakeBackend) -> None:
    gone, other = submit_jobs(2)
    vanish(gone)
    job_runner = make_runner(jobs, stubs)
    for _step in range(3):
        job_runner.step()
    record = jobs.get(gone)
    assert record.status is Status.FAILED
    assert record.error is not None
    assert "was deleted" in record.error["message"]
    with pytest.raises(InputError, match=r"its folder .* was deleted; train it anew"):
        service.resume(gone)
    assert jobs.get(other).status is Status.RUNNING


def test_a_job_whose_folder_is_deleted_while_it_runs_fails(jobs: Store, stubs: FakeBackend) -> None:
    (job,) = submit_jobs()
    job_runner = make_runner(jobs, stubs)
    job_runner.step()
    stubs.begin(job, rows(1))
    job_runner.step()
    vanish(job)
    stubs.end(job)
    job_runner.step()
    record = jobs.get(job)
    assert record.status is Status.FAILED
    assert record.error is not None
    assert "was deleted, and with it all checkpoints" in record.error["message"]
    assert jobs.rows(job)  # the curves are in the store


def test_a_job_killed_before_it_began_is_started_again(jobs: Store, stubs: FakeBackend) -> None:
    job, other = submit_jobs(2)
    job_runner = make_runner(jobs, stubs)
    for start in range(1, runner.MAX_STARTS + 1):
        job_runner.step()
        assert stubs.starts == [job] * start  # before the other one, which has a later turn
        stubs.end(job)
    job_runner.step()
    assert jobs.get(job).status is Status.FAILED  # it can't begin, so other jobs start
    assert "its processes could not be started" in (jobs.get(job).error or {})["message"]
    assert stubs.starts[-1] == other


def test_a_job_that_can_not_be_started_fails(jobs: Store, stubs: FakeBackend) -> None:
    bad, other = submit_jobs(2)

    def refuse(job: str) -> None:
        if job == bad:
            raise OSError(12, "Cannot allocate memory")

    stubs.fault = refuse
    job_runner = make_runner(jobs, stubs)
    for _step in range(3):
        job_runner.step()
    assert (jobs.get(bad).status, jobs.get(bad).slots) == (Status.FAILED, [])
    assert "Cannot allocate memory" in (jobs.get(bad).error or {})["message"]
    assert stubs.starts == [other]
    stubs.fault = lambda _job: None
    service.resume(bad)
    stubs.end(other, "finished")
    for _step in range(2):
        job_runner.step()
    assert (jobs.get(bad).status, jobs.get(bad).error) == (Status.RUNNING, None)


def test_a_resumed_job_that_needs_too_many_gpus_fails(jobs: Store, stubs: FakeBackend) -> None:
    """It does not get the end that an earlier start wrote."""
    (job,) = submit_jobs()
    job_runner = make_runner(jobs, stubs)
    job_runner.step()
    stubs.begin(job)
    stubs.end(job, "stopped")
    job_runner.step()
    assert jobs.get(job).status is Status.STOPPED
    jobs.change(job, Status, resources={"device": "cuda", "processes": 3, "threads": None})
    service.resume(job)
    for _step in range(2):
        job_runner.step()
    assert jobs.get(job).status is Status.FAILED
    assert (jobs.get(job).error or {})["code"] == "runner"


def test_the_runner_ends_when_it_is_idle_or_its_store_is_deleted(
    jobs: Store, stubs: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "POLL", 0.01)
    closed: list[bool] = []
    monkeypatch.setattr(stubs, "close", lambda: closed.append(True))
    make_runner(jobs, stubs).run(0.05)
    assert len(closed) == 1
    assert not leases.living(jobs)
    if jobs.path is None:  # a server is no file
        return
    submit_jobs()
    job_runner = make_runner(jobs, stubs)
    step = job_runner.step
    steps: list[int] = []

    def some() -> bool:
        steps.append(len(steps))
        if len(steps) == 1:
            raise StoreError
        if len(steps) == 5:
            assert jobs.path is not None
            jobs.path.replace(jobs.path.with_name("moved.db"))
        return step()

    monkeypatch.setattr(job_runner, "step", some)
    job_runner.run(1000)
    assert len(steps) == 5
    assert len(closed) == 2
    assert len(stubs.alive) == 1  # the job goes on


def test_a_runner_that_is_asked_to_stop_leaves_its_jobs_to_the_next_one(
    jobs: Store, stubs: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "POLL", 0.01)
    [job] = submit_jobs()
    first = make_runner(jobs, stubs)
    first.stopping.set()
    first.run(1000)
    assert jobs.get(job).status is Status.RUNNING
    assert list(leases.living(jobs)) == [first.machine]  # otherwise others would think that the job is lost
    stubs.begin(job)
    stubs.end(job, "finished")
    second = make_runner(jobs, stubs)
    second.stopping.set()
    second.run(1000)
    assert jobs.get(job).status is Status.FINISHED
    assert not leases.living(jobs)
    assert stubs.starts == [job]
