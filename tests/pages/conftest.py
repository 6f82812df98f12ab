"""Fixtures of the page tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.data import preview
from explorer.jobs.store import Store, store
from explorer.settings import settings
from explorer.ui.train import cost, data
from tests.pages.train_page import PACE


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Folders of the test's own, digits that were looked at before, a pace without measuring, and no runner."""
    for name in ("data", "runs", "saved"):
        monkeypatch.setenv(f"EXPLORER_{name.upper()}_DIR", str(tmp_path / name))
    monkeypatch.setattr("explorer.jobs.desk.wake", lambda: None)
    monkeypatch.setattr(cost.pace, "work", lambda _key, _progress: PACE)
    for lane in (cost.pace, data._looking, data._fetching):
        lane._pieces.clear()
    settings.cache_clear()
    store.cache_clear()
    preview.read("digits")
    yield store()
    settings.cache_clear()
    store.cache_clear()
