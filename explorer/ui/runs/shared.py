"""Cached reads of the runs, which all sessions of a server share.

The cache key of a run contains the time of its last change. So a run that has ended is not read again while another run
trains. The caches are bounded. Streamlit leaves arguments whose names begin with an underscore out of a cache's key, so
no argument here begins with one.
"""

from collections.abc import Iterable, Sequence
from math import isfinite
from statistics import median
from typing import NamedTuple

import streamlit as st

from explorer.i18n import language
from explorer.jobs import listing, machine, retention, service
from explorer.jobs.compare import Curves, Point, best, curves
from explorer.jobs.run_directory import Row
from explorer.jobs.store import ACTIVE, Record, Status, store
from explorer.settings import settings
from explorer.ui.runs import words
from explorer.ui.runs.view import MAX_CHOSEN

TOP1, TOP3, SECONDS = "validation/top1", "validation/top3", "time/seconds"
LOG_TAIL = 24_000  # bytes
MAX_CACHED_RUNS = 300
PAGE = 25  # runs listed at once
LOAD_INTERVAL = 2.0  # seconds

LINE_POINTS = 24  # most points of a curve for the preview

Line = list[tuple[float, float]]  # epochs and values
Key = tuple[str, float]  # id of a run, and the time of its last change


class RunList(NamedTuple):
    """A page of the list of runs and the chosen runs, with the values of the table's columns.

    Attributes:
        version: Version of the store.
        records: Records of the page, newest first.
        chosen: Records of the chosen runs, in the order of the choice.
        matching: Number of all runs that match the filters.
        overview: All runs, counted.
        ahead: Number of queued jobs before each queued one, by id.
        best: Best top-1 accuracy on the validation images, by id.
        top3: Top-3 accuracy of the same epoch, by id.
        seconds: Median duration of an epoch in seconds, by id.
        lines: Points of the curve of the top-1 accuracy on the validation images, a few of them, by id.
        sizes: Bytes on disk, by id.
    """

    version: int
    records: list[Record]
    chosen: list[Record]
    matching: int
    overview: listing.Overview
    ahead: dict[str, int]
    best: dict[str, float]
    top3: dict[str, float]
    seconds: dict[str, float]
    lines: dict[str, Line]
    sizes: dict[str, int]


class Query(NamedTuple):
    """The filter of the list.

    Attributes:
        filter: Filter of the list.
        page: Page of the list, from 0.
        chosen: Ids of the chosen runs. Without any, the first runs of the filter's sweep are chosen.
    """

    filter: listing.Filter
    page: int
    chosen: tuple[str, ...]


def list_runs(query: Query) -> RunList:
    """Returns a page of the list of runs.

    Raises:
        StoreError: If the store can't be read.
    """
    service.check_runner()
    database = store()
    return _list_runs(str(database.url), database.version(), query, language())


@st.cache_resource(max_entries=64, show_spinner=False)
def _list_runs(url: str, version: int, query: Query, language: str) -> RunList:  # noqa: ARG001  parts of the key
    database = store()
    found = listing.list_jobs(database, query.filter, words.network_title, query.page * PAGE, PAGE)
    chosen = database.find(query.chosen)
    if not chosen and query.filter.sweep:
        # All that fit on the page's charts.
        of_sweep = listing.list_jobs(
            database, listing.Filter(sweep=query.filter.sweep), words.network_title, limit=MAX_CHOSEN
        )
        chosen = sorted(of_sweep.records, key=lambda record: record.turn)
    records = list({record.id: record for record in [*found.records, *chosen]}.values())
    ended = tuple((record.id, record.changed) for record in records if record.status not in ACTIVE)
    at_work = tuple((record.id, record.changed) for record in records if record.status in ACTIVE)
    queued = [record.id for record in records if record.status is Status.QUEUED]
    folder = str(settings().runs_dir)
    before, now = _scores(url, ended), _scores(url, at_work)
    return RunList(
        version,
        found.records,
        chosen,
        found.matching,
        listing.overview(database),
        listing.jobs_ahead(database, queued) if queued else {},
        before.best | now.best,
        before.top3 | now.top3,
        before.seconds | now.seconds,
        before.lines | now.lines,
        {job: _size(folder, job, changed) for job, changed in ended + at_work},
    )


def sizes(records: Iterable[Record]) -> dict[str, int]:
    """Returns the bytes on disk of runs by id."""
    folder = str(settings().runs_dir)
    return {record.id: _size(folder, record.id, record.changed) for record in records}


class _Scores(NamedTuple):
    """Top-1 and top-3 of each run's best epoch, the median seconds of an epoch, and the curve of the top-1, by id."""

    best: dict[str, float]
    top3: dict[str, float]
    seconds: dict[str, float]
    lines: dict[str, Line]


@st.cache_resource(max_entries=64, show_spinner=False)
def _scores(
    url: str,  # noqa: ARG001  part of the cache key
    runs: tuple[Key, ...],
) -> _Scores:
    scores = _Scores({}, {}, {}, {})
    for job, rows in store().curves([job for job, _changed in runs], [TOP1, TOP3, SECONDS]).items():
        lines = curves(rows)
        if point := best(lines.get(TOP1, [])):
            scores.best[job] = point.value
            scores.lines[job] = _thin(lines[TOP1])
            for other in lines.get(TOP3, []):
                if other.epoch == point.epoch:
                    scores.top3[job] = other.value
        if seconds := [epoch.value for epoch in lines.get(SECONDS, [])]:
            scores.seconds[job] = median(seconds)
    return scores


def _thin(points: Sequence[Point]) -> Line:
    step = -(-len(points) // LINE_POINTS)
    some = points[::-1][::step][::-1]  # with the last one
    return [(point.epoch, round(point.value, 4)) for point in some if isfinite(point.value)]


@st.cache_resource(max_entries=20_000, show_spinner=False)
def _size(folder: str, job: str, changed: float) -> int:  # noqa: ARG001  parts of the key
    return sum(retention.files(job).values())


def curves_of(record: Record) -> Curves:
    """Returns the metrics of a run."""
    return _curves(str(store().url), record.id, record.changed)


@st.cache_resource(max_entries=MAX_CACHED_RUNS, show_spinner=False)
def _curves(url: str, job: str, changed: float) -> Curves:  # noqa: ARG001  parts of the key
    return curves(store().curves([job]).get(job, []))


def layer_gradients(record: Record) -> dict[str, list[Row]]:
    """Returns the gradient norms of each layer of a run, by the layer's name."""
    return _layer_gradients(str(store().url), record.id, record.changed)


@st.cache_resource(max_entries=16, show_spinner=False)
def _layer_gradients(url: str, job: str, changed: float) -> dict[str, list[Row]]:  # noqa: ARG001  parts of the key
    return store().layer_gradients(job)


def log_tail(record: Record) -> str:
    """Returns the end of a run's log. It begins with a complete line."""
    try:
        with service.directory(record.id).log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - LOG_TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return text if size <= LOG_TAIL else text.partition("\n")[2]


def has_machines() -> bool:
    """Returns whether several machines may share the store."""
    return store().path is None


@st.cache_resource(ttl=LOAD_INTERVAL, max_entries=1, show_spinner=False)
def machine_load() -> machine.Machine:
    """Returns the load of the machine, at most two seconds old."""
    return machine.read_load()
