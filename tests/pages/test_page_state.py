"""One state for all pages: what is sent before the browser knows the link of the last edit takes nothing back.

Pages and their widgets are found by their declaration, so that a new page and a new field are tested, too.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from explorer.errors import InputError
from explorer.jobs.store import Status, Store, store
from explorer.ui.page_state import REFRESH_LINK
from explorer.ui.shared.task_queue import Future
from tests.helpers import made_runs
from tests.pages.helpers import open_page
from tests.pages.page_states import declared, edit, editable, give

PAGES = Path(__file__).parents[2] / "pages"
START = {
    "architecture": {"net": "vgg16"},
    "compare": {"a": "vgg16", "b": "vgg19"},
    "kernels": {"by": "1xk"},
    "predict": {"weights": "digits-cnn", "index": "3"},
    "train": {"net": "digits-cnn"},
}
WITHOUT_STATE = {"start"}
FEW = 6  # widgets of a page
every_page = pytest.mark.parametrize("page", sorted(declared()))


@pytest.fixture(autouse=True)
def _server(server: Store, predict_server: Store) -> None:
    made_runs.add(server, "one", Status.FINISHED)
    made_runs.add(server, "two", Status.STOPPED)


def fresh(page: str) -> AppTest:
    """The page as a session opens it; the Runs page with a run close up."""
    link = {"job": store().records()[0].id} if page == "runs" else START.get(page, {})
    app = open_page(page, **link)
    assert not app.exception
    return app


def state(app: AppTest, page: str) -> Any:
    return app.session_state[declared()[page].NAME]


def edited(app: AppTest, page: str, count: int) -> list[dict[str, str]]:
    """The page's links, before and after each of so many edits that are written to it."""
    links = [dict(app.query_params)]
    for key in editable(app, page):
        if key not in editable(app, page):
            continue  # an edit has taken it away
        before = app.session_state[key]
        edit(app, key).run()
        if app.query_params != links[-1]:
            links.append(dict(app.query_params))
        else:  # refused, as every later edit would be while it stands
            app.session_state[key] = before
            app.run()
        if len(links) > count:
            return links
    raise AssertionError(f"{page} has fewer than {count} widgets that change its link")


def test_every_page_but_those_without_a_state_is_declared() -> None:
    assert declared().keys() | WITHOUT_STATE == {path.stem for path in PAGES.glob("*.py")}


@every_page
@pytest.mark.parametrize("most", [FEW, pytest.param(1000, marks=pytest.mark.exhaustive)])
def test_edits_that_outrun_the_browser_all_stay(page: str, most: int) -> None:
    quick, slow = fresh(page), fresh(page)
    keys = editable(slow, page)
    known, latest = dict(quick.query_params), dict(quick.query_params)
    changes = 0
    for key in keys[:: max(1, len(keys) // most)]:
        if key not in editable(slow, page):
            continue  # an edit has taken it away
        give(quick, known)  # the browser does not know yet what the edit before has led to
        edit(quick, key).run()
        edit(slow, key).run()
        assert state(quick, page).to_link() == slow.query_params, key
        changes += slow.query_params != latest
        known, latest = latest, dict(slow.query_params)
    assert changes > 1


def test_the_guard_sees_the_widgets_of_the_editors_and_of_the_view() -> None:
    """Edits of a widget whose prefix is left out would be lost, and no test here would meet it."""
    assert set(declared()["architecture"].PREFIXES) == {"edit.", "view."}
    app = open_page("architecture", net="vgg16")
    assert {"edit.batch_norm", "edit.num_classes", "view.detail"} <= set(editable(app, "architecture"))


@every_page
def test_a_step_back_is_followed(page: str) -> None:
    app = fresh(page)
    links = edited(app, page, 2)
    for link in reversed(links[:-1]):
        give(app, link)
        app.run()
        assert not app.exception
        assert app.query_params == state(app, page).to_link() == link


def test_a_step_back_to_the_bare_address_is_followed() -> None:
    app = open_page("kernels")
    app.number_input(key="kernels.stack.c").set_value(100).run()
    give(app, {})
    app.run()
    assert app.number_input(key="kernels.stack.c").value == 64
    assert app.query_params == {}


@every_page
def test_an_old_link_is_followed_after_some_seconds_whatever_else_is_typed(page: str, clock: SimpleNamespace) -> None:
    app = fresh(page)
    before, _after = edited(app, page, 1)
    clock.now += 3
    give(app, before)
    edit(app, editable(app, page)[1]).run()
    assert app.query_params == state(app, page).to_link() == before


def test_a_click_is_not_lost_to_an_old_link_however_late_it_comes(clock: SimpleNamespace) -> None:
    app = fresh("compare")
    before, _after = edited(app, "compare", 1)
    clock.now += 60
    give(app, before)
    app.button(key="compare.add").click().run()
    assert app.query_params["c"]


@every_page
def test_a_page_that_is_drawn_anew_by_the_clock_follows_no_old_link(page: str) -> None:
    app = fresh(page)
    before, after = edited(app, page, 1)
    give(app, before)
    app.session_state[REFRESH_LINK] = before
    app.run()
    assert state(app, page).to_link() == after
    give(app, before)  # now by the user
    app.run()
    assert state(app, page).to_link() == before


@every_page
def test_a_page_that_one_comes_back_to_is_as_it_was_left(page: str) -> None:
    app = fresh(page)
    link = edited(app, page, 2)[-1]
    widgets = {key: app.session_state[key] for key in editable(app, page)}
    app.switch_page("../pages/start.py").run()
    app.query_params.clear()
    app.switch_page(f"../pages/{page}.py").run()
    assert not app.exception
    assert app.query_params == link
    assert {key: app.session_state[key] for key in editable(app, page)} == widgets


def test_a_widget_that_was_hidden_says_what_it_said() -> None:
    app = open_page("kernels", show="inception", module="own", map="4")
    app.number_input(key="kernels.inception.map").set_value(5.0).run()
    for module in ("3a", "own"):
        app.selectbox(key="kernels.inception.module").set_value(module).run()
        app.run()
    assert app.query_params == {"show": "inception", "module": "own", "map": "5"}
    app = open_page("predict", weights="digits-cnn", index="3", show="test")
    app.segmented_control(key="predict.view.show").set_value("predict").run()
    app.segmented_control(key="predict.view.top").set_value(3).run()
    for section in ("weights", "predict"):
        app.segmented_control(key="predict.view.show").set_value(section).run()
        app.run()
        assert app.query_params["top"] == "3"


class EndedQueue:
    """A task queue whose task ends between two requests."""

    requests = 0

    @classmethod
    def request(cls, _key: str) -> Future[bool]:
        cls.requests += 1
        return Future(problem=InputError("over") if cls.requests > 1 else None)


def waiting() -> None:
    from typing import cast

    import streamlit as st

    from explorer.ui import page_state
    from explorer.ui.shared.task_progress import follow_task
    from explorer.ui.shared.task_queue import TaskQueue
    from tests.pages.test_page_state import EndedQueue

    st.session_state.setdefault("refreshed", []).append(page_state.consume_refresh())
    follow_task(cast(TaskQueue[bool], EndedQueue), "work", "Working…")


def test_a_page_that_is_drawn_anew_by_the_clock_knows_it() -> None:
    EndedQueue.requests = 0
    app = AppTest.from_function(waiting)
    app.query_params["net"] = "vgg16"
    app.run()
    assert not app.exception
    assert app.session_state["refreshed"] == [False, True]
    app.run()
    assert app.session_state["refreshed"] == [False, True, False]
