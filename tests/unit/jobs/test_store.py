"""The store of jobs: it returns what was written, and reports what can't be written."""

import math
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from explorer.errors import InputError, StoreError
from explorer.jobs import database as module
from explorer.jobs.run_directory import Row
from explorer.jobs.store import MAX_ROWS, RESUMABLE, Status, Store
from explorer.jobs.store_errors import translate_errors
from tests.helpers.stores import add_jobs, both_databases, is_intact, new_job, reopened


@both_databases
def test_a_stored_job_is_read_unchanged(job_store: Store) -> None:
    made = replace(
        new_job("夜 'quoted\"; DROP TABLE jobs; --"), sweep="s" * 14, varied={"lr": 0.1, "spec.cfg": [1, "M"]}
    )
    job_store.add([made])
    record = reopened(job_store).get(made.id)
    given = made.to_dict()
    assert {key: getattr(record, key) for key in given} == given
    assert record.status is Status.QUEUED
    assert (record.started, record.ended, record.live, record.error, record.result) == (None,) * 5
    assert (record.slots, record.pids, record.progress, record.notes) == ([], [], 0.0, [])
    assert record.submitted == record.changed
    values: dict[str, Any] = {
        "status": Status.FAILED,
        "started": 1.5,
        "ended": 2.5,
        "slots": ["0", "MIG-3/1"],
        "pids": [1, 2],
        "progress": 0.25,
        "live": {"loss": None, "rate": 0.1},
        "notes": ["é"],
        "error": {"code": "input", "message": "m"},
        "result": {"per_class": {"a": None}},
    }
    assert job_store.change(made.id, [Status.QUEUED], **values)
    assert {key: getattr(job_store.get(made.id), key) for key in values} == values
    assert job_store.change(made.id, Status, live=None, error=None, result=None)
    record = job_store.get(made.id)
    assert (record.live, record.error, record.result) == (None, None, None)


@both_databases
@pytest.mark.parametrize("name", ["", "../../etc/passwd", "%", "' OR 1=1 --", "\0", "x" * 100_000])
def test_an_unknown_id_is_refused(name: str, job_store: Store) -> None:
    add_jobs(job_store)
    with pytest.raises(InputError, match=r"^job: there is none with the id ") as caught:
        job_store.get(name)
    assert len(str(caught.value)) < 120
    assert not job_store.change(name, Status, status=Status.FAILED)
    assert not job_store.remove(name, Status)
    assert job_store.rows(name) == []


@both_databases
def test_turns_are_in_order_over_submissions_and_resumes(job_store: Store) -> None:
    first, second, third = add_jobs(job_store, 3)
    assert job_store.change(first, [Status.QUEUED], status=Status.STOPPED)
    (fourth,) = add_jobs(job_store)
    assert job_store.change(first, RESUMABLE, status=Status.QUEUED)
    assert [record.id for record in job_store.records()] == [second, third, fourth, first]
    turn = job_store.get(second).turn
    assert job_store.change(second, [Status.QUEUED], status=Status.RUNNING)
    assert job_store.change(
        second, [Status.RUNNING], status=Status.QUEUED, turn=turn
    )  # the runner returns it to the queue
    assert [record.id for record in job_store.records([Status.QUEUED])] == [second, third, fourth, first]
    assert job_store.remove(first, Status)
    (fifth,) = add_jobs(job_store)
    assert [record.id for record in job_store.records()] == [second, third, fourth, fifth]
    assert len({record.turn for record in job_store.records()}) == 4


@both_databases
def test_jobs_are_added_all_or_none(job_store: Store) -> None:
    before, after = new_job(), new_job()
    job_store.add([before])
    with pytest.raises(sa.exc.IntegrityError):
        job_store.add([after, before])
    assert [record.id for record in job_store.records()] == [before.id]
    assert is_intact(job_store)


# Metrics


@both_databases
def test_metrics_may_be_infinite_or_nan(job_store: Store) -> None:
    (job,) = add_jobs(job_store)
    values = [0.0, -0.0, 1e-320, 1.7976931348623157e308, math.inf, -math.inf, math.nan, 0.1 + 0.2]
    rows = [Row(1, f"n{index}", value) for index, value in enumerate(values)]
    job_store.write_rows(job, rows, replace=True)
    found = {row.name: row.value for row in job_store.rows(job)}
    for index, value in enumerate(values):
        assert math.isnan(found[f"n{index}"]) if math.isnan(value) else found[f"n{index}"] == value


