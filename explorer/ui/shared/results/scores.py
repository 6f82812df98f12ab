"""Accuracies in one line."""

from typing import Any

import streamlit as st

from explorer.formatting import percent
from explorer.i18n import _


def render(result: dict[str, Any]) -> None:
    """Render top-1, top-k and the number of right answers of a result of ``evaluate --json``."""
    st.metric(_("Test top-1"), percent(result["top1"]), width="content")
    for k, share in result.get("topk", {}).items():
        st.metric(_("Test top-{k}").format(k=k), percent(share), width="content")
    st.metric(
        _("Right"), _("{correct:,} of {images:,}").format(correct=result["correct"], images=result["images"]),
        width="content",
    )  # fmt: skip
