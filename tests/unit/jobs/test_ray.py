"""Jobs on a real Ray cluster of three nodes: the same as on one machine, also when nodes and the head are lost."""

import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from explorer.cli.print_train import summary
from explorer.families import parse_spec
from explorer.jobs import service
from explorer.jobs.job import Job, Resources
from explorer.jobs.ray_backend import RayBackend, RaySlots
from explorer.jobs.run_directory import RunDirectory
from explorer.jobs.runner import Runner
from explorer.jobs.shared_storage import SharedStorage
from explorer.jobs.store import Record, Status, Store
from explorer.recipes import Recipe
from explorer.settings import settings
from explorer.training import checkpoint
from tests.helpers.object_storage import object_storage
from tests.helpers.process_harness import results
from tests.helpers.ray_nodes import Nodes, local_nodes
from tests.helpers.training import SPEC, difference, images, run

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(find_spec("ray") is None, reason="the extra 'ray' is not installed"),
]


PATIENCE = 300  # seconds; the machine may be busy
STOP_SECONDS = 10.0


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with object_storage() as address:
        yield address


@pytest.fixture(scope="module")
def nodes(bucket: str) -> Iterator[Nodes]:
    """Start the nodes, which have the keys of the storage in their environment."""
    with local_nodes() as made:
        yield made


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return images(tmp_path_factory.mktemp("data") / "data.npz")


def make_job(data: str, processes: int = 1, threads: int = 1, epochs: int = 400) -> Job:
    fields = {"epochs": epochs, "batch_size": 16, "augment": [], "lr": 0.003, "schedule": "cosine"}
    resources = Resources(device="auto", threads=threads, processes=processes)
    return Job.new(parse_spec(SPEC), data, Recipe.parse(fields), resources)


class Queue:
    """A runner in this process, over a store of its own."""

    def __init__(self, job_store: Store, data: str) -> None:
        self.store = job_store
        self.data = data
        self.backend = RayBackend()
        self.runner = Runner(job_store, self.backend, RaySlots(self.backend, settings().ray_jobs))

    def submit(self, **more: int) -> str:
        return service.submit([make_job(self.data, **more)])[0].id

    def wait(self, job: str, wanted: Callable[[Record], Any]) -> Record:
        begin = time.monotonic()
        while not wanted(record := self.store.get(job)):
            assert time.monotonic() - begin < PATIENCE, (record.status, record.live, self.backend.problem)
            self.runner.step()
            time.sleep(0.1)
        return record

    def restart_runner(self) -> None:
        """Forget everything, as a new runner does."""
        self.backend.close()
        self.backend = RayBackend()
        self.runner = Runner(self.store, self.backend, RaySlots(self.backend, settings().ray_jobs))


def trains(record: Record) -> bool:
    return bool(record.live and record.live.get("epoch", 0) > 2)


def has(*statuses: Status) -> Callable[[Record], bool]:
    return lambda record: record.status in statuses


@pytest.fixture
def queue(nodes: Nodes, jobs: Store, data: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    monkeypatch.setenv("EXPLORER_BACKEND", "ray")
    monkeypatch.setenv("EXPLORER_RAY_ADDRESS", nodes.address)
    settings.cache_clear()
    nodes.complete()  # an earlier test, in whatever order they run, may have killed some
    made = Queue(jobs, data)
    yield made
    made.backend.close()
    settings.cache_clear()


@pytest.fixture(scope="module")
def alone(data: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Train the job in this process, without an interruption, and return its results."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    make_job(data).write(folder)
    assert run(folder) == 0
    return results(RunDirectory(folder))


def test_two_processes_on_two_nodes_train_and_stop_together(queue: Queue) -> None:
    job = queue.submit(processes=2)
    record = queue.wait(job, trains)  # each node has one CPU
    assert not record.error
    service.stop(job)
    begin = time.monotonic()
    assert queue.wait(job, has(Status.STOPPED)).error is None
    assert time.monotonic() - begin < STOP_SECONDS
    state = checkpoint.read(service.directory(job).resume)
    assert state is not None
    assert len(state["random"]) == 2  # of each rank


def test_a_job_on_object_storage_stops_in_time_and_resumes_to_the_same_weights(
    queue: Queue, bucket: str, alone: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPLORER_RUNS_STORAGE", bucket)
    settings.cache_clear()
    queue.restart_runner()
    job = queue.submit()
    queue.wait(job, trains)
    service.stop(job)
    begin = time.monotonic()
    queue.wait(job, has(Status.STOPPED))
    assert time.monotonic() - begin < STOP_SECONDS
    directory = service.directory(job)
    assert directory.resume.exists()
    service.resume(job)
    queue.wait(job, has(Status.FINISHED))
    assert not directory.resume.exists()
    assert difference(alone, results(directory)) is None
    storage = SharedStorage(bucket)
    assert "best.safetensors" in storage.versions(job)
    service.delete(job)
    begin = time.monotonic()
    while storage.versions(job):
        assert time.monotonic() - begin < PATIENCE
        time.sleep(0.1)


def test_a_job_survives_its_node_and_the_head_to_the_same_weights(
    queue: Queue, nodes: Nodes, alone: dict[str, Any]
) -> None:
    job = queue.submit()
    too_large = queue.submit(threads=8)
    queue.wait(job, trains)
    waiting = queue.store.get(too_large)
    assert waiting.live is not None
    assert "no node has what each process needs (CPUs: 8, GPUs: 0)" in waiting.live["step"]
    assert waiting.live["step"] in summary(service.describe(waiting))

    info = queue.backend.cluster._ask("GET", f"/api/jobs/{job}-{service.directory(job).ticket()}")
    nodes.kill_worker(info["driver_node_id"])
    record = queue.wait(job, has(Status.INTERRUPTED))
    assert (record.error or {})["code"] == "killed"
    assert 0 < record.progress < 1
    service.resume(job)
    queue.restart_runner()  # it finds the job, which goes on at the other node
    queue.wait(job, trains)

    nodes.restart_head()
    assert 0 < queue.wait(job, has(Status.INTERRUPTED)).progress < 1
    assert queue.store.get(too_large).status is Status.RUNNING
    nodes.add_worker()
    service.resume(job)
    queue.wait(job, has(Status.FINISHED))
    assert difference(alone, results(service.directory(job))) is None
    waiting = queue.store.get(too_large)
    assert waiting.status is Status.RUNNING
    assert (waiting.live or {})["waits"]
    service.stop(too_large)
    queue.wait(too_large, has(Status.STOPPED))
