"""The runner with fake jobs: it is killed, or the store fails, at every moment."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import pytest

from explorer.errors import StoreError
from explorer.jobs import service
from explorer.jobs.run_directory import RunDirectory
from explorer.jobs.runner import Runner
from explorer.jobs.store import ACTIVE, Status, Store
from tests.helpers.fake_jobs import FakeBackend, make_runner, rows, submit_jobs
from tests.helpers.stores import reopened

pytestmark = pytest.mark.process


class Killed(BaseException):
    """Simulates the end of the runner."""


@contextmanager
def fail_at(moment: int, error: BaseException, job_store: Store, stubs: FakeBackend) -> Iterator[list[str]]:
    """Raises an error at one of the moments before and after each effect of the runner. Yields the moments passed."""
    passed: list[str] = []

    def watched(name: str, action: Callable[..., Any]) -> Callable[..., Any]:
        def around(*what: Any, **how: Any) -> Any:
            note(f"before {name}")
            result = action(*what, **how)
            note(f"after {name}")
            return result

        return around

    def note(name: str) -> None:
        passed.append(name)
        if len(passed) == moment:
            raise error

    with pytest.MonkeyPatch.context() as patch:
        for name in ("claim", "change", "write_rows"):
            patch.setattr(job_store, name, watched(name, getattr(job_store, name)))
        patch.setattr(stubs, "submit", watched("submit", stubs.submit))
        patch.setattr(stubs, "poll", watched("poll", stubs.poll))
        patch.setattr(RunDirectory, "prepare_start", watched("offer", RunDirectory.prepare_start))
        yield passed


def live_through(jobs: Store, stubs: FakeBackend, job: str, step: Callable[[], None], story: str) -> None:
    """Runs a job up to its end in the store. ``step`` runs one step of the runner."""
    step()
    step()
    if job in stubs.alive:
        stubs.begin(job, rows(1)).append(rows(2))
    step()
    if story == "stopped":
        service.stop(job)
        step()
    if job in stubs.alive:
        stubs.end(job, {"finished": "finished", "stopped": "stopped", "killed": None}[story])
    step()
    step()


ENDED = {"finished": Status.FINISHED, "stopped": Status.STOPPED, "killed": Status.INTERRUPTED}


FAULTS = {"killed": Killed(), "locked": StoreError("the store is locked")}
CASES = [("sqlite", *case) for case in product(["new", "resumed"], ENDED, FAULTS)]
# On a server, a claim is another transaction, and the rest is the same.
CASES += [("postgresql", "new", "finished", "locked"), ("postgresql", "resumed", "stopped", "killed")]


@pytest.mark.parametrize(("database_url", "before", "story", "fault"), CASES, indirect=["database_url"])
def test_a_job_has_one_correct_end_after_a_failure_at_any_moment(
    before: str, story: str, fault: str, jobs: Store, stubs: FakeBackend
) -> None:
    moment, job_store = 0, reopened(jobs)  # requests of users don't fail
    while True:
        moment += 1
        (job,) = submit_jobs()
        if before == "resumed":
            job_runner = make_runner(jobs, stubs)
            job_runner.step()
            stubs.begin(job, rows(1))
            stubs.end(job, "stopped")
            job_runner.step()
            service.resume(job)
        stubs.starts.clear()
        runners = [make_runner(job_store, stubs)]

        def step(runners: list[Runner] = runners) -> None:
            try:
                runners[-1].step()
            except Killed:
                runners.append(make_runner(job_store, stubs))
                runners[-1].step()
            except StoreError:
                runners[-1].step()

        with fail_at(moment, FAULTS[fault], job_store, stubs) as passed:
            live_through(jobs, stubs, job, step, story)
        record = jobs.get(job)
        where = (moment, passed[moment - 1 : moment])
        assert record.status is ENDED[story], where
        assert sorted(jobs.rows(job)) == sorted(rows(1, 2)), where
        assert (stubs.alive, record.slots, record.pids, record.live) == ({}, [], [], None), where
        assert stubs.starts == [job], where
        assert not jobs.records(ACTIVE)
        if len(passed) < moment:
            break
    assert moment > 12
    job_store.close()
