"""Shared fixtures.

The controller of pytest-xdist loads this file and those of the folders, but runs no test. So what is slow to import is
imported in the fixtures.
"""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import hypothesis
import pytest

from explorer.jobs.store import Store, store
from explorer.settings import settings
from explorer.workers import subprocess_runner
from tests.helpers import postgres as postgresql
from tests.helpers.fork_server import ForkServer

hypothesis.settings.register_profile("suite", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("long", deadline=None, max_examples=1000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


# Training gives way to the pages. Beside tests that compute all the time, it would give way for minutes.
os.environ.setdefault("EXPLORER_NICENESS", "1")


def pytest_configure(config: pytest.Config) -> None:
    """Import torch, so that the import does not count against the time limit of a test; one thread for each process."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        import torch

        torch.set_num_threads(1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let one worker begin with tests that fork a training, and the next one with those that wait for minutes.

    PyTorch can't fork after autograd has used threads, as exports do.
    See https://github.com/pytorch/pytorch/wiki/Autograd-and-Fork.

    At first pytest-xdist gives each worker an equal share of the tests, in their order. Tests that wait for minutes
    would be the last to end if they began in the middle of a share.
    """
    order = {name: [item for item in items if item.get_closest_marker(name)] for name in ("forks", "waits")}
    first = {*order["forks"], *order["waits"]}
    others = [item for item in items if item not in first]
    items[:] = order["forks"] + others
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    second_share = (len(items) + len(order["waits"])) // workers
    items[second_share:second_share] = order["waits"]


def pytest_collection_finish() -> None:
    """Exclude imported modules and tests from garbage collection, which would go over them hundreds of times."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(autouse=True)
def seed() -> None:
    """Let random weights and images be the same in whatever order the tests run."""
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """A process that has imported torch and forks processes for tests."""
    server = ForkServer()
    yield server
    server.close()


@pytest.fixture
def forked(fork_server: ForkServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the product's worker processes begin as forks, which have torch already."""
    fast = SimpleNamespace(Popen=fork_server.start, TimeoutExpired=subprocess.TimeoutExpired)
    monkeypatch.setattr(subprocess_runner, "subprocess", fast)


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgresql.Server]:
    """A PostgreSQL server."""
    if postgresql.programs() is None:
        pytest.skip("PostgreSQL is not installed: Debian's package is postgresql")
    with postgresql.running() as server:
        yield server


@pytest.fixture(scope="session")
def empty_store(postgres: postgresql.Server) -> str:
    """A database of the server with an empty store, to be copied."""
    name = postgres.new_database()
    store = Store(postgres.url(name))
    store.version()
    store.close()
    return name


@pytest.fixture(scope="session")
def used_in_turn(postgres: postgresql.Server, empty_store: str) -> str:
    """A database of the server that tests use one after another."""
    return postgres.new_database(empty_store)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty store: without a parameter that of the SQLite file in the folder of the runs.

    With the parameter ``postgresql``, a database on a server. A test that changes the tables takes ``new postgresql``.
    """
    kind = getattr(request, "param", "")
    if not kind.endswith("postgresql"):
        yield ""
        return
    server: postgresql.Server = request.getfixturevalue("postgres")
    if kind == "postgresql":
        name = request.getfixturevalue("used_in_turn")
        yield server.url(name)
        server.empty(name)
        return
    name = server.new_database(request.getfixturevalue("empty_store"))
    yield server.url(name)
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def jobs(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty store and folder of runs; nothing starts a runner."""
    monkeypatch.setenv("EXPLORER_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("EXPLORER_DATABASE_URL", database_url)
    monkeypatch.setattr("explorer.jobs.service.ensure_runner", lambda: None)
    settings.cache_clear()
    store.cache_clear()
    (tmp_path / "runs").mkdir(exist_ok=True)
    yield store()
    store().close()
    settings.cache_clear()
    store.cache_clear()
