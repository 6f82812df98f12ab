"""Fixtures of the page tests."""

from pathlib import Path

import pytest

from explorer.data import preview
from explorer.jobs.store import Store
from explorer.settings import settings
from explorer.ui.train import cost, data
from tests.pages.train_page import PACE


@pytest.fixture
def server(jobs: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Folders of the test's own, digits that were looked at before, a pace without measuring, and no runner."""
    for name in ("data", "saved"):
        monkeypatch.setenv(f"EXPLORER_{name.upper()}_DIR", str(tmp_path / name))
    monkeypatch.setattr(cost.pace, "work", lambda _key, _progress: PACE)
    for lane in (cost.pace, data._looking, data._fetching):
        lane._pieces.clear()
    settings.cache_clear()
    preview.read("digits")
    return jobs