@both_databases
def test_metrics_are_replaced_or_added_all_or_none(job_store: Store) -> None:
    job, other = add_jobs(job_store, 2)
    job_store.write_rows(other, [Row(1, "a", 9.0)], replace=True)
    many = [Row(epoch, "a", float(epoch)) for epoch in range(1, 2 * MAX_ROWS + 2)]
    job_store.write_rows(job, many, replace=False)
    assert job_store.rows(job) == many
    job_store.write_rows(job, many[-5:], replace=False)  # after an answer of the database was lost
    assert job_store.rows(job) == many
    with pytest.raises(sa.exc.IntegrityError):
        job_store.write_rows(job, [Row(9999, "a", 1.0), Row(None, "a", 1.0)], replace=True)  # type: ignore[arg-type]
    assert job_store.rows(job) == many
    job_store.write_rows(job, [Row(1, "b", 1.0)], replace=True)
    assert job_store.rows(job) == [Row(1, "b", 1.0)]
    job_store.write_rows(job, [], replace=True)
    assert job_store.rows(job) == []
    assert job_store.rows(other) == [Row(1, "a", 9.0)]


@both_databases
def test_metrics_are_deleted_with_their_job(job_store: Store) -> None:
    job, other = add_jobs(job_store, 2)
    for each in (job, other):
        job_store.write_rows(each, [Row(1, "a", 1.0)], replace=True)
    assert not job_store.remove(job, [Status.RUNNING])
    assert job_store.rows(job)
    assert job_store.remove(job, [Status.QUEUED])
    assert job_store.curves([job, other]) == {other: [Row(1, "a", 1.0)]}
    with pytest.raises(sa.exc.IntegrityError):  # the runner of a job that was deleted meanwhile
        job_store.write_rows(job, [Row(1, "a", 1.0)], replace=True)
    assert is_intact(job_store)


@both_databases
def test_curves_of_many_jobs_are_one_query(job_store: Store) -> None:
    jobs = add_jobs(job_store, 100)
    for job in jobs:
        job_store.write_rows(
            job, [Row(epoch, name, 0.5) for epoch in range(1, 201) for name in ("a", "b")], replace=True
        )
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    sa.event.listen(job_store._engine, "before_cursor_execute", count)
    curves = job_store.curves(jobs, ["a"])
    assert len([words for words in statements if words.startswith("SELECT")]) == 1
    assert curves.keys() == set(jobs)
    assert all([row.epoch for row in rows] == list(range(1, 201)) for rows in curves.values())
    statements.clear()
    assert len(job_store.records()) == 100
    assert len([words for words in statements if words.startswith("SELECT")]) == 1


