"""Messages on pages about a job store that fails and about a runner that does not work."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

from explorer.errors import StoreError
from explorer.jobs import service
from explorer.jobs.store import store
from explorer.jobs.store_errors import UnreachableError
from explorer.ui.page_state import refresh
from explorer.ui.shared.text import plain

P = ParamSpec("P")
RETRY_INTERVAL = 3.0  # seconds between two tries to reach the server


def show_store_errors(render: Callable[P, None]) -> Callable[P, None]:
    """Decorate a part of a page so that it shows an error if the store can't be read."""

    @wraps(render)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            render(*args, **kwargs)
        except StoreError as error:
            st.error(plain(str(error)), icon=":material/database_off:")
            wait_for_store(error)

    return wrapper


def wait_for_store(error: StoreError) -> None:
    """Run the page again as soon as a server that could not be reached answers."""
    if isinstance(error, UnreachableError):
        st.fragment(_refresh_when_reached, run_every=RETRY_INTERVAL)()


def _refresh_when_reached() -> None:
    try:
        store().version()
    except StoreError:
        return
    refresh()


def warn_if_runner_is_silent() -> None:
    """Show why no job makes progress, if the runner does not work."""
    if message := service.runner_problem():
        st.warning(plain(message), icon=":material/pause_circle:")
