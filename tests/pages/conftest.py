"""Fixtures of the page tests. What is slow to import is imported in them, as tests/conftest.py says."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from explorer.files import sha256
from explorer.jobs.store import Store
from explorer.settings import settings
from explorer.workers import subprocess_runner
from explorer.workers.progress import Progress, silent

if TYPE_CHECKING:
    from explorer.data.preview import Preview


@pytest.fixture(scope="session", autouse=True)
def _scan_once() -> Iterator[None]:
    """Cache Streamlit's search for components in all packages. Each AppTest repeats it, and it takes 0.3 seconds."""
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session", autouse=True)
def _wait_for_scripts() -> Iterator[None]:
    """Let AppTest wait for the end of a script. It asks a thousand times a second, which takes the script's time."""
    from streamlit.testing.v1 import local_script_runner

    check = local_script_runner.require_widgets_deltas

    def wait(runner: local_script_runner.LocalScriptRunner, timeout: float = 3) -> None:
        thread = runner._script_thread
        assert thread is not None
        thread.join(timeout)
        check(runner, 0 if thread.is_alive() else 1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_script_runner, "require_widgets_deltas", wait)
        yield


@pytest.fixture(scope="session", autouse=True)
def _compile_once() -> Iterator[None]:
    """Compile each page once, as a server does, and not in each run of a test."""
    from streamlit.runtime.scriptrunner.script_cache import ScriptCache
    from streamlit.testing.v1 import app_test, local_script_runner

    compiled = ScriptCache()
    with pytest.MonkeyPatch.context() as patch:
        for module in (app_test, local_script_runner):
            patch.setattr(module, "ScriptCache", lambda: compiled)
        yield


@pytest.fixture(autouse=True)
def _forks(forked: None) -> None:
    """Let the worker processes of pages begin as forks."""


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that stands still unless a test changes ``now``.

    Pages use it to detect quick edits that undo takes back together, double clicks and abandoned tasks.
    """
    from explorer.ui.page_state import history
    from explorer.ui.shared import task_queue
    from explorer.ui.train import submit

    fake = SimpleNamespace(now=1000.0)
    for module in (task_queue, history, submit):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: fake.now))
    return fake


@pytest.fixture
def server(jobs: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Temporary folders, a cached preview of digits, a fixed pace instead of a measured one, and no runner."""
    from explorer.data import preview
    from explorer.ui.train import cost, data
    from tests.pages.train_page import PACE

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
    from explorer.data import preview
    from explorer.ui.train import data

    def read(name: str, progress: Progress = silent) -> "Preview":
        preview.read(name, progress)
        cached = preview.load_cached(name)
        assert cached is not None
        return cached

    monkeypatch.setattr(preview, "compute", read)
    monkeypatch.setattr(data._downloading, "work", read)


@pytest.fixture(scope="session")
def conversions() -> dict[str, tuple[Any, bytes]]:
    """Results of reading pickled checkpoints in processes, by the checksums of the checkpoints."""
    return {}


@pytest.fixture
def converted_once(conversions: dict[str, tuple[Any, bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Read each pickled checkpoint in a process only once in a test session."""
    from explorer.weights.importing import conversion

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
    """Temporary folders, and empty caches. Heat maps are scored on request only, which saves time."""
    from explorer.prediction import networks, pictures, reasons
    from explorer.ui.predict import scores, testsets
    from explorer.ui.shared import weights_options

    for name in ("data", "weights", "saved"):
        monkeypatch.setenv(f"EXPLORER_{name.upper()}_DIR", str(tmp_path / name))
    settings.cache_clear()
    monkeypatch.setattr(scores, "AT_ONCE", 0)
    for queue in (weights_options.downloads, testsets._loads):
        queue._futures.clear()
    pictures._cache.clear()
    reasons._cache.clear()
    networks._loaded.cache_clear()
    yield jobs
    settings.cache_clear()


@pytest.fixture
def weights_server(
    server: Store, converted_once: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Temporary folders with one set of weights of each kind and a broken file, without those of torchvision."""
    from explorer.ui.predict import importing
    from explorer.ui.shared import weights_options  # noqa: F401  if it is imported later, it keeps the empty catalogue
    from explorer.weights import torchvision
    from explorer.weights.files import read, save
    from explorer.weights.registry import PRETRAINED
    from tests.pages.predict_page import JOB

    monkeypatch.setenv("EXPLORER_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.setattr(torchvision, "catalogue", dict)
    settings.cache_clear()
    for place in (f"runs/{JOB}/best", "weights/mine"):
        file = tmp_path / f"{place}.safetensors"
        file.parent.mkdir(parents=True, exist_ok=True)
        save(file, *read(PRETRAINED / "digits-cnn.safetensors"))
    (tmp_path / "weights/broken.safetensors").write_bytes(b"nothing")
    importing._read_queue._futures.clear()
    yield tmp_path
    settings.cache_clear()
