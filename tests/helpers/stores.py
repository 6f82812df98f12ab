"""Stores for the tests of the store: jobs in them, and whether their file is sound."""

import sqlite3

from explorer.families import resolve
from explorer.jobs.job import Job, Resources
from explorer.jobs.store import Store
from explorer.recipes import Recipe

SPEC = resolve("digits-cnn")


def opened(held: Store) -> Store:
    """Another opening of the same store."""
    return Store(held.url.render_as_string())


def new(name: str = "") -> Job:
    return Job.new(SPEC, "digits", Recipe(), Resources(), name)


def added(held: Store, count: int = 1) -> list[str]:
    made = [new() for _job in range(count)]
    held.add(made)
    return [job.id for job in made]


def sound(held: Store) -> bool:
    assert held.path is not None
    with sqlite3.connect(held.path) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchone(), connection.execute("PRAGMA foreign_key_check")
        intact = found[0] == ("ok",) and not found[1].fetchall()
    connection.close()
    return intact
