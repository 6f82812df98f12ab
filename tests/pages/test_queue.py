"""The pages of jobs without a runner, and with a store that fails."""

import psycopg
import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from explorer.errors import StoreError
from explorer.jobs import database, service
from explorer.jobs.store import Status, Store
from tests.helpers import made_runs
from tests.pages.helpers import open_page, problem
from tests.pages.runs_page import names


@pytest.mark.parametrize("page", ["runs", "train"])
def test_a_page_with_active_jobs_starts_a_runner(page: str, server: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[bool] = []
    monkeypatch.setattr(service, "ensure_runner", lambda: starts.append(True))
    monkeypatch.setattr(service, "CHECK_INTERVAL", 0)
    open_page(page)
    assert starts == []
    made_runs.add(server, "at work", Status.RUNNING)
    open_page(page)
    assert starts


def test_a_store_error_is_shown_until_the_store_works_again(server: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made_runs.add(server, "First", Status.RUNNING)
    app = open_page("runs")
    assert problem(app) == ""
    failing = [True]
    version = server.version

    def fail() -> int:
        if failing:
            raise StoreError("the job store is locked by another program")
        return version()

    monkeypatch.setattr(server, "version", fail)
    assert "is locked by another program" in problem(app.run())
    assert not app.exception
    failing.clear()
    app.button(key="runs.again").click().run()
    assert problem(app) == ""
    assert "First" in names(app)


def test_a_polling_fragment_shows_store_errors() -> None:
    def script() -> None:
        import streamlit as st

        from explorer.errors import StoreError
        from explorer.ui.shared.store_errors import show_store_errors

        @show_store_errors
        def part() -> None:
            raise StoreError("the disk is full")

        st.fragment(part)()

    app = AppTest.from_function(script).run()
    assert not app.exception
    assert [error.value for error in app.error] == ["the disk is full"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("name", ["runs", "start", "train"])
def test_pages_say_that_the_server_is_away_and_come_back(
    name: str, server: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_runs.add(server, "First", Status.FINISHED)
    monkeypatch.setattr(database, "RETRY_PAUSE", 0.0)
    away = [True]

    def connect(*_arguments: object, **_options: object) -> None:
        if away:
            raise psycopg.OperationalError("connection failed: Connection refused")

    sa.event.listen(server._engine, "do_connect", connect)
    server.close()
    app = open_page(name)
    assert "/test_" in problem(app)
    assert "can't be reached; jobs that are training go on" in problem(app)
    away.clear()
    app.run()
    assert problem(app) == ""
