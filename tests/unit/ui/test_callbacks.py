"""The requests of a session are handled in their order."""

from threading import Event, Thread

from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.runtime.state.common import WidgetMetadata

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
