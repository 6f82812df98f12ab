"""Networks of ONNX files in memory: bounded for each session, and for all of them together."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import streamlit as st

from explorer.analysis import analyse
from explorer.errors import InputError
from explorer.families import resolve
from explorer.ui.shared import network_files
from explorer.ui.shared.network_files import NetworkFile, opened, remember


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Begins another session."""
    network_files._held.clear()

    def begin() -> None:
        monkeypatch.setattr(st, "session_state", {})

    begin()
    return begin


def file(name: str, layers: int) -> NetworkFile:
    analysis = analyse(resolve("mnist-fc"))
    return NetworkFile(name, replace(analysis, layers=analysis.layers[:1] * layers), 17)


def test_a_session_keeps_its_latest_files(session: Callable[[], None]) -> None:
    for number in range(network_files.MAX_FILES + 2):
        remember(file(f"{number}.onnx", 1))
    assert list(opened()) == [f"{number}.onnx" for number in range(2, network_files.MAX_FILES + 2)]
    remember(file("3.onnx", 2))
    assert list(opened())[-1] == "3.onnx", "opened again, it is the latest"
    assert len(opened()) == network_files.MAX_FILES


def test_large_files_take_the_place_of_older_ones(session: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_files, "MAX_LAYERS", 10)
    for name, layers in (("a", 4), ("b", 4), ("c", 5), ("d", 30)):
        remember(file(name, layers))
        assert name in opened()
        assert len(opened()) == 1 or sum(one.layers for one in opened().values()) <= 10
    assert list(opened()) == ["d"]


def test_all_sessions_together_have_a_limit(session: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_files, "MAX_ALL_LAYERS", 10)
    remember(file("a", 7))
    first: Any = st.session_state
    session()
    with pytest.raises(InputError, match="7 layers"):
        remember(file("b", 4))
    assert not opened()
    remember(file("c", 3))
    remember(file("c", 2))  # takes the place of the session's own
    first.clear()  # as at the end of the session
    remember(file("c", 10))
