"""The state of all pages: a run with a stale link undoes no edit.

The tests find pages and widgets by their declarations, so that they cover a new page or field without a change.
"""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from explorer.errors import InputError
from explorer.jobs.store import Status, Store, store
from explorer.ui.page_state import REFRESH_LINK, guard
from explorer.ui.shared.task_queue import Future
from tests.helpers import made_runs
from tests.pages.helpers import open_page, problem
from tests.pages.page_states import declared, edit, editable, set_link

PAGES = Path(__file__).parents[2] / "pages"
START = {
    "architecture": {"net": "vgg16"},
    "compare": {"a": "vgg16", "b": "vgg19"},
    "kernels": {"by": "1xk"},
    "learn": {"lesson": "why-3x3", "step": "13", "by": "1xk"},
    "predict": {"weights": "digits-cnn", "index": "3"},
    "train": {"net": "digits-cnn"},
}
WITHOUT_STATE = {"start"}
every_page = pytest.mark.parametrize("page", sorted(declared()))


@pytest.fixture(autouse=True)
def _server(server: Store, predict_server: Store) -> None:
    made_runs.add(server, "one", Status.FINISHED)
    made_runs.add(server, "two", Status.STOPPED)


def fresh(page: str) -> AppTest:
    """Open a page in a new session; the Runs page with a chosen run."""
    link = {"job": store().records()[0].id} if page == "runs" else START.get(page, {})
    app = open_page(page, **link)
    assert not app.exception
    return app


def state(app: AppTest, page: str) -> Any:
    return app.session_state[declared()[page].NAME]


def edited(app: AppTest, page: str, count: int) -> list[dict[str, str]]:
    """Edit widgets until the link has changed as often as ``count``. Returns all links, the first one included."""
    links = [dict(app.query_params)]
    for key in editable(app, page):
        if key not in editable(app, page):
            continue  # an edit has removed the widget
        before = app.session_state[key]
        edit(app, key).run()
        if app.query_params != links[-1]:
            links.append(dict(app.query_params))
        else:  # the edit was refused: revert it, because it would make all later edits fail
            app.session_state[key] = before
            app.run()
        if len(links) > count:
            return links
    raise AssertionError(f"{page} has fewer than {count} widgets that change its link")


def test_every_page_has_a_declared_state() -> None:
    assert declared().keys() | WITHOUT_STATE == {path.stem for path in PAGES.glob("*.py")}


@every_page
def test_quick_edits_with_stale_links_all_stay(page: str) -> None:
    quick, slow = fresh(page), fresh(page)
    known, latest = dict(quick.query_params), dict(quick.query_params)
    changes = 0
    for key in editable(slow, page):
        if key not in editable(slow, page):
            continue  # an edit has removed the widget
        set_link(quick, known)  # the browser does not know the link of the previous edit yet
        edit(quick, key).run()
        edit(slow, key).run()
        assert state(quick, page).to_link() == slow.query_params, key
        changes += slow.query_params != latest
        known, latest = latest, dict(slow.query_params)
    assert changes > 1


def test_the_prefixes_cover_the_widgets_of_editors_and_view() -> None:
    """Without its prefix, edits of a widget would be lost, and no other test here would edit it."""
    assert set(declared()["architecture"].PREFIXES) == {"edit.", "view."}
    app = open_page("architecture", net="vgg16")
    assert {"edit.batch_norm", "edit.num_classes", "view.detail"} <= set(editable(app, "architecture"))


@every_page
def test_a_step_back_is_followed(page: str) -> None:
    app = fresh(page)
    links = edited(app, page, 2)
    for link in reversed(links[:-1]):
        set_link(app, link)
        app.run()
        assert not app.exception
        assert app.query_params == state(app, page).to_link() == link


def test_a_step_back_to_the_empty_link_is_followed() -> None:
    app = open_page("kernels")
    app.number_input(key="kernels.stack.c").set_value(100).run()
    set_link(app, {})
    app.run()
    assert app.number_input(key="kernels.stack.c").value == 64
    assert app.query_params == {}


@every_page
def test_a_step_back_is_followed_despite_an_edit(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = fresh(page)
    before, _after = edited(app, page, 1)
    set_link(app, before)
    monkeypatch.setattr(guard, "_is_step_back", lambda: True)
    edit(app, editable(app, page)[1]).run()
    assert app.query_params == state(app, page).to_link() == before


@every_page
def test_a_link_that_was_lost_on_its_way_to_the_browser_is_written_again(page: str) -> None:
    app = fresh(page)
    first, second, third = edited(app, page, 2)
    for known in (first, second):
        set_link(app, known)
        state(app, page).mark_user_action()  # the next request, for instance a chosen layer
        app.run()
        assert app.query_params == state(app, page).to_link() == third


def test_a_click_counts() -> None:
    app = fresh("compare")
    before, _after = edited(app, "compare", 1)
    set_link(app, before)
    app.button(key="compare.add").click().run()
    assert app.query_params["c"]


@every_page
def test_a_refresh_follows_no_old_link(page: str) -> None:
    app = fresh(page)
    before, after = edited(app, page, 1)
    set_link(app, before)
    app.session_state[REFRESH_LINK] = before
    app.run()
    assert state(app, page).to_link() == after
    set_link(app, before)  # this time, by the user
    app.run()
    assert state(app, page).to_link() == before


@every_page
def test_a_page_is_unchanged_when_the_user_returns(page: str) -> None:
    app = fresh(page)
    link = edited(app, page, 2)[-1]
    widgets = {key: app.session_state[key] for key in editable(app, page)}
    app.switch_page("../pages/start.py").run()
    app.query_params.clear()
    app.switch_page(f"../pages/{page}.py").run()
    assert not app.exception
    assert app.query_params == link
    assert {key: app.session_state[key] for key in editable(app, page)} == widgets


@pytest.mark.parametrize("page", [*sorted(declared()), *WITHOUT_STATE])
def test_an_unknown_parameter_is_named_and_a_tracking_parameter_is_not(page: str) -> None:
    link = START.get(page, {})
    shown = problem(open_page(page, **link, nonsense="1", utm_source="mail", fbclid="2", embed="true"))
    assert "'nonsense'" in shown
    assert "utm_source" not in shown
    assert problem(open_page(page, **link, utm_source="mail", fbclid="2")) == ""


def test_a_hidden_widget_keeps_its_value() -> None:
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


def script() -> None:
    from typing import cast

    import streamlit as st

    from explorer.ui import page_state
    from explorer.ui.shared.task_progress import follow_task
    from explorer.ui.shared.task_queue import TaskQueue
    from tests.pages.test_page_state import EndedQueue

    st.session_state.setdefault("refreshed", []).append(page_state.consume_refresh())
    follow_task(cast(TaskQueue[bool], EndedQueue), "work", "Working…")


def test_a_refresh_is_recognised_once() -> None:
    EndedQueue.requests = 0
    app = AppTest.from_function(script)
    app.query_params["net"] = "vgg16"
    app.run()
    assert not app.exception
    assert app.session_state["refreshed"] == [False, True]
    app.run()
    assert app.session_state["refreshed"] == [False, True, False]
