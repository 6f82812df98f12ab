"""What all sessions of a server read of the runs: once for each state of the store, and each run once until it changes.

A run that has ended is not read again while another one trains: what is read of it is kept by the time of its last
change. The caches are bounded; each entry is of one run, or one for the whole list. Streamlit leaves arguments whose
names begin with an underscore out of a cache's key: here none does.
"""

from statistics import median
from typing import NamedTuple

import streamlit as st

from explorer.jobs import machine, retention, service
from explorer.jobs.compare import Curves, best, curves
from explorer.jobs.store import ACTIVE, Record, store
from explorer.settings import settings

TOP1, TOP3, SECONDS = "validation/top1", "validation/top3", "time/seconds"
LOG_TAIL = 24_000  # bytes
RUNS_KEPT = 300
LOOK_EVERY = 2.0  # seconds

Key = tuple[str, float]  # of a run: its id, and when it last changed


class Listed(NamedTuple):
    """All runs with what the table says of them.

    Attributes:
        version: of the store.
        records: the newest first.
        best: top-1 on the validation images, by id.
        top3: of that epoch, likewise.
        seconds: of an epoch, the middle one, by id.
        sizes: bytes on disk, by id.
    """

    version: tuple[int, float]
    records: list[Record]
    best: dict[str, float]
    top3: dict[str, float]
    seconds: dict[str, float]
    sizes: dict[str, int]


def listed() -> Listed:
    """All runs as the store knows them now.

    Raises:
        StoreError: where it can't be read.
    """
    service.keep_awake()
    held = store()
    return _listed(str(held.url), held.version())


@st.cache_resource(max_entries=2, show_spinner=False)
def _listed(url: str, version: tuple[int, float]) -> Listed:
    records = store().records()
    ended = tuple((record.id, record.changed) for record in records if record.status not in ACTIVE)
    at_work = tuple((record.id, record.changed) for record in records if record.status in ACTIVE)
    folder = str(settings().runs_dir)
    best, top3, seconds = (before | now for before, now in zip(_best(url, ended), _best(url, at_work), strict=True))
    return Listed(
        version,
        sorted(records, key=lambda record: (record.submitted, record.turn), reverse=True),
        best,
        top3,
        seconds,
        {job: _size(folder, job, changed) for job, changed in ended + at_work},
    )


@st.cache_resource(max_entries=4, show_spinner=False)
def _best(
    url: str,  # noqa: ARG001  part of the key
    runs: tuple[Key, ...],
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Of each run top-1 and top-3 of its best epoch, and the seconds of its middle one."""
    found: tuple[dict[str, float], dict[str, float], dict[str, float]] = ({}, {}, {})
    for job, rows in store().curves([job for job, _changed in runs], [TOP1, TOP3, SECONDS]).items():
        lines = curves(rows)
        if point := best(lines.get(TOP1, [])):
            found[0][job] = point.value
            for other in lines.get(TOP3, []):
                if other.epoch == point.epoch:
                    found[1][job] = other.value
        if seconds := [epoch.value for epoch in lines.get(SECONDS, [])]:
            found[2][job] = median(seconds)
    return found


@st.cache_resource(max_entries=2000, show_spinner=False)
def _size(folder: str, job: str, changed: float) -> int:  # noqa: ARG001  parts of the key
    return sum(retention.files(job).values())


def curves_of(record: Record) -> Curves:
    """The metrics of a run."""
    return _curves(str(store().url), record.id, record.changed)


@st.cache_resource(max_entries=RUNS_KEPT, show_spinner=False)
def _curves(url: str, job: str, changed: float) -> Curves:  # noqa: ARG001  parts of the key
    return curves(store().rows(job))


def log_tail(record: Record) -> str:
    """The end of what a run's processes printed, from the beginning of a line on."""
    try:
        with service.directory(record.id).log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - LOG_TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return text if size <= LOG_TAIL else text.partition("\n")[2]


@st.cache_resource(ttl=LOOK_EVERY, max_entries=1, show_spinner=False)
def machine_now() -> machine.Machine:
    """How busy the machine is."""
    return machine.read_load()
