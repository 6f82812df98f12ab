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
from explorer.ui.predict import choose, testsets
from explorer.ui.shared import task_queue
from explorer.ui.train import cost, data, submit
from explorer.weights.importing import conversion
from explorer.workers import subprocess_runner
from explorer.workers.progress import Progress, silent
from tests.pages.train_page import PACE


@pytest.fixture(scope="session", autouse=True)
def _scan_once() -> Iterator[None]:
    """Each AppTest looks through all installed packages for Streamlit's components: 0.3 seconds, the same each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock that tells whether edits are one step, a click is a double one, and a page still waits for slow work.

    It stands still unless a test moves ``now``, however long the test takes.
    """
    told = SimpleNamespace(now=1000.0)
    for module in (task_queue, guard, history, submit):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: told.now))
    return told


@pytest.fixture
def server(jobs: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Folders of the test's own, digits that were looked at before, a pace without measuring, and no runner."""
    for name in ("data", "saved"):
        monkeypatch.setenv(f"EXPLORER_{name.upper()}_DIR", str(tmp_path / name))
    monkeypatch.setattr(cost.pace, "work", lambda _key, _progress: PACE)
    for lane in (cost.pace, data._looking, data._fetching):
        lane._futures.clear()
    settings.cache_clear()
    preview.read("digits")
    return jobs


@pytest.fixture
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images are looked at in this process; another one would import torch first."""

    def look(name: str, progress: Progress = silent) -> preview.Preview:
        preview.read(name, progress)
        found = preview.load_cached(name)
        assert found is not None
        return found

    monkeypatch.setattr(preview, "compute", look)
    monkeypatch.setattr(data._fetching, "work", look)


Converted = tuple[dict[str, Tensor], conversion.Answer]


@pytest.fixture(scope="session")
def conversions() -> dict[str, tuple[Any, bytes]]:
    """What processes have made of pickled checkpoints, by the checksums of these."""
    return {}


@pytest.fixture
def converted_once(conversions: dict[str, tuple[Any, bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same pickled checkpoint is read by a process once in a session."""
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
    """Folders of this test, and empty caches."""
    for name in ("data", "weights", "saved"):
        monkeypatch.setenv(f"EXPLORER_{name.upper()}_DIR", str(tmp_path / name))
    settings.cache_clear()
    for lane in (choose.downloads, testsets._loads):
        lane._futures.clear()
    pictures._cache.clear()
    reasons._cache.clear()
    networks._loaded.cache_clear()
    yield jobs
    settings.cache_clear()
