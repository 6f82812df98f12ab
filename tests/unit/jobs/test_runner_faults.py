"""The runner with fake jobs: it is killed, or the store fails, at every moment."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from explorer.errors import StoreError
from explorer.jobs import service
from explorer.jobs.run_directory import RunDirectory
from explorer.jobs.runner import Runner
from explorer.jobs.store import ACTIVE, Status, Store
from tests.helpers.fake_jobs import FakeBackend, make_runner, rows, submit_jobs

pytestmark = pytest.mark.process


class Killed(BaseException):
    """What the runner does not survive."""


@contextmanager
def struck(moment: int, error: BaseException, held: Store, stubs: FakeBackend) -> Iterator[list[str]]:
    """Fail at one of the moments before and after each thing that the runner does to the world; the moments passed."""
    passed: list[str] = []

    def watched(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def around(*what: Any, **how: Any) -> Any:
            note(f"before {name}")
            result = act(*what, **how)
            note(f"after {name}")
            return result

        return around

    def note(name: str) -> None:
        passed.append(name)
        if len(passed) == moment:
            raise error

    with pytest.MonkeyPatch.context() as patch:
        for name in ("change", "write_rows"):
            patch.setattr(held, name, watched(name, getattr(held, name)))
        patch.setattr(stubs, "submit", watched("submit", stubs.submit))
        patch.setattr(stubs, "poll", watched("poll", stubs.poll))
        patch.setattr(RunDirectory, "prepare_start", watched("offer", RunDirectory.prepare_start))
        yield passed


def live_on(jobs: Store, stubs: FakeBackend, job: str, step: Callable[[], None], story: str) -> None:
    """A life of a job that was stopped once before, up to its end in the store; ``step`` lets the runner work."""
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


@pytest.mark.parametrize("error", [Killed(), StoreError("the store is locked")], ids=["killed", "locked"])
@pytest.mark.parametrize("story", ENDED)
@pytest.mark.parametrize("before", ["new", "resumed"])
def test_a_job_has_one_correct_end_after_a_failure_at_any_moment(
    before: str, story: str, error: BaseException, jobs: Store, stubs: FakeBackend
) -> None:
    moment, held = 0, Store(jobs.url.render_as_string())  # what people ask meanwhile is not struck
    while True:
        moment += 1
        (job,) = submit_jobs()
        if before == "resumed":
            works = make_runner(jobs, stubs)
            works.step()
            stubs.begin(job, rows(1))
            stubs.end(job, "stopped")
            works.step()
            service.resume(job)
        stubs.starts.clear()
        runners = [make_runner(held, stubs)]

        def step(runners: list[Runner] = runners) -> None:
            try:
                runners[-1].step()
            except Killed:
                runners.append(make_runner(held, stubs))
                runners[-1].step()
            except StoreError:
                runners[-1].step()

        with struck(moment, error, held, stubs) as passed:
            live_on(jobs, stubs, job, step, story)
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
