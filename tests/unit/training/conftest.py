"""Fixtures of the tests of training."""

import pytest


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes a checkpoint after every step."""
    for name, value in (("SAVE_EVERY", 0.0), ("SAVE_AT_LEAST", 0.0), ("SAVE_SHARE", float("inf"))):
        monkeypatch.setattr(f"explorer.training.metrics_logger.{name}", value)
