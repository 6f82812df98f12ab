"""A backend without processes, for tests of the runner."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from explorer.families import resolve
from explorer.jobs import service
from explorer.jobs.job import Job, Resources
from explorer.jobs.run_directory import Row, RunDirectory
from explorer.jobs.runner import Runner
from explorer.jobs.slots import SlotPool
from explorer.jobs.store import Store
from explorer.recipes import Recipe


@dataclass
class FakeBackend:
    """A backend whose jobs run until a test ends them.

    Attributes:
        alive: Environments of the running jobs by id.
        starts: Ids of all started jobs.
        cancelled: Ids of cancelled jobs, and whether by force.
        fault: Function that may raise an error when a job is submitted.
    """

    alive: dict[str, dict[str, str]] = field(default_factory=dict)
    starts: list[str] = field(default_factory=list)
    cancelled: list[tuple[str, bool]] = field(default_factory=list)
    fault: Callable[[str], None] = lambda _job: None

    def submit(self, directory: RunDirectory, ticket: str, environment: dict[str, str]) -> None:
        job = directory.folder.name
        self.fault(job)
        assert job not in self.alive, "it runs twice at once"
        assert directory.ticket() == ticket
        assert directory.read_end() is None
        assert not directory.has_begun()
        self.starts.append(job)
        self.alive[job] = environment

    def poll(self, directory: RunDirectory) -> bool:
        return directory.folder.name in self.alive

    def cancel(self, directory: RunDirectory, *, force: bool) -> None:
        self.cancelled.append((directory.folder.name, force))

    def make_ready(self) -> None:
        pass

    def close(self) -> None:
        pass

    def begin(self, job: str, rows: list[Row] | None = None) -> RunDirectory:
        """Do the first steps of a supervisor and a worker."""
        directory = service.directory(job)
        assert job in self.alive
        directory.write_supervisor((2**30, 0.0))
        directory.begin()
        directory.open(rows or [], ["a"])
        return directory

    def end(self, job: str, status: str | None = None, **more: Any) -> None:
        """End the last process of a job; without a status, it leaves no result."""
        if status is not None:
            service.directory(job).end(status, **more)
        del self.alive[job]


def make_runner(jobs: Store, stubs: FakeBackend, cpu_slots: int = 1) -> Runner:
    return Runner(jobs, stubs, SlotPool([], cpu_slots))


def submit_jobs(count: int = 1) -> list[str]:
    made = [Job.new(resolve("digits-cnn"), "digits", Recipe(), Resources(device="cpu")) for _job in range(count)]
    return [record.id for record in service.submit(made)]


def rows(*epochs: int, value: float = 0.5) -> list[Row]:
    return [Row(epoch, name, value) for epoch in epochs for name in ("train/loss", "train/top1")]
