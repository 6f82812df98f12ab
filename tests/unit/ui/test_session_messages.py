"""The event loop is woken once for all that a script tells it, and misses nothing."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.runtime.app_session import AppSession

from explorer.ui import session_messages


class Session:
    """The part of a session that talks to the event loop."""

    def __init__(self) -> None:
        self.woken: list[Callable[[], None]] = []
        self._event_loop = self

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> None:
        self.woken.append(callback)

    def say(self, callback: Callable[[], Any]) -> None:
        AppSession._call_soon_on_event_loop(self, callback)  # type: ignore[arg-type]

    def run(self) -> None:
        self.woken.pop(0)()


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr(AppSession, "_call_soon_on_event_loop", AppSession._call_soon_on_event_loop)  # undone after it
    session_messages.install()
    return Session()


def test_the_loop_is_woken_once_for_all(session: Session) -> None:
    handled: list[int] = []
    for number in range(100):
        session.say(lambda number=number: handled.append(number))  # type: ignore[misc]
    assert len(session.woken) == 1
    session.run()
    assert handled == list(range(100))
    session.say(lambda: handled.append(100))
    session.run()
    assert handled[-1] == 100, "what comes later wakes it again"


def test_what_is_said_meanwhile_is_handled_next(session: Session) -> None:
    handled: list[str] = []

    def answer() -> None:
        handled.append("first")
        session.say(lambda: handled.append("second"))

    session.say(answer)
    session.run()
    assert handled == ["first"], "others of the loop have their turn"
    session.run()
    assert handled == ["first", "second"]


def test_an_error_loses_nothing(session: Session) -> None:
    handled: list[str] = []

    def fail() -> None:
        raise LookupError

    session.say(fail)
    session.say(lambda: handled.append("next"))
    with pytest.raises(LookupError):
        session.run()
    session.run()
    assert handled == ["next"]


def test_a_closed_loop_is_no_error(session: Session) -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    session._event_loop = loop  # type: ignore[assignment]
    session.say(lambda: None)
