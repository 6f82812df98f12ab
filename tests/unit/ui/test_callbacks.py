"""The requests of a session are handled in their order, and what the browser does not know yet is no change."""

from threading import Event, Thread
from typing import Any

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.testing.v1 import AppTest

from explorer.ui import callbacks


def test_an_older_request_that_is_slow_does_not_undo_a_newer_one() -> None:
    callbacks.install()
    state = SessionState()
    state._set_widget_metadata(WidgetMetadata("source", lambda value: value, lambda value: value, "string_value"))
    was_checked, go_on = Event(), Event()

    def check_slowly() -> None:
        """No newer request is there yet when this is called; one is when it returns."""
        was_checked.set()
        assert go_on.wait(10)

    def request(session: SafeSessionState, value: str) -> Thread:
        states = WidgetStates(widgets=[WidgetState(id="source", string_value=value)])
        thread = Thread(target=session.on_script_will_rerun, args=(states,))
        thread.start()
        return thread

    older = request(SafeSessionState(state, check_slowly), "camera")
    assert was_checked.wait(10)
    newer = request(SafeSessionState(state, lambda: None), "gallery")
    newer.join(0.2)  # it could be handled now
    go_on.set()
    older.join(10)
    newer.join(10)
    assert state["source"] == "gallery"


def script() -> None:
    import streamlit as st

    def open_file() -> None:
        st.session_state["opened"] = [*st.session_state.get("opened", []), st.session_state["file"]]

    st.checkbox("Menu", key="menu", value=True)
    if st.session_state["menu"]:
        st.text_input("File", key="file", on_change=open_file)


@pytest.mark.parametrize(("next_file", "opened"), [("net.txt", ["net.txt"]), ("own.txt", ["net.txt", "own.txt"])])
def test_a_widget_that_a_run_has_hidden_reports_no_change_again(
    next_file: str, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    callbacks.install()
    app = AppTest.from_function(script).run()
    app.text_input[0].set_value("net.txt").run()
    app.checkbox[0].uncheck()
    known: Any = app._tree.get_widget_states()
    app.run()
    assert not app.text_input
    [file] = [state for state in known.widgets if state.WhichOneof("value") == "string_value"]
    file.string_value = next_file
    monkeypatch.setattr(app._tree, "get_widget_states", lambda: known)  # the browser has not heard of it yet
    app.run()
    assert app.session_state["opened"] == opened
