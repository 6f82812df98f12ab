"""Freeing disk space: exactly what was planned is removed, and nothing of an active run."""

import time

from explorer.jobs import retention, service
from explorer.jobs.retention import DAY, Rule
from explorer.jobs.store import ACTIVE, Status, Store
from tests.helpers import made_runs
from tests.helpers.stores import both_databases

pytestmark = both_databases


def add_all(jobs: Store) -> dict[Status, str]:
    return {status: made_runs.add(jobs, status, status) for status in Status}


def left(job: str) -> set[str]:
    return {file.name for file in service.directory(job).folder.iterdir()}


def test_finished_runs_keep_their_best_weights(jobs: Store) -> None:
    ids = add_all(jobs)
    before = {status: left(job) for status, job in ids.items()}
    [clearing] = plan = retention.plan(jobs.records(), Rule.BEST_ONLY)
    assert clearing.record.id == ids[Status.FINISHED]
    assert clearing.size == 3000 + 1000 + 2  # resume.pt, last.safetensors, last.json
    changed = jobs.get(clearing.record.id).changed
    assert retention.clear(plan) == clearing.size
    assert before.pop(Status.FINISHED) - left(clearing.record.id) == {"resume.pt", "last.safetensors", "last.json"}
    assert {status: left(ids[status]) for status in before} == before
    assert jobs.get(clearing.record.id).changed > changed  # so that readers notice the change
    assert len(jobs.rows(clearing.record.id)) > 0
    assert retention.plan(jobs.records(), Rule.BEST_ONLY) == []


def test_without_best_weights_the_last_weights_are_kept(jobs: Store) -> None:
    job = made_runs.add(jobs, "no best", Status.FINISHED)
    service.directory(job).best.unlink()
    assert retention.plan(jobs.records(), Rule.BEST_ONLY) == []


def test_failed_runs_are_deleted_with_all_files(jobs: Store) -> None:
    ids = add_all(jobs)
    plan = retention.plan(jobs.records(), Rule.FAILED)
    assert sum(one.size for one in plan) == sum(retention.files(ids[Status.FAILED]).values()) > 5000
    retention.clear(plan)
    assert {record.id for record in jobs.records()} == set(ids.values()) - {ids[Status.FAILED]}
    assert not service.directory(ids[Status.FAILED]).folder.exists()


def test_only_ended_runs_can_be_old(jobs: Store) -> None:
    ids = add_all(jobs)
    for job in ids.values():
        jobs.change(job, set(Status) - ACTIVE, ended=time.time() - 10 * DAY)
    assert retention.plan(jobs.records(), Rule.OLD, days=11) == []
    old = {one.record.status for one in retention.plan(jobs.records(), Rule.OLD, days=9)}
    assert old == set(Status) - ACTIVE


def test_a_run_resumed_or_deleted_after_the_preview_is_skipped(jobs: Store) -> None:
    resumed, deleted, other = (made_runs.add(jobs, name, Status.FAILED) for name in "abc")
    plan = retention.plan(jobs.records(), Rule.FAILED)
    service.resume(resumed)
    service.delete(deleted)
    before = left(resumed)
    assert retention.clear(plan) == plan[-1].size
    assert [record.id for record in jobs.records()] == [resumed]
    assert left(resumed) == before
    assert not service.directory(other).folder.exists()


def test_a_run_finished_after_the_preview_is_skipped(jobs: Store) -> None:
    job = made_runs.add(jobs, "failed", Status.FAILED)
    plan = retention.plan(jobs.records(), Rule.FAILED)
    service.resume(job)
    jobs.change(job, Status, status=Status.FINISHED)
    assert retention.clear(plan) == 0
    assert jobs.get(job).status is Status.FINISHED
    assert service.directory(job).best.exists()
