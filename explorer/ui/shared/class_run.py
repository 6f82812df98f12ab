"""The runs on a page that students can give to their class.

The browser gets and sends only the name of a run. The server has the curves, so a student cannot invent curves.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from html import escape
from threading import Lock
from typing import Any

import streamlit as st
from cachetools import LRUCache

from explorer.classroom.members import are_offered
from explorer.classroom.question import MAX_LINES, Line, Run, thinned
from explorer.classroom.runs import run_of_jobs
from explorer.errors import InputError
from explorer.i18n import _

ID = re.compile(r"[a-z0-9]{1,32}")  # of a job

_experiments: LRUCache[str, Run] = LRUCache(500)  # by their names for the browser; sessions share equal ones
_lock = Lock()


def offer_jobs(jobs: Sequence[str]) -> None:
    """Offer the jobs on the page, unless there are too many for a class."""
    if are_offered() and 0 < len(jobs) <= MAX_LINES:
        _mark({"jobs": list(jobs)})


def offer_experiment(curves: Sequence[tuple[str, Sequence[tuple[float, float]]]]) -> None:
    """Offer an experiment of a lesson.

    Args:
        curves: Names and points (epoch, accuracy) of its curves.
    """
    if not are_offered() or not 0 < len(curves) <= MAX_LINES:
        return
    run = Run(tuple(Line(name, thinned(points)) for name, points in curves))
    name = hashlib.sha256(repr(run).encode()).hexdigest()[:32]
    with _lock:
        _experiments[name] = run
    _mark({"experiment": name})


def read_run(raw: Any) -> Run:
    """Return the run with a name that a browser has sent.

    Raises:
        InputError: If there is no such run.
    """
    if isinstance(raw, dict):
        jobs = raw.get("jobs")
        if isinstance(jobs, list) and all(isinstance(job, str) and ID.fullmatch(job) for job in jobs):
            return run_of_jobs(jobs)
        with _lock:
            run = _experiments.get(str(raw.get("experiment")))
        if run is not None:
            return run
    raise InputError(_("run: it is not here any more; open it again"))


def _mark(content: dict[str, Any]) -> None:
    st.html(f'<span hidden data-class-run="{escape(json.dumps(content))}"></span>')
