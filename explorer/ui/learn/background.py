"""Experiments that train networks, in a process of their own.

Sessions that ask for the same experiment share one result, and different experiments wait for each other: the server
trains for one lesson at a time.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import streamlit as st

from explorer.i18n import _
from explorer.ui.shared.recent_set import RecentSet
from explorer.ui.shared.task_progress import follow_task
from explorer.ui.shared.task_queue import TaskQueue
from explorer.ui.shared.text import plain
from explorer.workers import subprocess_runner
from explorer.workers.progress import Progress
from explorer.workers.subprocess_runner import Limits

REQUESTED = "learn.requested"  # session_state key: keys of the experiments that the session has asked for
MAX_SECONDS = 300.0  # for one experiment, also on a busy machine


class Found(NamedTuple):
    """The result of an experiment; None if it has not been run, or the reason why there is none."""

    result: Any = None
    problem: str = ""


def key_of(module: str, request: Mapping[str, Any]) -> str:
    """Return the key of an experiment: its module of :mod:`explorer.workers.protocol`, and the request."""
    return json.dumps({"module": module, "request": request}, sort_keys=True)


def _work(key: str, progress: Progress) -> Any:
    task = json.loads(key)
    result = subprocess_runner.call(task["module"], task["request"], Limits(MAX_SECONDS), progress)
    if not isinstance(result, Sequence | Mapping):
        raise TypeError(result)
    return result


queue: TaskQueue[Any] = TaskQueue(_work)


def find(key: str) -> Found:
    """Return the result of an experiment if this session has run it."""
    if key not in st.session_state.get(REQUESTED, ()):
        return Found()
    future = queue.request(key)
    return Found(future.result, "" if future.problem is None else str(future.problem))


def render_start(key: str, problem: str, plan: str) -> None:
    """Render a button that starts an experiment, then its progress.

    Args:
        key: Key of the experiment.
        problem: Reason why the last attempt has no result.
        plan: Description of the trainings.
    """
    requested: RecentSet = st.session_state.setdefault(REQUESTED, RecentSet())
    if problem:
        st.error(plain(problem), icon=":material/error:")
    if key in requested and not problem:
        follow_task(queue, key, _("Waiting for the trainings of others…"))
        return

    def run() -> None:
        if problem:
            queue.invalidate(key)
        requested.add(key)

    st.caption(plain(plan))
    st.button(_("Train them now"), key="learn-train", icon=":material/play_arrow:", type="primary", on_click=run)
    st.caption(_("This takes up to two minutes. Others who ask for the same get the same result."))
