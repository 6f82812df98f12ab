"""The address bar: the parameters of a page, beside those that every page keeps."""

from collections.abc import Mapping

import streamlit as st

EVERYWHERE = frozenset(["lang", "embed", "embed_options"])


def everywhere() -> dict[str, str]:
    """The parameters that stay from page to page."""
    return {key: st.query_params[key] for key in st.query_params if key in EVERYWHERE}


def ours() -> dict[str, str]:
    """The parameters of this page."""
    return {key: st.query_params[key] for key in st.query_params if key not in EVERYWHERE}


def write(link: Mapping[str, str]) -> None:
    """Replace this page's parameters, in one step: each change would be an entry of the browser's history."""
    st.query_params.from_dict({**everywhere(), **link})
