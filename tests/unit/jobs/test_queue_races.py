"""Many processes use one store, with the real runner and supervisors, and a fake worker."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.families import parse_spec
from explorer.jobs import service
from explorer.jobs.job import Job, Resources
from explorer.jobs.store import ACTIVE, AT_WORK, Status, store
from explorer.recipes import Recipe
from explorer.settings import settings
from tests.helpers.process_harness import own_queue
from tests.helpers.stores import both_databases
from tests.helpers.training import SPEC
from tests.helpers.waiting import until

pytestmark = pytest.mark.process

# It gets the spec as text: the helper's module would import torch, which takes more time than all the jobs.
APP = """
import json, os, sys
os.environ["EXPLORER_MACHINE"] = sys.argv[1]
from explorer.jobs import service
from explorer.jobs.job import Job, Resources
from explorer.recipes import Recipe
from explorer.families import parse_spec
service.RUNNER = "tests.helpers.fake_worker_runner"
for number in range(10):
    service.submit(
        [Job.new(parse_spec(json.loads(sys.argv[2])), "digits", Recipe(), Resources(), f"{sys.argv[1]} {number}")]
    )
"""
SLOTS, JOBS = 2, 20


@pytest.fixture
def queue(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("EXPLORER_DATABASE_URL", database_url)
    monkeypatch.setenv("EXPLORER_CPU_SLOTS", str(SLOTS))
    monkeypatch.setenv("EXPLORER_RUNNER_IDLE", "2")
    monkeypatch.setattr(service, "RUNNER", "tests.helpers.fake_worker_runner")
    with own_queue(tmp_path):
        yield


@both_databases
@pytest.mark.usefixtures("queue")
def test_jobs_of_two_apps_run_once_in_order_on_the_slots_of_their_machines() -> None:
    """With SQLite, both share one machine. With a server, each app starts a runner under another machine's name."""
    machines = 1 if store().path else 2
    slots = SLOTS * machines
    apps = [subprocess.Popen([sys.executable, "-c", APP, name, json.dumps(SPEC)]) for name in ("one", "other")]
    assert [app.wait(60) for app in apps] == [0, 0]
    begin = time.monotonic()
    while store().records(ACTIVE):
        assert time.monotonic() - begin < 90, [record.status for record in store().records()]
        assert sum(len(record.slots) for record in store().records(AT_WORK)) <= slots
        time.sleep(0.02)
    records = store().records()
    assert len(records) == JOBS
    assert {record.status for record in records} == {Status.FINISHED}
    # Jobs start in the order of their turns, and each app's jobs are in the order of their submission.
    for name in ("one", "other"):
        assert [record.name for record in records if record.name.startswith(name)] == [f"{name} {n}" for n in range(10)]
    started = [record.started for record in records if record.started]
    assert len(started) == JOBS
    for machine in {record.machine for record in records}:
        of_machine = [record.started for record in records if record.machine == machine and record.started]
        assert of_machine == sorted(of_machine)
    assert len({record.machine for record in records}) == machines
    # Each job ran once, and there were never more at a time than slots.
    spans = []
    for record in records:
        lines = (service.directory(record.id).folder / "worked.txt").read_text().splitlines()
        assert len(lines) == 1
        spans.append(tuple(map(float, lines[0].split())))
    for begin_of_one, _end in spans:
        assert sum(begin <= begin_of_one < end for begin, end in spans) <= slots


def remove_store() -> None:
    for path in settings().runs_dir.glob("store.db*"):
        path.unlink(missing_ok=True)  # SQLite itself removes its log when the last connection closes


@pytest.mark.usefixtures("queue")
def test_only_one_runner_works_and_it_ends_when_its_store_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_RUNNER_IDLE", "600")
    settings.cache_clear()
    monkeypatch.setattr(service, "ensure_runner", lambda: None)
    (job,) = service.submit([Job.new(parse_spec(SPEC), "digits", Recipe(), Resources())])
    environment = settings().for_process()
    runners = [
        subprocess.Popen([sys.executable, "-m", "tests.helpers.fake_worker_runner"], env=environment)
        for _one in range(2)
    ]
    until(lambda: store().get(job.id).status is Status.FINISHED)
    until(lambda: any(runner.poll() is not None for runner in runners))
    (first_gone,) = [runner for runner in runners if runner.poll() is not None]
    assert first_gone.returncode == 0
    remove_store()
    assert [runner.wait(60) for runner in runners] == [0, 0]


@pytest.mark.usefixtures("queue")
def test_an_idle_runner_ends() -> None:
    service.ensure_runner()
    assert service._runners[-1].wait(60) == 0
