"""The job service: the states that each request starts from, and that each is done completely or not at all."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from explorer.errors import ExplorerError, InputError, StoreError
from explorer.families import resolve
from explorer.jobs import service
from explorer.jobs.job import MAX_NAME, Job, Resources
from explorer.jobs.run_directory import Row
from explorer.jobs.store import ACTIVE, AT_WORK, RESUMABLE, Status, Store, store
from explorer.recipes import Recipe
from explorer.settings import settings
from tests.helpers.stores import both_databases, new_job
from tests.helpers.waiting import until

SPEC = resolve("digits-cnn")
ensure_runner = service.ensure_runner  # the fixture ``jobs`` replaces it


def submit_jobs(status: Status = Status.QUEUED) -> str:
    """Returns the id of a new job in the given state."""
    (record,) = service.submit([new_job()])
    store().change(record.id, Status, status=status)
    return record.id


def folders() -> set[str]:
    return {folder.name for folder in settings().runs_dir.glob("*/")}


@both_databases
def test_submitted_jobs_are_queued_with_their_folders(jobs: Store) -> None:
    made = [new_job("a"), new_job("b")]
    records = service.submit(made)
    assert [(record.id, record.name, record.status) for record in records] == [
        (job.id, job.name, Status.QUEUED) for job in made
    ]
    assert [Job.read(service.directory(job.id).folder) for job in made] == made
    assert [service.jobs_ahead(record.id, jobs.records()) for record in records] == [0, 1]
    service.stop(made[0].id)
    assert service.jobs_ahead(made[1].id, jobs.records()) == 0
    assert folders() == {job.id for job in made}


@both_databases
@pytest.mark.parametrize("fault", ["folder", "store", "machine"])
def test_a_submission_is_all_or_nothing(fault: str, jobs: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = submit_jobs()
    made = [new_job(), new_job(), new_job()]
    if fault == "folder":
        write = Job.write

        def full(self: Job, folder: Path) -> None:
            if self.id == made[1].id:
                folder.mkdir()
                raise OSError(28, "No space left on device")
            write(self, folder)

        monkeypatch.setattr(Job, "write", full)
    elif fault == "store":

        def locked(_jobs: object, **_options: object) -> None:
            raise StoreError

        monkeypatch.setattr(jobs, "add", locked)
    else:
        monkeypatch.setattr(os, "cpu_count", lambda: 2)
        made[2] = Job.new(SPEC, "digits", Recipe(), Resources(processes=9))
    with pytest.raises((OSError, ExplorerError)):
        service.submit(made)
    assert [record.id for record in jobs.records()] == [before]
    assert folders() == {before}


@both_databases
def test_a_second_submission_does_not_touch_the_run(jobs: Store) -> None:
    made = new_job()
    service.submit([made])
    (service.directory(made.id).folder / "resume.pt").write_bytes(b"hours of work")
    with pytest.raises(OSError, match="exists"):
        service.submit([new_job(), made])
    assert [record.id for record in jobs.records()] == [made.id]
    assert (service.directory(made.id).folder / "resume.pt").read_bytes() == b"hours of work"
    assert folders() == {made.id}


STOPS = {Status.QUEUED: Status.STOPPED, Status.RUNNING: Status.STOPPING, Status.STOPPING: Status.STOPPING}


@both_databases
@pytest.mark.parametrize("status", Status)
@pytest.mark.usefixtures("jobs")
def test_stop(status: Status) -> None:
    job = submit_jobs(status)
    if status in STOPS:
        assert service.stop(job).status is STOPS[status]
        assert (store().get(job).ended is not None) == (status is Status.QUEUED)
    else:
        with pytest.raises(InputError, match=f"^job: {job} is {status}; there is nothing to stop$"):
            service.stop(job)
        assert store().get(job).status is status


@both_databases
@pytest.mark.parametrize("status", Status)
def test_resume(status: Status, jobs: Store) -> None:
    job, later = submit_jobs(status), submit_jobs()
    jobs.change(job, Status, error={"code": "a", "message": "b"}, progress=0.5, started=0.5, ended=1.0)
    jobs.write_rows(job, [Row(1, "a", 1.0)], replace=True)
    if status not in RESUMABLE:
        with pytest.raises(InputError, match=f"^job: {job} is {status}; only stopped, interrupted and failed"):
            service.resume(job)
        assert jobs.get(job).status is status
        return
    record = service.resume(job)
    assert (record.status, record.error, record.progress) == (Status.QUEUED, None, 0.5)
    assert record.started is record.ended is None
    assert [waiting.id for waiting in jobs.records()] == [later, job]
    assert jobs.rows(job) == [Row(1, "a", 1.0)]


@both_databases
@pytest.mark.parametrize("status", Status)
def test_delete(status: Status, jobs: Store) -> None:
    job, other = submit_jobs(status), submit_jobs()
    jobs.write_rows(job, [Row(1, "a", 1.0)], replace=True)
    if status in AT_WORK:
        with pytest.raises(InputError, match=f"^job: {job} is {status}; stop it first$"):
            service.delete(job)
        assert folders() == {job, other}
        return
    service.delete(job)
    assert folders() == {other}
    assert (jobs.rows(job), [record.id for record in jobs.records()]) == ([], [other])
    with pytest.raises(InputError):
        service.delete(job)


def test_delete_follows_no_link(jobs: Store, tmp_path: Path) -> None:
    job = submit_jobs()
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    (service.directory(job).folder / "link").symlink_to(tmp_path / "precious")
    service.delete(job)
    assert (tmp_path / "precious" / "file").exists()
    assert jobs.records() == []


@both_databases
def test_rename(jobs: Store) -> None:
    job = submit_jobs(Status.RUNNING)
    service.rename(job, "  夜 <b>*bold*</b>  ")
    assert jobs.get(job).name == "夜 <b>*bold*</b>"
    assert Job.read(service.directory(job).folder).name == "夜 <b>*bold*</b>"  # so the next card has it
    for name in ["", "  ", "a\nb", "x" * (MAX_NAME + 1), "\u202eright", "a\0"]:
        with pytest.raises(InputError, match=r"^name: "):
            service.rename(job, name)
    assert jobs.get(job).name == "夜 <b>*bold*</b>"


STRANGE = ["", ".", "..", "../outside", "/etc", "*", "%", "a/../b", "\0", "ID", "' OR '1'='1", "\udcff", "x" * 10_000]


@both_databases
@pytest.mark.parametrize(
    "action",
    [service.stop, service.resume, service.delete, lambda job: service.rename(job, "name")],
    ids=["stop", "resume", "delete", "rename"],
)
def test_an_unknown_id_changes_nothing(action: Callable[[str], object], jobs: Store, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").touch()
    job = submit_jobs()
    before = jobs.get(job)
    for name in STRANGE:
        with pytest.raises(InputError) as caught:
            action(name)
        assert len(str(caught.value)) < 100
        assert str(caught.value).isprintable()
    assert (jobs.records(), folders()) == ([before], {job})
    assert (tmp_path / "outside" / "file").exists()


# The runner


@pytest.fixture
def stub(jobs: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[int]]:
    """Replaces the runner by a stub. Returns a function that lists the stubs that work or have ended."""
    monkeypatch.setattr(service, "RUNNER", "tests.helpers.fake_runner")
    monkeypatch.setattr(service, "_runners", [])
    assert jobs.path is not None
    return lambda what: [int(path.name.partition("-")[2]) for path in settings().runs_dir.glob(f"{what}-*")]


@pytest.mark.process
def test_only_one_of_many_started_runners_works(
    stub: Callable[[str], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    start = service._start_runner

    def count() -> "subprocess.Popen[bytes]":
        started.append(start())
        return started[-1]

    monkeypatch.setattr(service, "_start_runner", count)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _number: ensure_runner(), range(16)))
    assert len(started) == 1
    monkeypatch.setattr(service, "_runners", [])  # as in another process
    ensure_runner()
    until(lambda: bool(stub("works")))
    for _time in range(3):
        ensure_runner()
        monkeypatch.setattr(service, "_runners", [])
        ensure_runner()
    until(lambda: len(stub("ended")) == len(started) - 1)
    assert len(started) <= 2
    assert len(stub("works")) == 1
    (settings().runs_dir / "leave").touch()
    for runner in started:
        assert runner.wait(60) == 0
    ensure_runner()  # starts another one, because it has ended
    assert len(started) in {2, 3}
    assert started[-1].wait(60) == 0


def test_no_runner_is_started_without_active_jobs(
    jobs: Store, stub: Callable[[str], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[bool] = []

    def start() -> None:
        starts.append(True)

    monkeypatch.setattr(service, "_start_runner", start)
    for status in set(Status) - ACTIVE:
        submit_jobs(status)
    monkeypatch.setattr(service, "ensure_runner", ensure_runner)
    monkeypatch.setattr(service, "CHECK_INTERVAL", 0)
    service.check_runner()
    assert (starts, stub("works")) == ([], [])
    for status in ACTIVE:
        jobs.change(jobs.records()[0].id, Status, status=status)
        monkeypatch.setattr(service, "_runners", [])
        service.check_runner()
    assert len(starts) == len(ACTIVE)
    monkeypatch.setattr(service, "CHECK_INTERVAL", 60)
    service.check_runner()
    assert len(starts) == len(ACTIVE)


def test_a_suspended_or_silent_runner_is_reported(jobs: Store) -> None:
    pulse = service.runner_pulse()
    assert service.runner_problem() == ""
    assert not service.has_ready_process()
    submit_jobs()
    # Its command line contains the name of the runner's module.
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", service.RUNNER])
    try:
        while service.RUNNER not in psutil.Process(process.pid).cmdline():  # until then, it looks like this process
            time.sleep(0.01)
        pulse.write_text(str(process.pid), encoding="utf-8")
        assert service.runner_problem() == ""
        assert service.has_ready_process()
        service.problem_file().write_text("the cluster can't be reached", encoding="utf-8")  # as the runner says it
        assert service.runner_problem() == "the cluster can't be reached"
        os.utime(pulse, (0, 0))
        assert f"(pid {process.pid}) has not answered for" in service.runner_problem()
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        assert f"(pid {process.pid}) is suspended" in service.runner_problem()
    finally:
        process.kill()
        process.wait()
    assert service.runner_problem() == ""  # nor what that runner said about a cluster
    pulse.write_text(str(os.getpid()), encoding="utf-8")  # another process has the id now
    assert service.runner_problem() == ""
    assert not service.has_ready_process()
