"""Requests of a browser while a page runs."""

from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData


def request_rerun(**changed: str) -> None:
    """Request a run as a browser does during a callback, with the widget values from before the callback.

    Args:
        **changed: Texts that the user has typed in the meantime, by the keys of their widgets.
    """
    context = get_script_run_ctx()
    assert context is not None
    assert context.script_requests is not None
    session = context.session_state._state
    sent = WidgetStates()
    sent.CopyFrom(session._current_interaction_widget_states)
    for state in sent.widgets:
        for key, text in changed.items():
            if session._key_id_mapper.get_id_from_key(key) == state.id:
                state.string_value = text
    context.script_requests.request_rerun(
        RerunData(query_string=context.query_string, page_script_hash=context.page_script_hash, widget_states=sent)
    )
