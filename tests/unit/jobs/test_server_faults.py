"""A server of the store that is away, refuses or forgets: one sentence each, no password in it, and nothing lost."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from explorer.errors import StoreError
from explorer.jobs import database, leases, service
from explorer.jobs import runner as runner_module
from explorer.jobs.store import Status, Store
from explorer.jobs.store_errors import UnreachableError
from explorer.jobs.tables import RUNNERS
from explorer.settings import settings
from tests.helpers.fake_jobs import FakeBackend, make_runner, rows, submit_jobs
from tests.helpers.postgres import Server
from tests.helpers.stores import new_job, reopened

on_a_server = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
HOUR = 3600.0  # seconds
IDLE = 600.0  # seconds after which the runner ends without a job
SECRET = "open-sesame"  # noqa: S105  no real one


def refusal(url: str) -> str:
    """Returns the sentence with which a store is refused."""
    with pytest.raises(StoreError) as caught, closing(Store(url)) as store:
        store.records()
    message = str(caught.value)
    assert SECRET not in message
    assert "\n" not in message
    assert len(message) < 500
    return message


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", SECRET, f"mysql://me:{SECRET}@host/jobs", f"postgresql://me:{SECRET}@host", "sqlite://",
     f"postgresql://me:{SECRET}@host:port/jobs"],
)  # fmt: skip
def test_a_url_of_another_form_is_refused(url: str) -> None:
    assert refusal(url).startswith("EXPLORER_DATABASE_URL: it is not of the form postgresql+psycopg://user@host:port/")


def test_an_address_without_a_server_is_reported_and_not_tried_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = Store(f"postgresql://me:{SECRET}@127.0.0.1:{port}/jobs")
    with pytest.raises(UnreachableError, match=rf"^the job store 127.0.0.1:{port}/jobs can't be reached; jobs that "):
        store.records()
    monkeypatch.setattr(psycopg, "connect", lambda *_a, **_k: pytest.fail("it was tried again"))
    for _call in range(3):
        with pytest.raises(UnreachableError) as caught:
            store.records()
    assert SECRET not in str(caught.value)


@pytest.mark.process
def test_a_server_that_does_not_answer_blocks_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "CONNECT_TIMEOUT", 2)  # the shortest that libpq knows
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        store = Store(f"postgresql://me:{SECRET}@127.0.0.1:{silent.getsockname()[1]}/jobs")
        begin = time.monotonic()
        for _call in range(3):  # as many as a page makes
            with pytest.raises(UnreachableError, match="reached; jobs"):
                store.records()
        assert time.monotonic() - begin < 2 * 2 + 1


def test_a_refused_user_is_told_why(postgres: Server, empty_store: str) -> None:
    postgres.run(
        "CREATE ROLE guarded LOGIN PASSWORD 'right'",  # the server asks this one for a password
        "CREATE ROLE stranger LOGIN",
        "CREATE ROLE reader LOGIN",
        "ALTER ROLE reader SET default_transaction_read_only = on",
    )
    name = postgres.new_database(empty_store)
    postgres.run("GRANT pg_read_all_data TO reader", database=name)
    assert (
        refusal(postgres.url(name, f"guarded:{SECRET}"))
        .partition(" refuses the connection: ")[2]
        .startswith('password authentication failed for user "guarded"; jobs that are training go on')
    )
    assert 'database "missing" does not exist' in refusal(postgres.url("missing"))
    assert 'role "nobody_here" does not exist' in refusal(postgres.url(name, "nobody_here"))
    assert "gives this program's user too few rights: permission denied" in refusal(postgres.url(name, "stranger"))
    fresh = postgres.new_database()
    assert "gives this program's user too few rights: " in refusal(postgres.url(fresh, "stranger"))
    read_only = Store(postgres.url(name, "reader"))
    assert read_only.records() == []
    with pytest.raises(StoreError, match="gives this program's user too few rights: cannot execute"):
        read_only.add([new_job()])
    read_only.close()
    postgres.run(f"DROP DATABASE {fresh}", f"DROP DATABASE {name} WITH (FORCE)", "DROP ROLE guarded, stranger, reader")


@pytest.fixture
def restarted(postgres: Server) -> Iterator[Server]:
    """The server of this session, which runs again after the test."""
    yield postgres
    if not postgres.runs:
        postgres.start()


class Clock:
    """The time of the product in a test: its sleeps take no time, and what is due happens during them."""

    def __init__(self) -> None:
        self.now = self._begin = time.monotonic()
        self._due: list[tuple[float, Callable[[], None]]] = []

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Let something happen this many seconds after the begin; calls are in the order of time."""
        self._due.append((self._begin + seconds, action))

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        while self._due and self._due[0][0] <= self.now:
            self._due.pop(0)[1]()


