"""Processes are really killed: no job is lost or runs twice, no process is left, and every run has the same result.

``EXPLORER_KILL_SECONDS`` sets the minimum seconds of the first test.
``python -m tests.helpers.process_harness SECONDS`` runs it for longer.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

import psutil
import pytest

from explorer.jobs import service
from explorer.jobs.processes import processes_of_job
from explorer.jobs.run_directory import RunDirectory
from explorer.jobs.store import Status, store
from explorer.settings import settings
from tests.helpers.fork_server import ForkServer
from tests.helpers.process_harness import RECIPE, VICTIMS, Arena, kill, own_queue, results, wait_for, words
from tests.helpers.ranks import run_in_ranks
from tests.helpers.training import SPEC, difference, images

pytestmark = [pytest.mark.process, pytest.mark.waits]

SECONDS = float(os.environ.get("EXPLORER_KILL_SECONDS", "5"))
KILLS = 8  # of one job: each victim twice, before the job has finished


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    with own_queue(tmp_path_factory.mktemp("queue")) as made:
        images(made.folder / "data.npz")
        yield made


@pytest.fixture(scope="module")
def alone(arena: Arena) -> dict[str, Any]:
    """Returns the result of an uninterrupted run."""
    job = arena.submit(str(arena.folder / "data.npz"))
    return arena.survive(job)


def test_a_job_killed_at_any_moment_ends_with_the_same_bits(arena: Arena, alone: dict[str, Any]) -> None:
    victims, end = cycle(VICTIMS), time.monotonic() + SECONDS  # the next job continues with the next victim
    while time.monotonic() < end or not all(arena.counts[f"kills of {victim}"] for victim in VICTIMS):
        job = arena.submit(str(arena.folder / "data.npz"))
        found = arena.survive(job, islice(victims, KILLS))
        assert difference(alone, found) is None
    assert not arena.twice


def test_a_killed_rank_ends_the_job_which_can_be_resumed(arena: Arena, fork_server: ForkServer) -> None:
    job = arena.submit(str(arena.folder / "data.npz"), processes=2, epochs=60)
    wait_for(job, Status.RUNNING, trained=True)
    arena.kill("worker", job)
    record = wait_for(job, Status.FAILED, Status.INTERRUPTED)
    assert record.error is not None
    # The other rank writes the reason, unless it is ended first.
    assert (record.status, record.error["code"]) in {
        (Status.FAILED, "process_lost"),
        (Status.INTERRUPTED, "killed"),
    }
    arena.check_no_process(job)
    service.resume(job)
    wait_for(job, Status.RUNNING, trained=True)
    arena.kill("supervisor", job)  # this also ends the process that started the ranks
    wait_for(job, Status.INTERRUPTED)
    arena.check_no_process(job)
    service.resume(job)
    wait_for(job, Status.FINISHED)
    arena.check_no_process(job)
    unharmed = RunDirectory(arena.folder / "unharmed")
    unharmed.folder.mkdir()
    shutil.copy(service.directory(job).folder / "job.json", unharmed.folder)
    assert run_in_ranks(unharmed, fork_server) == [0, 0], unharmed.log.read_text(errors="replace")
    assert difference(results(unharmed), results(service.directory(job))) is None
    assert not arena.twice


def test_a_job_is_stopped_in_time_and_only_after_its_processes_ended(arena: Arena) -> None:
    job = arena.submit(str(arena.folder / "data.npz"), epochs=10_000)
    wait_for(job, Status.RUNNING, trained=True)
    there = processes_of_job(job)
    assert len(there) >= 2
    assert {process.nice() for process in there} == {
        max(settings().niceness, psutil.Process().nice())
    }  # pages go first
    begin = time.monotonic()
    service.stop(job)
    while store().get(job).status is not Status.STOPPED:
        assert time.monotonic() - begin < 60
        service.check_runner()
        time.sleep(0.01)
    assert not [process for process in there if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    service.delete(job)


def test_a_job_that_ignores_the_stop_is_killed(arena: Arena) -> None:
    job = arena.submit(str(arena.folder / "data.npz"), epochs=10_000)
    wait_for(job, Status.RUNNING, trained=True)
    worker = next(process for process in processes_of_job(job) if "training.worker" in words(process))
    worker.suspend()
    begin = time.monotonic()
    service.stop(job)
    record = wait_for(job, Status.STOPPED)
    assert time.monotonic() - begin < 60
    assert record.error is not None
    assert record.error["code"] == "forced"
    arena.check_no_process(job)
    service.resume(job)
    wait_for(job, Status.RUNNING, trained=True)
    for process in processes_of_job(job):
        if "jobs.supervisor" in words(process):
            process.suspend()  # no process is left that could stop the job
    service.stop(job)
    wait_for(job, Status.STOPPED)
    arena.check_no_process(job)
    service.delete(job)
    assert not service.directory(job).folder.exists()


def test_a_job_survives_the_process_that_submitted_it(arena: Arena) -> None:
    """A process submits jobs and starts the runner, like the app, and is then killed."""
    for runner in arena.runners():
        kill(runner)
    data = str(arena.folder / "data.npz")
    reading, writing = os.pipe()
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", _APP, data, json.dumps(SPEC), json.dumps(RECIPE | {"epochs": 50})],
        {**os.environ, "EXPLORER_KEEP_READY": "true"},
        file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)],
        setpgroup=0,
    )
    os.close(writing)
    with os.fdopen(reading) as output:
        first, second = (output.readline().strip() for _job in range(2))
    wait_for(first, Status.RUNNING)
    os.killpg(pid, 9)
    os.waitpid(pid, 0)
    for job in (first, second):  # the warm worker trains the second one
        wait_for(job, Status.FINISHED)
        arena.check_no_process(job)


# It gets spec and recipe as text: the harness would import torch.
_APP = """
import json, sys, time
from explorer.families import parse_spec
from explorer.jobs import service
from explorer.jobs.job import Job, Resources
from explorer.recipes import Recipe
spec, recipe = map(json.loads, sys.argv[2:])
for _job in range(2):
    resources = Resources(device="cpu", threads=1)
    job = Job.new(parse_spec(spec), sys.argv[1], Recipe.parse(recipe), resources)
    print(service.submit([job])[0].id, flush=True)
time.sleep(1000)
"""
