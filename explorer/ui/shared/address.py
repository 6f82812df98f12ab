"""The address bar: the parameters of the open page, and those that all pages share."""

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

PAGES = Path(__file__).parents[3] / "pages"
SHARED = frozenset(["lang", "embed", "embed_options", "class", "present"])
# What mail programs, search engines and social networks add to links, besides names that begin with ``utm_``.
TRACKING = frozenset([
    "dclid", "fbclid", "gad_source", "gbraid", "gclid", "igshid", "mc_cid", "mc_eid", "msclkid", "twclid", "wbraid",
    "yclid",
])  # fmt: skip


def shared_parameters() -> dict[str, str]:
    """The parameters that stay when the user opens another page."""
    return {key: st.query_params[key] for key in st.query_params if key in SHARED}


def page_parameters() -> dict[str, str]:
    """The parameters of the open page."""
    return {key: st.query_params[key] for key in st.query_params if key not in SHARED and not _is_tracking(key)}


def _is_tracking(key: str) -> bool:
    return key in TRACKING or key.startswith("utm_")


def write(link: Mapping[str, str]) -> None:
    """Replace the page's parameters in one step: each change adds an entry to the browser's history."""
    st.query_params.from_dict({**shared_parameters(), **link})
