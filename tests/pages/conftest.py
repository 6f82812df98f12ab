"""Fixtures of the page tests."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.components.v2 import manifest_scanner
from torch import Tensor

from explorer.data import preview
from explorer.files import sha256
from explorer.jobs.store import Store
from explorer.prediction import networks, pictures, reasons
from explorer.settings import settings
from explorer.ui.page_state import guard, history
from explorer.ui.predict import testsets
from explorer.ui.shared import task_queue, weights_options
from explorer.ui.train import cost, data, submit
from explorer.weights.importing import conversion
from explorer.workers import subprocess_runner
from explorer.workers.progress import Progress, silent
from tests.pages.train_page import PACE


@pytest.fixture(scope="session", autouse=True)
def _scan_once() -> Iterator[None]:
    """Cache Streamlit's search for components in all packages. Each AppTest repeats it, and it takes 0.3 seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that stands still unless a test changes ``now``.

    Pages use it to detect quick edits, double clicks and abandoned tasks.
    """
    fake = SimpleNamespace(now=1000.0)
    for module in (task_queue, guard, history, submit):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: fake.now))
    return fake


@pytest.fixture
def server(jobs: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Temporary folders, a cached preview of digits, a fixed pace instead of a measured one, and no runner."""
    for name in ("data", "saved"):
        monkeypatch.setenv(f"EXPLORER_{name.upper()}_DIR", str(tmp_path / name))
    monkeypatch.setattr(cost.throughputs, "work", lambda _key, _progress: PACE)
    for queue in (cost.throughputs, data._loading, data._downloading):
        queue._futures.clear()
    settings.cache_clear()
    preview.read("digits")
    return jobs


@pytest.fixture
def read_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read previews of images in this process, because another process would import torch first."""

    def read(name: str, progress: Progress = silent) -> preview.Preview:
        preview.read(name, progress)
        cached = preview.load_cached(name)
        assert cached is not None
        return cached

    monkeypatch.setattr(preview, "compute", read)
    monkeypatch.setattr(data._downloading, "work", read)


Converted = tuple[dict[str, Tensor], conversion.Answer]


@pytest.fixture(scope="session")
def conversions() -> dict[str, tuple[Any, bytes]]:
    """Results of reading pickled checkpoints in processes, by the checksums of the checkpoints."""
    return {}


@pytest.fixture
def converted_once(conversions: dict[str, tuple[Any, bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Read each pickled checkpoint in a process only once in a test session."""
    call = subprocess_runner.call

    def answer(module: str, request: dict[str, Any], *rest: Any, **options: Any) -> Any:
        if module != conversion.READER:
            return call(module, request, *rest, **options)
        checksum, output = sha256(Path(request["path"])), Path(request["output"])
        if checksum in conversions:
            output.write_bytes(conversions[checksum][1])
        else:
            conversions[checksum] = call(module, request, *rest, **options), output.read_bytes()
        return conversions[checksum][0]

    monkeypatch.setattr(subprocess_runner, "call", answer)


@pytest.fixture
def predict_server(jobs: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Temporary folders, and empty caches."""
    for name in ("data", "weights", "saved"):
        monkeypatch.setenv(f"EXPLORER_{name.upper()}_DIR", str(tmp_path / name))
    settings.cache_clear()
    for queue in (weights_options.downloads, testsets._loads):
        queue._futures.clear()
    pictures._cache.clear()
    reasons._cache.clear()
    networks._loaded.cache_clear()
    yield jobs
    settings.cache_clear()
