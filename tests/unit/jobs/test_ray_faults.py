"""The Ray backend against a head that answers as a test wants: faults in one sentence, and no job lost."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from explorer.families import resolve
from explorer.jobs import ray_supervisor, service
from explorer.jobs.job import Job, Resources
from explorer.jobs.processes import identity
from explorer.jobs.ray_backend import RayBackend, RaySlots
from explorer.jobs.ray_cluster import Capacity, Cluster, ClusterError
from explorer.jobs.ray_submission import waiting_words
from explorer.jobs.runner import Runner
from explorer.jobs.store import Status, Store
from explorer.recipes import Recipe
from explorer.settings import Settings, settings
from tests.helpers.fake_ray import TOKEN, FakeHead, fake_head

ENDS: dict[int, str] = {
    ray_supervisor.NO_FOLDER: "does not see the folder",
    ray_supervisor.NO_STORAGE: "can't use the storage",
    127: "has no Python at",
}


@pytest.fixture
def head(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHead]:
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    with fake_head() as made:
        yield made


class Queue:
    """A runner whose cluster is the fake one."""

    def __init__(self, job_store: Store) -> None:
        self.store = job_store
        self.backend = RayBackend()
        self.runner = Runner(job_store, self.backend, RaySlots(self.backend, 2))

    def until(self, fact: Callable[[], Any]) -> None:
        begin = time.monotonic()
        while not fact():
            assert time.monotonic() - begin < 30, self.store.records()
            self.runner.step()
            time.sleep(0.02)

    def until_status(self, job: str, status: Status) -> dict[str, str]:
        self.until(lambda: self.store.get(job).status is status)
        return self.store.get(job).error or {}

    def step_of(self, job: str) -> str:
        return str((self.store.get(job).live or {}).get("step", ""))


@pytest.fixture
def queue(head: FakeHead, jobs: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    monkeypatch.setenv("EXPLORER_BACKEND", "ray")
    monkeypatch.setenv("EXPLORER_RAY_ADDRESS", head.address)
    monkeypatch.setattr("explorer.jobs.ray_backend.LOOK_EVERY", 0.02)
    monkeypatch.setattr("explorer.jobs.ray_backend.CHECK_EVERY", 0.02)
    settings.cache_clear()
    made = Queue(jobs)
    yield made
    made.backend.close()


def submit(count: int = 1, **resources: Any) -> list[str]:
    made = [Job.new(resolve("digits-cnn"), "digits", Recipe(), Resources(**resources)) for _job in range(count)]
    return [record.id for record in service.submit(made)]


def submission_of(job: str) -> str:
    return f"{job}-{service.directory(job).ticket()}"


def begin(head: FakeHead, job: str) -> None:
    """Do what the node does first."""
    head.jobs[submission_of(job)] = {"status": "RUNNING"}
    service.directory(job).write_supervisor(identity(1))


def wrong_token(_head: FakeHead, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("RAY_AUTH_TOKEN", "wrong")


def no_token(_head: FakeHead, patch: pytest.MonkeyPatch) -> None:
    patch.delenv("RAY_AUTH_TOKEN")
    patch.setenv("RAY_AUTH_TOKEN_PATH", "/nowhere")


def open_to_all(head: FakeHead, _patch: pytest.MonkeyPatch) -> None:
    head.mode = "disabled"


def old_version(head: FakeHead, _patch: pytest.MonkeyPatch) -> None:
    head.version = "2.9.3"


def unknown_address(head: FakeHead, _patch: pytest.MonkeyPatch) -> None:
    head.address = "http://127.0.0.1:9"


OPEN = "accepts jobs from everybody"
FAULTS = {
    "can't be reached (Connection refused): check EXPLORER_RAY_ADDRESS": unknown_address,
    "refuses the token from RAY_AUTH_TOKEN": wrong_token,
    "asks for a token: set RAY_AUTH_TOKEN": no_token,
    OPEN: open_to_all,
    "runs Ray '2.9.3'; this product needs 2.52 or newer, but below 3.0": old_version,
}


@pytest.mark.parametrize("words", FAULTS)
def test_a_cluster_that_can_not_be_used_is_explained_in_one_sentence(
    words: str, head: FakeHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    Cluster(head.address).check()
    FAULTS[words](head, monkeypatch)
    with pytest.raises(ClusterError) as caught:
        Cluster(head.address).check()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    if words == OPEN:
        Cluster(head.address, insecure=True).check()


def test_the_token_may_be_in_a_file(head: FakeHead, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_token(head, monkeypatch)
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    Cluster(head.address).check()


def test_jobs_wait_while_the_cluster_can_not_be_used(
    queue: Queue, head: FakeHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    head.mode = "disabled"
    queue.until(lambda: "accepts jobs" in queue.backend.problem)
    (job,) = submit()
    queue.runner.step()
    assert queue.store.get(job).status is Status.QUEUED
    assert service.problem_file().read_text() == queue.backend.problem  # pages and commands show it
    head.mode = "token"
    queue.until(lambda: head.submitted)
    assert not service.problem_file().exists()
    monkeypatch.setenv("RAY_AUTH_TOKEN", "wrong")
    queue.until(lambda: "refuses the token" in queue.step_of(job))
    assert queue.store.get(job).status is Status.RUNNING


def test_ray_gets_every_job_up_to_the_bound_with_its_resources(queue: Queue, head: FakeHead) -> None:
    large, several, later = *submit(threads=4), *submit(processes=2, device="cuda"), *submit()
    queue.until(lambda: len(head.submitted) == 2)
    assert queue.store.get(later).status is Status.QUEUED
    first, second = head.submitted
    assert (first["entrypoint_num_cpus"], first["entrypoint_num_gpus"]) == (4, 0)
    assert first["runtime_env"]["env_vars"]["EXPLORER_JOB_CPUS"] == "4"
    assert "explorer.jobs.ray_supervisor" in first["entrypoint"]
    assert "entrypoint_num_cpus" not in second  # Ray Train asks for those of each process
    assert second["entrypoint"].endswith("--gpu")
    assert TOKEN not in str(head.submitted)
    queue.until(lambda: "no node has what each process needs (CPUs: 4, GPUs: 0)" in queue.step_of(large))
    assert "GPUs: 1" in queue.step_of(several)
    head.nodes, head.free = [{"CPU": 4.0}], 1.0
    queue.until(lambda: "for 1 process with CPUs: 4, GPUs: 0 each; free: 1 CPUs" in queue.step_of(large))
    head.free = 4.0
    queue.until(lambda: queue.step_of(large) == "the cluster starts it")


def test_a_job_is_not_said_to_start_while_the_cluster_does_not_say_what_is_free() -> None:
    for unknown in (Capacity(), Capacity(({"CPU": 4.0, "GPU": 0.0},), {})):
        assert "does not say yet what is free" in waiting_words(Resources(threads=1), unknown, on_gpu=False)


def test_a_job_that_waits_at_ray_stops_at_once(queue: Queue, head: FakeHead) -> None:
    (job,) = submit()
    queue.until(lambda: head.submitted)
    submission_id = submission_of(job)
    service.stop(job)
    queue.until_status(job, Status.STOPPED)
    assert service.directory(job).ticket() is None  # if Ray starts it nevertheless, it ends
    queue.until(lambda: head.stopped == [submission_id])


def test_a_job_is_stopped_through_ray(queue: Queue, head: FakeHead) -> None:
    (job,) = submit()
    queue.until(lambda: head.submitted)
    begin(head, job)
    service.stop(job)
    queue.until(lambda: head.stopped)
    assert queue.store.get(job).status is Status.STOPPING
    service.directory(job).end("stopped")
    head.jobs[submission_of(job)] = {"status": "STOPPED"}
    queue.until_status(job, Status.STOPPED)


def test_a_head_that_forgets_its_jobs_loses_none(queue: Queue, head: FakeHead) -> None:
    trains, waits = submit(2)
    queue.until(lambda: len(head.submitted) == 2)
    begin(head, trains)
    queue.until(lambda: head.jobs[submission_of(trains)])
    head.jobs.clear()
    assert queue.until_status(trains, Status.INTERRUPTED)["code"] == "killed"
    queue.until(lambda: len(head.submitted) == 3)  # the other one waits in the new queue
    assert head.submitted[2] == next(each for each in head.submitted if waits in each["entrypoint"])
    assert queue.store.get(waits).status is Status.RUNNING


def test_a_job_for_which_ray_gave_up_waiting_is_sent_again(queue: Queue, head: FakeHead) -> None:
    (job,) = submit()
    queue.until(lambda: head.submitted)
    head.jobs[submission_of(job)] = {"status": "FAILED", "error_type": "JOB_SUPERVISOR_ACTOR_START_TIMEOUT"}
    queue.until(lambda: len(head.submitted) == 2)
    assert queue.store.get(job).status is Status.RUNNING


@pytest.mark.parametrize("status", ENDS)
def test_a_job_that_can_not_begin_on_its_node_says_why(status: int, queue: Queue, head: FakeHead) -> None:
    (job,) = submit()
    queue.until(lambda: head.submitted)
    head.jobs[submission_of(job)] = {"status": "FAILED", "driver_exit_code": status}
    assert ENDS[status] in queue.until_status(job, Status.FAILED)["message"]


def test_a_node_without_the_explorer_is_named(queue: Queue, head: FakeHead) -> None:
    (job,) = submit()
    queue.until(lambda: head.submitted)
    message = "No module named 'explorer'"
    head.jobs[submission_of(job)] = {"status": "FAILED", "driver_exit_code": 1, "message": message}
    assert "lacks the explorer" in queue.until_status(job, Status.FAILED)["message"]


def test_a_job_that_ray_ends_for_its_memory_says_so(queue: Queue, head: FakeHead) -> None:
    (job,) = submit()
    queue.until(lambda: head.submitted)
    begin(head, job)
    message = "1 worker(s) were killed due to the node running low on memory. Memory on the node was 22.92GB used"
    head.jobs[submission_of(job)] = {"status": "FAILED", "message": message}  # as Ray 2.60 says it
    assert "memory of its node was almost full" in queue.until_status(job, Status.INTERRUPTED)["message"]


def test_a_job_that_ray_refuses_fails(queue: Queue, head: FakeHead) -> None:
    head.fail = (400, "Traceback\nValueError: no such runtime_env")
    (job,) = submit()
    assert "no such runtime_env" in queue.until_status(job, Status.FAILED)["message"]


def test_a_deleted_run_directory_ends_the_job(queue: Queue, head: FakeHead) -> None:
    (job,) = submit()
    queue.until(lambda: head.submitted)
    begin(head, job)
    submission_id = submission_of(job)
    for path in service.directory(job).folder.iterdir():
        path.unlink()
    service.directory(job).folder.rmdir()
    queue.until(lambda: head.stopped)
    head.jobs[submission_id] = {"status": "STOPPED"}
    assert queue.until_status(job, Status.FAILED)["code"] == "folder"


@pytest.mark.parametrize("address", ["", "ray://head:10001", "head:8265", "http://user:secret@head:8265"])
def test_only_the_address_of_a_dashboard_is_accepted(address: str) -> None:
    with pytest.raises(ValidationError, match="8265"):
        Settings(backend="ray", ray_address=address)
