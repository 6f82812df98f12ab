"""Faults of the job store and the runner on pages: in words, and over with the next look that succeeds."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

from explorer.errors import StoreError
from explorer.jobs import service
from explorer.ui.shared.text import plain

P = ParamSpec("P")


def translate_errors(draw: Callable[P, None]) -> Callable[P, None]:
    """A part of a page that says what is wrong where the store can't be read."""

    @wraps(draw)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            draw(*args, **kwargs)
        except StoreError as error:
            st.error(plain(str(error)), icon=":material/database_off:")

    return guarded


def silence() -> None:
    """Say why nothing happens to the jobs, where their runner does not work."""
    if said := service.silence():
        st.warning(plain(said), icon=":material/pause_circle:")
