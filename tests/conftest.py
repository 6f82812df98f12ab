"""Shared fixtures. torch is imported here, so that the import does not count against the time limit of a test."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import torch

from explorer.jobs.store import Store, store
from explorer.settings import settings

torch.set_num_threads(1)  # the suite runs one process per core
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("long", deadline=None, max_examples=1000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run tests that fork a training first: PyTorch can't fork after autograd has used threads, as exports do.

    See https://github.com/pytorch/pytorch/wiki/Autograd-and-Fork.
    """
    items.sort(key=lambda item: item.get_closest_marker("forks") is None)


def pytest_collection_finish() -> None:
    """Exclude imported modules and tests from garbage collection, which would go over them hundreds of times."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return Path(__file__).parents[1]


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty store and folder of runs; nothing starts a runner."""
    monkeypatch.setenv("EXPLORER_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setattr("explorer.jobs.service.ensure_runner", lambda: None)
    settings.cache_clear()
    store.cache_clear()
    yield store()
    settings.cache_clear()
    store.cache_clear()