@on_a_server
@pytest.mark.process
@pytest.mark.parametrize("seconds", [5.0, 120.0, HOUR], ids=["a restart", "two minutes", "an hour"])
def test_training_outlives_an_outage_and_its_metrics_are_delivered_once(
    seconds: float, jobs: Store, stubs: FakeBackend, restarted: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    for module in (database, leases, runner_module):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(runner_module, "POLL", poll := max(0.5, seconds / 60))  # seconds between two tries
    first, second = submit_jobs(2)
    own, idle = reopened(jobs), reopened(jobs)
    idle.version()
    runner = make_runner(own, stubs)
    directory = service.directory(first)

    def begin() -> None:
        stubs.begin(first, rows(1))

    def cut() -> None:
        assert sorted(jobs.rows(first)) == sorted(rows(1))
        restarted.stop()
        with pytest.raises(UnreachableError):
            jobs.records()
        directory.append(rows(2, 3))

    def mend() -> None:
        assert own._failure  # the runner has noticed
        restarted.start()
        with jobs._engine.begin() as connection:  # the clock of the server went on, too
            connection.execute(sa.update(RUNNERS).values(renewed=RUNNERS.c.renewed - seconds))
        clock.now += database.RETRY_PAUSE
        # Apps are back sooner, also one that nobody used meanwhile.
        assert leases.end_lost_jobs(jobs) == leases.end_lost_jobs(idle) == []
        directory.append(rows(4))

    def end_in_an_outage() -> None:
        assert jobs.get(first).status is Status.RUNNING
        assert sorted(jobs.rows(first)) == sorted(rows(1, 2, 3, 4))
        restarted.stop()
        directory.append(rows(5))
        stubs.end(first, "finished", result={"top1": 1.0})

    def mend_again() -> None:
        assert own._failure
        restarted.start()

    begun, pause = 2 * poll, 4 * poll + database.RETRY_PAUSE
    clock.at(begun, begin)
    clock.at(cut_at := begun + pause, cut)
    clock.at(back := cut_at + seconds, mend)
    clock.at(back + pause, end_in_an_outage)
    clock.at(back + pause + seconds, mend_again)
    clock.at(back + 2 * pause + seconds, runner.stopping.set)
    runner.run(IDLE)
    record = jobs.get(first)
    assert (record.status, record.result) == (Status.FINISHED, {"top1": 1.0})
    assert sorted(jobs.rows(first)) == sorted(rows(1, 2, 3, 4, 5))
    assert stubs.starts == [first, second]
    assert jobs.get(second).status is Status.RUNNING
    own.close()
    idle.close()


def test_an_hour_is_longer_than_all_that_the_product_waits_for() -> None:
    limits = (database.CONNECT_TIMEOUT, database.CLOCK_INTERVAL, 6 * database.LOCK_TIMEOUT, service.MAX_SILENCE, IDLE)
    assert max(*limits, settings().lease, leases.interval()) < HOUR


class LostAnswer:
    """Commits, but loses the answer of the server: the next commits, as often as told."""

    def __init__(self, store: Store) -> None:
        self.left = 0
        self._commit = store._engine.dialect.do_commit
        store._engine.dialect.do_commit = self  # type: ignore[assignment]

    def __call__(self, connection: Any) -> None:
        self._commit(connection)
        if self.left:
            self.left -= 1
            raise psycopg.OperationalError("consuming input failed: server closed the connection unexpectedly")


@on_a_server
def test_nothing_is_lost_or_twice_if_the_answer_to_a_commit_is_lost(
    jobs: Store, stubs: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "RETRY_PAUSE", 0.0)
    lost = LostAnswer(jobs)
    lost.left = 1
    with pytest.raises(UnreachableError):
        submit_jobs()
    (record,) = jobs.records()  # it was added
    assert service.submitted_job(record.id) is not None
    runner = make_runner(jobs, stubs)

    def step(commits: int) -> None:
        lost.left = commits
        while lost.left:
            with pytest.raises(UnreachableError):
                runner.step()
        runner.step()
        runner.step()

    step(1)  # the claim
    assert stubs.starts == [record.id]
    directory = stubs.begin(record.id, rows(1))
    step(1)
    directory.append(rows(2))
    step(1)
    assert sorted(jobs.rows(record.id)) == sorted(rows(1, 2))
    stubs.end(record.id, "finished")
    step(1)
    assert jobs.get(record.id).status is Status.FINISHED


@pytest.mark.parametrize("database_url", ["new postgresql"], indirect=True)
def test_a_store_that_was_emptied_while_it_was_open_is_made_anew(jobs: Store) -> None:
    jobs.add([new_job()])
    with jobs._engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    with pytest.raises(StoreError, match=r"/test_\w+ fails: relation \"counters\" does not exist"):
        jobs.version()
    assert jobs.records() == []
