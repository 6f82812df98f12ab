"""What runs keep on disk, and how room is made: each way first says what would go."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from explorer.jobs import service
from explorer.jobs.store import ACTIVE, Record, Status, store

DAY = 24 * 60 * 60


class Rule(StrEnum):
    """What is cleared away: whole runs, or of finished ones all but their best weights."""

    OLD = "old"
    FAILED = "failed"
    BEST_ONLY = "best_only"


@dataclass(frozen=True)
class Clearing:
    """What would go of one run.

    Attributes:
        files: that would be removed.
        size: bytes that this frees.
        whole: the run itself would be forgotten, with its curves.
    """

    record: Record
    files: tuple[Path, ...]
    size: int
    whole: bool


def files(job: str) -> dict[Path, int]:
    """The files of a run with their bytes, the largest first."""
    folder = service.directory(job).folder
    sizes = {}
    for file in folder.rglob("*"):
        try:
            if file.is_file() and not file.is_symlink():
                sizes[file] = file.stat().st_size
        except FileNotFoundError:  # a run at work replaces its files
            continue
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def plan(records: Iterable[Record], rule: Rule, days: float = 0) -> list[Clearing]:
    """What a rule would clear away; a run that waits or is at work is left alone.

    Args:
        records: to choose from.
        rule: which of them, and what of them.
        days: for :attr:`Rule.OLD`, since a run ended.
    """
    before = time.time() - days * DAY
    ended = [record for record in records if record.status not in ACTIVE]
    match rule:
        case Rule.OLD:
            return [_whole(record) for record in ended if (record.ended or record.changed) < before]
        case Rule.FAILED:
            return [_whole(record) for record in ended if record.status is Status.FAILED]
        case Rule.BEST_ONLY:
            finished = (_spare(record) for record in ended if record.status is Status.FINISHED)
            return [clearing for clearing in finished if clearing.files]


def clear(clearings: Sequence[Clearing]) -> int:
    """Clear away what was planned, but of a run that somebody has resumed or deleted since; the bytes that were freed.

    Raises:
        OSError: where a file can't be removed.
    """
    freed = 0
    turns = {record.id: record.turn for record in store().records(set(Status) - ACTIVE)}
    for clearing in clearings:
        job = clearing.record.id
        if turns.get(job) != clearing.record.turn:  # each resume gives another turn
            continue
        if clearing.whole:
            service.delete(job)
        elif store().change(
            job, [Status.FINISHED]
        ):  # no change but the time, by which everybody sees that there is one
            for file in clearing.files:
                file.unlink(missing_ok=True)
        else:
            continue
        freed += clearing.size
    return freed


def _whole(record: Record) -> Clearing:
    found = files(record.id)
    return Clearing(record, tuple(found), sum(found.values()), whole=True)


def _spare(record: Record) -> Clearing:
    """All that a finished run can do without: it neither resumes nor needs the weights of its last epoch."""
    directory = service.directory(record.id)
    spare = (
        {directory.resume, directory.last, directory.last.with_suffix(".json")} if directory.best.exists() else set()
    )
    found = {file: size for file, size in files(record.id).items() if file in spare}
    return Clearing(record, tuple(found), sum(found.values()), whole=False)
