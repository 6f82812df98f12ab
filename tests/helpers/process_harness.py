"""A separate queue whose real processes are killed.

``python -m tests.helpers.process_harness SECONDS`` kills for a given time.
"""

import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from explorer.errors import StoreError
from explorer.families import parse_spec
from explorer.jobs import service
from explorer.jobs.job import Job, Resources
from explorer.jobs.processes import processes_of_job
from explorer.jobs.run_directory import Row, RunDirectory
from explorer.jobs.store import ACTIVE, AT_WORK, RESUMABLE, Record, Status, store
from explorer.recipes import Recipe
from explorer.settings import settings
from explorer.weights import files
from tests.helpers.training import SPEC, difference

VICTIMS = ("worker", "supervisor", "runner", "all")
ORPHAN_LIFE = 60.0  # seconds
PATIENCE = 180  # seconds; the machine may be busy
RECIPE: dict[str, Any] = {"epochs": 400, "batch_size": 16, "augment": [], "lr": 0.003, "schedule": "cosine"}


class Arena:
    """Submits small jobs, kills their processes, supervisors and runners, and checks the records afterwards.

    Attributes:
        counts: Numbers of kills and of interrupted and finished jobs.
        twice: Messages about jobs that were trained twice at once.
    """

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.folder = folder
        self.chance = random.Random(seed)  # noqa: S311  random times, no secrets
        self.counts: Counter[str] = Counter()
        self.twice: list[str] = []
        self._begin = time.time() - 1  # the clock of the kernel counts in hundredths
        self._over = threading.Event()
        self._witness = threading.Thread(target=self._watch, daemon=True)
        self._witness.start()

    def close(self) -> None:
        """End all remaining processes."""
        self._over.set()
        self._witness.join()
        for runner in self.runners():
            kill(runner)
        while service._runners:
            service._runners.pop().wait()
        for record in self._at_work():
            for process in processes_of_job(record.id):
                kill(process)

    def submit(self, dataset: str, processes: int = 1, **recipe: Any) -> str:
        """Submit a job that takes some seconds; returns its id."""
        resources = Resources(device="cpu", threads=1, processes=processes)
        job = Job.new(parse_spec(SPEC), dataset, Recipe.parse(RECIPE | recipe), resources)
        return service.submit([job])[0].id

    def runners(self) -> list[psutil.Process]:
        """Runners of this arena's store."""
        return [process for process in psutil.process_iter() if self.is_runner(process)]

    def kill(self, victim: str, job: str) -> None:
        """Kill the processes of a job that a victim names, all at once."""
        of_it = processes_of_job(job)
        chosen = {
            "worker": [process for process in of_it if "training.worker" in words(process)],
            "supervisor": [process for process in of_it if "jobs.supervisor" in words(process)],
            "runner": self.runners(),
            "all": [*self.runners(), *of_it],
        }[victim]
        if victim == "worker" and len(chosen) > 1:  # a rank
            chosen = [self.chance.choice(chosen)]
        self.chance.shuffle(chosen)
        self.counts[f"kills of {victim}"] += len(chosen)
        for process in chosen:
            kill(process)

    def victims(self, until: float) -> Iterator[str]:
        """Random victims, until a time of the monotonic clock."""
        while time.monotonic() < until:
            yield self.chance.choice(VICTIMS)

    def survive(self, job: str, victims: Iterable[str] = ()) -> dict[str, Any]:
        """Kill the victims one after another, resume the job each time, and wait for its end; returns its results.

        Checks every state on the way.

        Args:
            job: Id of the job.
            victims: Victims, one for each time that the job runs.
        """
        remaining: Iterator[str] | None = iter(victims)
        while (record := store().get(job)).status is not Status.FINISHED:
            service.check_runner()
            assert record.status is not Status.FAILED, record.error
            if record.status in RESUMABLE:
                self.check_no_process(job)
                self.counts[f"{record.status}"] += 1
                service.resume(job)
            elif record.status is Status.RUNNING and remaining is not None:
                if (victim := next(remaining, None)) is None:
                    remaining = None
                    continue
                time.sleep(self.chance.uniform(0, 1.5))
                self.kill(victim, job)
                self.wait_until_stable(job)
            else:
                time.sleep(0.05)
        self.check_no_process(job)
        directory = service.directory(job)
        assert untimed(store().rows(job)) == untimed(directory.rows())
        return results(directory)

    def wait_until_stable(self, job: str) -> None:
        """Wait after a kill until the job runs again or has no process; fails after some seconds."""
        begin = time.monotonic()
        while time.monotonic() - begin < ORPHAN_LIFE:
            service.check_runner()  # as every command and page does
            status = store().get(job).status
            there = [process for process in processes_of_job(job) if process.is_running()]
            supervised = any("jobs.supervisor" in words(process) for process in there)
            if (status in ACTIVE and supervised) or (status not in AT_WORK and not there):
                return
            time.sleep(0.1)
        raise AssertionError(f"{status} with {[words(process) for process in there]}")

    def check_no_process(self, job: str) -> None:
        """Check that a job that ended has no process."""
        assert store().get(job).status not in AT_WORK
        assert not [words(process) for process in processes_of_job(job)]

    def is_runner(self, process: psutil.Process) -> bool:
        """Whether a process is a runner of this arena's store."""
        try:
            return (
                "explorer.jobs.runner" in words(process)
                and process.environ().get("EXPLORER_RUNS_DIR") == str(settings().runs_dir)
                and process.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.Error:
            return False

    def _at_work(self) -> list[Record]:
        """Records of jobs with processes; an empty list if a test has deleted the store."""
        try:
            return store().records(AT_WORK)
        except StoreError:
            return []

    def _is_young(self, process: psutil.Process) -> bool:
        """Whether a process was started after the arena; psutil caches the time of each process."""
        try:
            return process.create_time() > self._begin
        except psutil.Error:
            return False

    def _watch(self) -> None:
        """Poll whether a job trains twice: two supervisors, or two processes of one rank.

        A process that is about to run another program looks like its parent for a moment, or for longer on a busy
        machine. So only processes count that two polls in a row have found, and that are not children of such a
        process: a runner starts supervisors, and a supervisor starts workers.
        """
        suspects: set[int] = set()
        while not self._over.wait(0.1):
            seen: set[int] = set()
            records = self._at_work()
            # Older processes belong to no job. Polling every process of the machine would take a whole core.
            young = [process for process in psutil.process_iter() if self._is_young(process)] if records else []
            for record in records:
                there = [
                    (role(process), process.pid, parent(process)) for process in processes_of_job(record.id, young)
                ]
                most = {"supervisor": 1, "worker": record.resources["processes"]}
                for each, limit in most.items():
                    parents = {pid: above for found, pid, above in there if found == each}
                    pids = {pid for pid, above in parents.items() if above not in parents}
                    if len(pids) > limit:
                        seen |= pids
                        if pids <= suspects:
                            self.twice.append(f"{record.id}: {there}")
            suspects = seen


def wait_for(job: str, *wanted: Status, trained: bool = False) -> Any:
    """Waits for a status, as long as the job goes on: a busy machine may take its time."""
    moved, seen = time.monotonic(), None
    while True:
        record = store().get(job)
        if record.status in wanted and (not trained or (record.live and record.live.get("epoch", 0) > 1)):
            return record
        if seen != (seen := (record.status, record.progress)):
            moved = time.monotonic()
        assert time.monotonic() - moved < PATIENCE, record
        service.check_runner()
        time.sleep(0.05)


def words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def parent(process: psutil.Process) -> int:
    """Process id of the parent; 0 if the process has ended."""
    try:
        return process.ppid()
    except psutil.Error:
        return 0


def role(process: psutil.Process) -> str:
    command = words(process)
    if "jobs.supervisor" in command:
        return "supervisor"
    if "distributed.run" in command:
        return "agent"
    return "worker" if "training.worker" in command else "other"


def kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()


def results(directory: RunDirectory) -> dict[str, Any]:
    """Results of a job that must not depend on kills."""
    best, card = files.read(directory.best)
    last, _card = files.read(directory.last)
    return {
        "best": best,
        "last": last,
        "epoch": card.metrics["epoch"],
        "rows": untimed(directory.rows()),
        "end": directory.read_end(),
    }


def untimed(rows: list[Row]) -> list[Row]:
    """Metrics without times, sorted."""
    return sorted(row for row in rows if not row.name.startswith("time/"))


@contextmanager
def own_queue(folder: Path, *, ready: bool = False) -> Iterator[Arena]:
    """An arena in a folder.

    Args:
        folder: Folder of the store and the runs.
        ready: Whether the runner has a warm worker; each kill of the runner wastes one.
    """
    former = dict(os.environ)
    os.environ.update(EXPLORER_RUNS_DIR=str(folder / "runs"), EXPLORER_KEEP_READY=str(ready))
    settings.cache_clear()
    store.cache_clear()
    arena = Arena(folder)
    try:
        yield arena
    finally:
        arena.close()
        store().close()
        os.environ.clear()
        os.environ.update(former)
        settings.cache_clear()
        store.cache_clear()


def main(seconds: float) -> None:
    """Kill for some time, and print the counts."""
    from tests.helpers.training import images

    with tempfile.TemporaryDirectory() as name, own_queue(Path(name), ready=True) as arena:
        data = images(Path(name) / "data.npz")
        alone = arena.submit(data)
        wanted = arena.survive(alone)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            job = arena.submit(data)
            found = arena.survive(job, arena.victims(min(until, time.monotonic() + 30)))
            assert difference(wanted, found) is None
            arena.counts["finished like the one left alone"] += 1
        assert not arena.twice, arena.twice
        print(dict(arena.counts))


if __name__ == "__main__":
    main(float(sys.argv[1]))
