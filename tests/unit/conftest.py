"""Fixtures of the unit tests."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.jobs import store as module
from explorer.jobs.store import Store
from explorer.settings import settings
from tests.unit.image_folders import Write, writer
from tests.unit.stub_jobs import Stubs


@pytest.fixture(autouse=True, scope="session")
def no_sync() -> Iterator[None]:
    """No test cuts the power; what is killed leaves its files to the system, synced to the disk or not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _file: None)
        prepare = module._prepare_sqlite

        def without_sync(connection: sqlite3.Connection, record: object) -> None:
            prepare(connection, record)
            connection.execute("PRAGMA synchronous = OFF")

        patch.setattr(module, "_prepare_sqlite", without_sync)
        yield


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty data folder."""
    monkeypatch.setenv("EXPLORER_DATA_DIR", str(tmp_path / "data"))
    settings.cache_clear()
    yield tmp_path / "data"
    settings.cache_clear()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write images into class folders of the test's own: ``write("cat", "dog")``."""
    return writer(tmp_path)


@pytest.fixture
def stubs(jobs: Store) -> Stubs:
    """Jobs that are no processes, over an empty store."""
    return Stubs()
