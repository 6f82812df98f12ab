"""The progress of a background task on a page."""

import streamlit as st

from explorer.i18n import _
from explorer.ui.page_state import refresh
from explorer.ui.shared.task_queue import Future, T, TaskQueue
from explorer.ui.shared.text import plain

POLL_SECONDS = 0.7


def follow_task(queue: TaskQueue[T], key: str, first_step: str) -> Future[T]:
    """Return the future of a task, and show its progress until it ends. Then the whole page runs again.

    Args:
        queue: Queue of the task.
        key: Key of the task.
        first_step: Message until the task reports its first step.
    """
    future = queue.request(key)
    if not future.is_finished:
        _show_progress(queue, key, first_step)
    return future


@st.fragment(run_every=POLL_SECONDS)
def _show_progress(queue: TaskQueue[T], key: str, first_step: str) -> None:
    future = queue.request(key)
    if future.is_finished:
        refresh()
    if future.total:
        share = min(future.done / future.total, 1.0)
        st.progress(share, _("{step}: {share:.0%}").format(step=plain(future.step), share=share))
    else:
        st.caption(f":material/hourglass_top: {plain(future.step or first_step)}")