@both_databases
def test_every_change_changes_the_version(job_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [job_store.version()]

    def changed() -> bool:
        seen.append(job_store.version())
        return seen[-1] != seen[-2]

    job, other = add_jobs(job_store, 2)
    assert changed()
    assert job_store.change(job, Status, progress=0.5)
    assert changed()
    assert not job_store.change(job, [Status.RUNNING], progress=0.6)
    assert not changed()
    monkeypatch.setattr("time.time", lambda: 1e9)  # the clock was wrong, and is set back
    for progress in (0.6, 0.7):
        assert job_store.change(job, Status, progress=progress)
        assert changed()
    assert job_store.remove(job, Status)
    assert changed()
    assert job_store.remove(other, Status)
    assert changed()


# A database that can't be written


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_TIMEOUT", 0.1)


@pytest.fixture
def locked(job_store: Store) -> Iterator[sqlite3.Connection]:
    """Returns a connection of another program to the store."""
    assert job_store.path is not None
    connection = sqlite3.connect(job_store.path, isolation_level=None)
    yield connection
    connection.close()


@pytest.mark.usefixtures("impatient")
def test_writes_to_a_locked_store_fail_and_reads_succeed(job_store: Store, locked: sqlite3.Connection) -> None:
    (job,) = add_jobs(job_store)
    before = job_store.get(job)
    locked.execute("BEGIN IMMEDIATE")
    attempts: list[Callable[[], object]] = [
        lambda: job_store.add([new_job()]),
        lambda: job_store.change(job, Status, status=Status.FAILED),
        lambda: job_store.write_rows(job, [Row(1, "a", 1.0)], replace=True),
        lambda: job_store.remove(job, Status),
    ]
    for attempt in attempts:
        with pytest.raises(StoreError, match=r"store.db has been locked by another program for 0 seconds; try again"):
            attempt()
    assert job_store.get(job) == before  # readers do not wait
    locked.execute("ROLLBACK")
    assert job_store.records() == [before]
    assert job_store.change(job, Status, status=Status.FAILED)
    assert is_intact(job_store)


@pytest.mark.usefixtures("impatient")
def test_reads_of_an_exclusively_locked_store_fail(job_store: Store, locked: sqlite3.Connection) -> None:
    add_jobs(job_store)
    job_store._engine.dispose()
    locked.execute("PRAGMA locking_mode = EXCLUSIVE")
    locked.execute("BEGIN EXCLUSIVE")
    locked.execute("UPDATE jobs SET progress = 1")
    with pytest.raises(StoreError):
        job_store.records()
    with pytest.raises(StoreError):
        reopened(job_store)
    locked.close()
    assert job_store.records()[0].progress == 0


def test_a_full_store_loses_nothing(job_store: Store) -> None:
    job, other = add_jobs(job_store, 2)
    job_store.write_rows(other, [Row(epoch, "a", 1.0) for epoch in range(1, 50)], replace=True)
    before = job_store.records(), job_store.rows(other)

    def narrow(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")

    job_store._engine.dispose()
    sa.event.listen(job_store._engine, "connect", narrow)
    with pytest.raises(StoreError, match="grow: its disk is full"):
        job_store.add([new_job() for _job in range(100)])
    with pytest.raises(StoreError):
        job_store.write_rows(job, [Row(epoch, "a", 1.0) for epoch in range(1, 5000)], replace=True)
    assert (job_store.records(), job_store.rows(other)) == before
    assert is_intact(job_store)
    sa.event.remove(job_store._engine, "connect", narrow)
    job_store._engine.dispose()
    job_store.write_rows(job, [Row(epoch, "a", 1.0) for epoch in range(1, 5000)], replace=True)
    assert len(job_store.rows(job)) == 4999


def test_a_store_on_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a small file system can't be mounted here")
    try:
        job_store = Store(f"sqlite:///{disk / 'store.db'}")
        jobs = add_jobs(job_store, 3)
        written = 0
        with pytest.raises(StoreError):  # noqa: PT012  one of many writes fails
            for epoch in range(1, 100_000, 200):
                job_store.write_rows(jobs[0], [Row(epoch + more, "a", 1.0) for more in range(200)], replace=False)
                written += 200
        assert 0 < written == len(job_store.rows(jobs[0]))
        with pytest.raises(StoreError):
            job_store.write_rows(jobs[1], [Row(epoch, "a", 1.0) for epoch in range(1000)], replace=False)
        assert [record.id for record in job_store.records()] == jobs
        subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
        job_store.write_rows(jobs[1], [Row(epoch, "a", 1.0) for epoch in range(1000)], replace=False)
        assert job_store.change(jobs[2], Status, status=Status.STOPPED)
        assert is_intact(job_store)
        job_store._engine.dispose()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_folder_that_can_not_be_written_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"the job store /proc/nothing/store.db can't be opened or made: "):
        Store("sqlite:////proc/nothing/store.db")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"File exists|Not a directory"):
        Store(f"sqlite:///{tmp_path / 'file' / 'store.db'}")
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(StoreError):
        Store(f"sqlite:///{tmp_path / 'folder.db'}")


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\0" * 4096])
def test_a_file_that_is_not_a_store_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(content)
    with pytest.raises(StoreError, match=r"store.db is damaged, or no job store; move it away") as caught:
        Store(f"sqlite:///{tmp_path / 'store.db'}")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "store.db").read_bytes() == content


@pytest.mark.parametrize("change", ["deleted", "replaced"])
def test_nothing_is_written_to_a_deleted_or_replaced_store(job_store: Store, change: str, tmp_path: Path) -> None:
    job_store.add([new_job()])
    other = Store(f"sqlite:///{tmp_path / 'other.db'}")
    assert job_store.path is not None
    assert other.path is not None
    for name in ("", "-wal", "-shm"):
        job_store.path.with_name(job_store.path.name + name).unlink(missing_ok=True)
    if change == "replaced":
        other._engine.dispose()
        other.path.rename(job_store.path)
    with pytest.raises(StoreError, match="was deleted or replaced while it was open"):
        job_store.add([new_job()])
    assert job_store.records() == []
    job_store.add([new_job()])
    assert len(Store(str(job_store.url)).records()) == 1  # not in the deleted file


@pytest.mark.parametrize(
    "fault",
    [PermissionError(13, "Permission denied"), OSError(30, "Read-only file system"),
     sqlite3.OperationalError("attempt to write a readonly database")],
)  # fmt: skip
def test_a_read_only_store_is_reported(fault: Exception, job_store: Store) -> None:
    """The errors are simulated, because root can write everywhere."""
    with (
        pytest.raises(StoreError, match="is read-only for this program"),
        translate_errors(job_store.place, job_store.path, 1.0),
    ):
        raise fault


@both_databases
def test_the_latest_jobs_are_those_submitted_last(jobs: Store) -> None:
    ids = [job for _call in range(3) for job in add_jobs(jobs)]
    assert [record.id for record in jobs.latest(2)] == [ids[2], ids[1]]
