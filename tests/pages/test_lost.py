"""Actions of the user are not lost if the browser requests another run at the same time."""

import io

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.data import uploads
from explorer.ui.page_state import REFRESH_LINK
from tests.pages.requests import request_rerun
from tests.pages.train_page import LR, form, open_page, run_until_idle

pytestmark = pytest.mark.usefixtures("server")


def npz() -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
    np.savez(file, images=pixels, labels=np.arange(40) % 2)
    return file.getvalue()


def script() -> None:
    import streamlit as st

    from explorer.ui import callbacks
    from tests.pages.requests import request_rerun

    callbacks.install()

    def callback() -> None:
        request_rerun(**st.session_state.typed)
        st.session_state.finished = st.session_state.get("finished", 0) + 1
        st.session_state.name = "assigned"

    st.session_state.setdefault("typed", {})
    st.checkbox("Assign", key="assign", on_change=callback)
    st.text_input("Name", key="name")


@pytest.mark.parametrize(("typed", "name"), [({}, "assigned"), ({"name": "typed"}, "typed")])
def test_a_callback_finishes_and_its_assignments_stay(typed: dict[str, str], name: str) -> None:
    app = AppTest.from_function(script).run()
    app.text_input(key="name").set_value("old").run()
    app.session_state["typed"] = typed
    app.checkbox(key="assign").check().run()
    assert not app.exception
    assert app.session_state["finished"] == 1
    assert app.session_state["name"] == app.text_input(key="name").value == name
    app.text_input(key="name").set_value("old").run()  # now by the user
    assert app.session_state["name"] == "old"


def test_an_upload_is_chosen_even_if_its_run_carries_an_old_link() -> None:
    app = open_page(net="digits-cnn")
    before = dict(app.query_params)
    app.number_input(key=LR).set_value(0.02).run()
    for repeated in (False, True):
        app.query_params.clear()  # on a busy machine, the browser still doesn't know the link of the edit
        app.query_params.update(before)
        if repeated:
            app.session_state[REFRESH_LINK] = before
            app.run()
        else:
            app.file_uploader[0].upload("mine.npz", npz()).run()
        (name,) = uploads.names()
        assert (form(app).dataset, form(app).recipe.lr) == (f"uploaded:{name}", 0.02)


def test_an_upload_is_chosen_even_if_a_run_is_requested_while_it_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    keep = uploads.save

    def keep_while_busy(*arguments: object) -> str:
        request_rerun()
        return keep(*arguments)  # type: ignore[arg-type]

    app = open_page()
    monkeypatch.setattr(uploads, "save", keep_while_busy)
    app.file_uploader[0].upload("mine.npz", npz()).run()
    (name,) = uploads.names()
    assert form(run_until_idle(app)).dataset == f"uploaded:{name}"
    assert app.selectbox(key="train.dataset").value == f"uploaded:{name}"
