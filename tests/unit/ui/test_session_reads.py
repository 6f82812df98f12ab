"""A widget reads its own value from the session: as before, and without reading all others."""

from typing import Any

import pytest
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.testing.v1 import AppTest

from explorer.ui import session_reads


def page() -> None:
    import streamlit as st

    st.session_state.setdefault("empty", None)
    st.session_state.setdefault("none", None)
    values = [
        st.number_input("Empty", step=1.0, key="empty"), st.number_input("Number", step=1.0, key="number"),
        st.text_input("None", key="none"), st.text_input("Text", key="text"),
        st.selectbox("Box", ["a", "b"], key="box"),
    ]  # fmt: skip
    st.text(repr(values))


def test_a_widget_reads_its_own_value_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    everything = SessionState.filtered_state.fget  # type: ignore[attr-defined]

    def read(state: Any) -> Any:
        reads.append(1)
        return everything(state)

    def shown() -> str:
        reads.clear()
        return str(AppTest.from_function(page).run().text[0].value)

    monkeypatch.setattr(SafeSessionState, "filtered_state", SafeSessionState.filtered_state)  # undone after the test
    monkeypatch.setattr(SessionState, "filtered_state", property(read))
    session_reads.install()
    assert shown() == "[None, 0.0, None, '', 'a']", "as without the module"
    assert not reads


def test_the_values_of_a_page_are_those_of_its_prefixes() -> None:
    def page() -> None:
        import streamlit as st

        from explorer.ui import session_reads

        st.session_state["mine.plain"] = 1
        st.session_state["other.plain"] = 2
        st.number_input("Mine", value=3, key="mine.widget")
        st.number_input("Other", value=4, key="other.widget")
        st.number_input("Nameless", value=5)
        values = session_reads.values_of(("mine.",))
        st.text(repr(dict(sorted(values.items()))))

    app = AppTest.from_function(page).run()
    assert app.text[0].value == "{'mine.plain': 1, 'mine.widget': 3}"
    assert app.number_input(key="mine.widget").set_value(7).run().text[0].value == "{'mine.plain': 1, 'mine.widget': 7}"
