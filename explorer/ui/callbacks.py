"""Nothing that a user does is lost to what else the browser asks for in the same moment.

Streamlit ends a run of the page at any access to ``session_state`` as soon as another run is asked for: in a callback,
too, and what the callback had still to do is not done. And the run that was asked for carries the widgets as the
browser knew them, which takes back what the callback gave them. Uploads that took a moment to be kept were lost so.

So callbacks are done whole, before the newer request is looked at; and what one gave to a widget stays until a run
that shows it has ended, unless the user has changed the widget meanwhile.
"""

from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType
from streamlit.runtime.state import SafeSessionState

_GIVEN = "explorer_given"  # in a session's state: what callbacks gave widgets and the browser may not know yet


class _Given:
    """What the browser said of a widget before a callback gave it a value, and whether a run has shown that."""

    def __init__(self, before: bytes) -> None:
        self.before = before
        self.shown = False


def guard() -> None:
    """Let Streamlit run callbacks whole, in every session of this process; more than once changes nothing."""
    if SafeSessionState.on_script_will_rerun.__module__ == __name__:
        return
    begin, draw, end = (
        SafeSessionState.on_script_will_rerun,
        SafeSessionState.register_widget,
        SafeSessionState.on_script_finished,
    )

    def on_script_will_rerun(self: Any, fresh_widget_states: WidgetStates | None, **others: Any) -> None:
        self._yield_callback()  # a newer request is taken here: it brings along what this one has brought
        given = _given(self)
        sent = {} if fresh_widget_states is None else {state.id: state for state in fresh_widget_states.widgets}
        said = {name: state.SerializeToString(deterministic=True) for name, state in sent.items()}
        stale = {name for name, one in given.items() if said.get(name) == one.before}
        if stale:
            fresh_widget_states = WidgetStates(widgets=[state for name, state in sent.items() if name not in stale])
        interrupt = self._yield_callback
        object.__setattr__(self, "_yield_callback", lambda: None)
        try:
            begin(self, fresh_widget_states, **others)
        finally:
            object.__setattr__(self, "_yield_callback", interrupt)
        for key in self._state._new_session_state:
            if (name := self._state._key_id_mapper.get_id_from_key(key, None)) in said:
                given[name] = _Given(said[name])

    def register_widget(self: Any, metadata: Any, user_key: str | None) -> Any:
        drawn = draw(self, metadata, user_key)
        if one := _given(self).get(metadata.id):
            one.shown = True
        return drawn

    def on_script_finished(
        self: Any, widget_ids_this_run: frozenset[str], *, remove_stale_widgets: bool = True
    ) -> None:
        end(self, widget_ids_this_run, remove_stale_widgets=remove_stale_widgets)
        if remove_stale_widgets and not _is_asked_again():
            given = _given(self)
            for name in [name for name, one in given.items() if one.shown]:
                del given[name]

    SafeSessionState.on_script_will_rerun = on_script_will_rerun  # type: ignore[method-assign]
    SafeSessionState.register_widget = register_widget  # type: ignore[method-assign]
    SafeSessionState.on_script_finished = on_script_finished  # type: ignore[method-assign]


def _given(session: Any) -> dict[str, _Given]:
    found: dict[str, _Given] = session._state._old_state.setdefault(_GIVEN, {})
    return found


def _is_asked_again() -> bool:
    """Whether the browser has asked for another run, which it did before it knew all of this one."""
    context = get_script_run_ctx(suppress_warning=True)
    requests = context.script_requests if context else None
    return requests is not None and requests._state is ScriptRequestType.RERUN
