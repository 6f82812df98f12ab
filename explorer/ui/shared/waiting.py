"""A piece of work beside the page, as the user sees it while it lasts."""

import streamlit as st

from explorer.i18n import _
from explorer.ui.page_state import refresh
from explorer.ui.shared.task_queue import Future, T, TaskQueue
from explorer.ui.shared.text import plain

EVERY = 0.7  # seconds between two looks


def follow(lane: TaskQueue[T], key: str, begun: str) -> Future[T]:
    """How a piece of work stands; while it lasts, this place shows how far it is, and at its end the page runs anew.

    Args:
        lane: that does it.
        key: of the piece.
        begun: what is being done, before the work itself says more.
    """
    piece = lane.ask(key)
    if not piece.ended:
        _watch(lane, key, begun)
    return piece


@st.fragment(run_every=EVERY)
def _watch(lane: TaskQueue[T], key: str, begun: str) -> None:
    piece = lane.ask(key)
    if piece.ended:
        refresh()
    if piece.total:
        share = min(piece.done / piece.total, 1.0)
        st.progress(share, _("{step}: {share:.0%}").format(step=plain(piece.step), share=share))
    else:
        st.caption(f":material/hourglass_top: {plain(piece.step or begun)}")
