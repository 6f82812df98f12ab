"""Disk space of runs, and ways to free it. Each way first plans what it would remove."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from explorer import access
from explorer.jobs import service
from explorer.jobs.store import ACTIVE, Record, Status, store

DAY = 24 * 60 * 60


class Rule(StrEnum):
    """Rules for the removal of runs: whole runs, or everything of finished runs except the best weights."""

    OLD = "old"
    FAILED = "failed"
    BEST_ONLY = "best_only"


@dataclass(frozen=True)
class Clearing:
    """The files of one run that would be removed.

    Attributes:
        record: Record of the run.
        files: Files that would be removed.
        size: Bytes that this would free.
        deletes_run: Whether the run itself would be deleted, with its curves.
    """

    record: Record
    files: tuple[Path, ...]
    size: int
    deletes_run: bool


def files(job: str) -> dict[Path, int]:
    """Returns the files of a run with their sizes in bytes, largest first."""
    folder = service.directory(job).folder
    sizes = {}
    for file in folder.rglob("*"):
        try:
            if file.is_file() and not file.is_symlink():
                sizes[file] = file.stat().st_size
        except FileNotFoundError:  # a running job replaces its files
            continue
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def plan(records: Iterable[Record], rule: Rule, days: float = 0) -> list[Clearing]:
    """Plans what a rule would remove. Leaves out runs that wait or are at work, and those of other users.

    Args:
        records: Records to choose from.
        rule: Rule to apply.
        days: For :attr:`Rule.OLD`, days since a run ended.
    """
    before = time.time() - days * DAY
    ended = [record for record in records if record.status not in ACTIVE and not access.refusal(record.owner)]
    match rule:
        case Rule.OLD:
            return [_plan_deletion(record) for record in ended if (record.ended or record.changed) < before]
        case Rule.FAILED:
            return [_plan_deletion(record) for record in ended if record.status is Status.FAILED]
        case Rule.BEST_ONLY:
            finished = (_plan_cleanup(record) for record in ended if record.status is Status.FINISHED)
            return [clearing for clearing in finished if clearing.files]


def clear(clearings: Sequence[Clearing]) -> int:
    """Removes what was planned, and returns the bytes freed. Skips runs that were resumed or deleted since.

    Raises:
        AccessError: If this user may not change one of the runs.
        OSError: If a file can't be removed.
    """
    freed = 0
    turns = {record.id: record.turn for record in store().records(set(Status) - ACTIVE)}
    for clearing in clearings:
        job = clearing.record.id
        if turns.get(job) != clearing.record.turn:  # each resume assigns a new turn
            continue
        if clearing.deletes_run:
            service.delete(job)
            freed += clearing.size
            continue
        access.check(clearing.record.owner)
        if store().change(job, [Status.FINISHED]):  # changes only the time, so that readers notice the change
            for file in clearing.files:
                file.unlink(missing_ok=True)
            freed += clearing.size
    return freed


def _plan_deletion(record: Record) -> Clearing:
    found = files(record.id)
    return Clearing(record, tuple(found), sum(found.values()), deletes_run=True)


def _plan_cleanup(record: Record) -> Clearing:
    """Plans the removal of the files that a finished run does not need: its checkpoint and the last epoch's weights."""
    directory = service.directory(record.id)
    unneeded = (
        {directory.resume, directory.last, directory.last.with_suffix(".json")} if directory.best.exists() else set()
    )
    found = {file: size for file, size in files(record.id).items() if file in unneeded}
    return Clearing(record, tuple(found), sum(found.values()), deletes_run=False)
