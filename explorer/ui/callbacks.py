"""Callbacks of widgets run to their end, and the values that they assign to widgets are not overwritten.

As soon as the browser asks for another run, Streamlit ends the current run at its next access to ``session_state``
(https://github.com/streamlit/streamlit/issues/10578). This can happen within a callback, and the rest of the callback
is then skipped. The new run also carries the widget values that the browser knows, and they overwrite the values that
the callback has assigned. Without this module, an upload that takes a moment to store is lost.

With this module, a callback finishes before Streamlit handles the newer request. A value that a callback assigns to a
widget stays until a run that renders the widget has ended, unless the user has changed the widget in the meantime.

The newer request has a thread of its own, while the thread of the older one goes on until it notices. Both write the
widget values of the session. Without this module, an older thread that is slow can write its values last, and a click
is lost. With it, a session handles one request at a time, and none after a newer one.

The browser puts what happens at the same moment into one request, and that request runs a fragment only if one of the
widgets is in a fragment. A click on another widget is then lost while a fragment sends often, as a live camera does.
With this module, such a request runs the whole page.

A run that hides a widget removes its value. Until the browser knows that, its requests contain the widget as it was.
Streamlit takes this for a change, and calls the widget's callback again: a file that was opened once is opened again,
and the edits since then are lost. With this module, a widget that was removed and comes unchanged is ignored.

Callbacks, and fragments that run by themselves, use the session's language: the script that sets it has not run then.
"""

import threading
from typing import Any

import streamlit as st
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner import RerunData, RerunException, get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType, _has_active_trigger_value
from streamlit.runtime.state import SafeSessionState
from streamlit.runtime.state.common import unpack_widget_state_value

from explorer.i18n import choose_language, use_language

_ASSIGNMENTS = "explorer_given"  # key in the session's state
_LOCK = "explorer_lock"  # key in the session's state
_SENT = "explorer_sent"  # key in the session's state


class _Assignment:
    """A callback's assignment to a widget, which the browser may not know yet.

    Attributes:
        sent: State of the widget that the browser sent before the assignment.
        is_rendered: Whether a run has rendered the widget since the assignment.
    """

    def __init__(self, sent: bytes) -> None:
        self.sent = sent
        self.is_rendered = False


def install() -> None:
    """Change Streamlit in this process so that callbacks finish. Further calls change nothing."""
    if SafeSessionState.on_script_will_rerun.__module__ == __name__:
        return
    begin, register, end = (
        SafeSessionState.on_script_will_rerun,
        SafeSessionState.register_widget,
        SafeSessionState.on_script_finished,
    )

    def on_script_will_rerun(self: Any, fresh_widget_states: WidgetStates | None, **others: Any) -> None:
        use_language(choose_language(st.query_params.get("lang"), st.context.locale))
        with self._state._old_state.setdefault(_LOCK, threading.RLock()):
            self._yield_callback()  # handles a newer request, which includes the changes of this one
            handle(self, fresh_widget_states, **others)

    def handle(self: Any, fresh_widget_states: WidgetStates | None, **others: Any) -> None:
        assignments = _assignments(self)
        states = {} if fresh_widget_states is None else {state.id: state for state in fresh_widget_states.widgets}
        sent = {name: state.SerializeToString(deterministic=True) for name, state in states.items()}
        stale = {name for name, assignment in assignments.items() if sent.get(name) == assignment.sent}
        stale |= {name for name in states if _is_removed(self, states[name], sent[name])}
        if stale:
            fresh_widget_states = WidgetStates(widgets=[state for name, state in states.items() if name not in stale])
        _run_page_if_needed(self, fresh_widget_states, others)
        self._state._old_state[_SENT] = sent
        interrupt = self._yield_callback
        object.__setattr__(self, "_yield_callback", lambda: None)
        try:
            begin(self, fresh_widget_states, **others)
        finally:
            object.__setattr__(self, "_yield_callback", interrupt)
        for key in self._state._new_session_state:
            if (name := self._state._key_id_mapper.get_id_from_key(key, None)) in sent:
                assignments[name] = _Assignment(sent[name])

    def register_widget(self: Any, metadata: Any, user_key: str | None) -> Any:
        result = register(self, metadata, user_key)
        if assignment := _assignments(self).get(metadata.id):
            assignment.is_rendered = True
        return result

    def on_script_finished(
        self: Any, widget_ids_this_run: frozenset[str], *, remove_stale_widgets: bool = True
    ) -> None:
        end(self, widget_ids_this_run, remove_stale_widgets=remove_stale_widgets)
        if remove_stale_widgets and not _is_rerun_requested():
            assignments = _assignments(self)
            for name in [name for name, assignment in assignments.items() if assignment.is_rendered]:
                del assignments[name]

    SafeSessionState.on_script_will_rerun = on_script_will_rerun  # type: ignore[method-assign]
    SafeSessionState.register_widget = register_widget  # type: ignore[method-assign]
    SafeSessionState.on_script_finished = on_script_finished  # type: ignore[method-assign]


def trigger_value(key: str, event: str) -> Any:
    """Returns what a component's trigger says in its callback.

    None if the component isn't on the page any more: the browser may be slower than an edit.
    """
    return getattr(st.session_state.get(key), event, None)


def _run_page_if_needed(session: Any, states: WidgetStates | None, others: dict[str, Any]) -> None:
    """Ends a request for fragments if a widget outside of them has changed; a request for the page takes its place."""
    context = get_script_run_ctx(suppress_warning=True)
    fragments = (context and context.fragment_ids_this_run) or []
    if context and fragments and states and any(_has_changed(session, one, fragments) for one in states.widgets):
        raise RerunException(
            RerunData(
                query_string=context.query_string,
                widget_states=states,
                page_script_hash=context.page_script_hash,
                cached_message_hashes=context.cached_message_hashes,
                context_info=context.context_info,
                **others,
            )
        )


def _has_changed(session: Any, state: WidgetState, fragments: list[str]) -> bool:
    """Whether a widget of the page that is in none of the fragments has another value than the session knows."""
    inner = session._state
    metadata = inner._new_widget_state.widget_metadata.get(state.id)
    if metadata is None or metadata.fragment_id in fragments:
        return False
    if (state.WhichOneof("value") or "").endswith("trigger_value"):
        return _has_active_trigger_value(state)
    try:
        known = inner._getitem(state.id, inner._key_id_mapper.id_key_mapping.get(state.id))
    except KeyError:  # the page does not show it any more
        return False
    return bool(metadata.deserializer(unpack_widget_state_value(state)) != known)


def _is_removed(session: Any, state: WidgetState, sent: bytes) -> bool:
    """Whether the last run has removed a widget that the browser sends again, because it does not know that yet."""
    inner = session._state
    return (
        inner._old_state.get(_SENT, {}).get(state.id) == sent
        and state.id in inner._new_widget_state.widget_metadata
        and state.id not in inner._old_state
        and state.id not in inner._new_widget_state.states
        and not (state.WhichOneof("value") or "").endswith("trigger_value")
    )


def _assignments(session: Any) -> dict[str, _Assignment]:
    assignments: dict[str, _Assignment] = session._state._old_state.setdefault(_ASSIGNMENTS, {})
    return assignments


def _is_rerun_requested() -> bool:
    """Whether the browser has asked for another run before it received all of this run."""
    context = get_script_run_ctx(suppress_warning=True)
    requests = context.script_requests if context else None
    return requests is not None and requests._state is ScriptRequestType.RERUN
