"""What a browser asks for while a page is at work."""

from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

from explorer.errors import InputError
from explorer.ui.shared.task_queue import Future


def ask_once_more(**changed: str) -> None:
    """The browser asks for a run while a callback is at work: it still knows the widgets as they were.

    Args:
        **changed: texts that the user has typed meanwhile, by the key of their widget.
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


class Ended:
    """A lane whose work ends between two looks."""

    asked = 0

    @classmethod
    def ask(cls, _key: str) -> Future[bool]:
        cls.asked += 1
        return Future(problem=InputError("over") if cls.asked > 1 else None)
