"""Fixtures of the unit tests."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from explorer.errors import InputError
from explorer.jobs import database as module
from explorer.jobs.store import Store
from explorer.settings import settings

if TYPE_CHECKING:  # at run time where they are needed, as tests/conftest.py says
    from tests.helpers.fake_jobs import FakeBackend
    from tests.helpers.image_folders import Write


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
def write(tmp_path: Path) -> "Write":
    """Write images into class folders of the test's own: ``write("cat", "dog")``."""
    from tests.helpers.image_folders import writer

    return writer(tmp_path)


@pytest.fixture
def stubs(jobs: Store) -> "FakeBackend":
    """Jobs that are no processes, over an empty store."""
    from tests.helpers.fake_jobs import FakeBackend

    return FakeBackend()


@pytest.fixture
def job_store(database_url: str, tmp_path: Path) -> Iterator[Store]:
    """An empty store of the test's own."""
    job_store = Store(database_url or f"sqlite:///{tmp_path / 'store.db'}")
    yield job_store
    job_store.close()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files, where nothing may be left."""
    (folder := tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    assert not list(folder.iterdir())


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Open a file, which must be refused, and give the message; in this process no pickle is read."""
    from explorer.weights.importing.checkpoint import open_checkpoint

    def check(path: Path) -> str:
        with monkeypatch.context() as server:
            for name in ("torch.load", "pickle.load", "pickle.loads", "pickle.Unpickler"):
                server.setattr(name, lambda *_arguments, **_options: pytest.fail("the server read a pickle"))
            with pytest.raises(InputError) as caught, open_checkpoint(path, "my file"):
                pytest.fail("opened")
        message = str(caught.value)
        assert message.startswith("my file: ")
        assert "\n" not in message
        assert "Traceback" not in message
        return message

    return check
