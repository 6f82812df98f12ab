"""Stores for tests: adds jobs to them, and checks their files."""

import sqlite3

import pytest

from explorer.families import resolve
from explorer.jobs.job import Job, Resources
from explorer.jobs.store import Store
from explorer.recipes import Recipe

SPEC = resolve("digits-cnn")
both_databases = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


def reopened(store: Store) -> Store:
    """The same store, opened once more."""
    return Store(store.url.render_as_string(hide_password=False))


def new_job(name: str = "") -> Job:
    return Job.new(SPEC, "digits", Recipe(), Resources(), name)


def add_jobs(store: Store, count: int = 1) -> list[str]:
    made = [new_job() for _job in range(count)]
    store.add(made)
    return [job.id for job in made]


def is_intact(store: Store) -> bool:
    if store.path is None:  # a server keeps its files whole, and checks its rules itself
        return True
    with sqlite3.connect(store.path) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchone(), connection.execute("PRAGMA foreign_key_check")
        intact = found[0] == ("ok",) and not found[1].fetchall()
    connection.close()
    return intact
