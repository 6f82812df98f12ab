"""What people ask of the queue: submit, stop, resume, rename, delete. Each call returns at once.

queued ──> (runner) running ──> finished | failed | interrupted
  │ stop        │ stop
  v             v
stopped      stopping ──> (runner) stopped
                                      stopped, interrupted, failed ── resume ──> queued
"""

import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import psutil
from filelock import FileLock, Timeout

from explorer.errors import InputError
from explorer.i18n import _
from explorer.jobs.job import Job, checked_name
from explorer.jobs.launch import check
from explorer.jobs.run_directory import RunDirectory
from explorer.jobs.store import ACTIVE, AT_WORK, RESUMABLE, Record, Status, store
from explorer.settings import settings
from explorer.workers.subprocess_runner import ROOT

RUNNER = "explorer.jobs.runner"
STARTING = 3.0  # seconds that a runner may take to come to its lock
LOOK_EVERY = 2.0  # seconds
SILENT = 60.0  # seconds without a sign of the runner; its steps take less on any machine that is not overloaded

log = logging.getLogger(__name__)

_runners: "list[subprocess.Popen[bytes]]" = []  # that this process has started, and that have not ended
_started = -STARTING
_looked = -LOOK_EVERY
_waking = Lock()


def submit(jobs: Sequence[Job]) -> list[Record]:
    """Put jobs at the end of the queue, all or none.

    Raises:
        InputError: where one asks for more than the machine can bear.
        OSError: where the disk is full.
    """
    for job in jobs:
        check(job.resources)
    folders = [directory(job.id).folder for job in jobs]
    made = [folder for folder in folders if not folder.exists()]
    try:
        for job, folder in zip(jobs, folders, strict=True):
            job.write(folder)
        store().add(jobs)
    except BaseException:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    wake()
    return [store().get(job.id) for job in jobs]


def stop(job: str) -> Record:
    """Ask a job to end, with a checkpoint; one that waits leaves the queue.

    Raises:
        InputError: where there is no such job, or it has ended.
    """
    held = store()
    stopped = (
        held.change(job, [Status.RUNNING], status=Status.STOPPING)
        or held.change(job, [Status.QUEUED], status=Status.STOPPED, ended=time.time())
        or held.change(job, [Status.RUNNING], status=Status.STOPPING)  # it was just taken from the queue
    )
    record = held.get(job)
    if not stopped and record.status is not Status.STOPPING:
        raise InputError(_("job: {id} is {status}; there is nothing to stop").format(id=job, status=record.status))
    wake()
    return record


def resume(job: str) -> Record:
    """Put a job that was stopped, interrupted or failed at the end of the queue; it goes on where it was.

    Raises:
        InputError: where there is no such job, it has not ended in one of these ways, or its folder is gone.
    """
    if (record := store().get(job)).status in RESUMABLE and not directory(job).folder.is_dir():
        raise InputError(
            _("job: {id} can't go on, for its folder {folder} was deleted; train it anew").format(
                id=job, folder=directory(job).folder
            )
        )
    fresh = {"status": Status.QUEUED, "error": None, "result": None, "started": None, "ended": None}
    resumed = store().change(job, RESUMABLE, **fresh)
    record = store().get(job)
    if not resumed:
        raise InputError(
            _("job: {id} is {status}; only stopped, interrupted and failed jobs resume").format(
                id=job, status=record.status
            )
        )
    wake()
    return record


def rename(job: str, name: str) -> None:
    """Call a job something else.

    Raises:
        InputError: where there is no such job, or the name is empty, too long or not one line.
    """
    if not (name := checked_name(name)):
        raise InputError(_("name: a job needs one"))
    if not store().change(job, Status, name=name):
        store().get(job)  # says that there is none
    if kept := submitted(job):
        with suppress(OSError):  # the store is the record
            replace(kept, name=name).write_again(directory(job).folder)


def delete(job: str) -> None:
    """Forget a job that has no processes, and remove all its files.

    Raises:
        InputError: where there is no such job, or it is at work.
    """
    if not store().remove(job, set(Status) - AT_WORK):
        record = store().get(job)
        raise InputError(_("job: {id} is {status}; stop it first").format(id=job, status=record.status))
    shutil.rmtree(directory(job).folder, ignore_errors=True)


def submitted(job: str) -> Job | None:
    """A job as it was submitted, before it was fitted to its data; None where its files are gone or damaged."""
    try:
        return Job.read(directory(job).folder)
    except InputError:
        return None


def directory(job: str) -> RunDirectory:
    """The files of a job."""
    return RunDirectory(settings().runs_dir / job)


def ahead(job: str, records: Iterable[Record]) -> int:
    """How many jobs wait before one that waits, too; a resumed one waits behind all others."""
    turns = {record.id: record.turn for record in records if record.status is Status.QUEUED}
    return sum(turn < turns[job] for turn in turns.values()) if job in turns else 0


def describe(record: Record) -> dict[str, Any]:
    """A job as the command line prints it."""
    best = directory(record.id).best
    return {
        "id": record.id,
        "name": record.name,
        "status": record.status,
        "pids": record.pids,
        "progress": record.progress,
        "spec": record.spec,
        "dataset": record.dataset,
        "recipe": record.recipe,
        "resources": record.resources,
        "sweep": record.sweep,
        "varied": record.varied,
        "error": record.error,
        "weights": str(best) if best.exists() else None,
        "notes": record.notes,
        "live": record.live,
        "result": record.result,
    }


def wake() -> None:
    """See that a runner lives."""
    global _started
    with _waking:
        _runners[:] = [runner for runner in _runners if runner.poll() is None]
        if _runners and time.monotonic() - _started < STARTING:
            return  # it has not come to its lock yet
        lock = FileLock(runner_lock())
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return
        lock.release()  # of two processes that come here at once, both start a runner, and one ends at once
        try:
            _runners.append(_start_runner())
            _started = time.monotonic()
        except OSError as error:  # the jobs are in the queue all the same; whoever looks at them tries again
            log.warning("no runner could be started: %s", error)


def keep_awake() -> None:
    """See that a runner lives where a job needs one: whatever has happened meanwhile, what is told next is true.

    For those that look at jobs, however often they do.

    Raises:
        StoreError: where the store can't be read.
    """
    global _looked
    if time.monotonic() - _looked < LOOK_EVERY:
        return
    _looked = time.monotonic()
    if store().records(ACTIVE):
        wake()


def silence() -> str:
    """Why nothing happens to the jobs that wait or run, where the runner is there and does not work; else empty.

    Raises:
        StoreError: where the store can't be read.
    """
    pulse = runner_pulse()
    try:
        pid, since = int(pulse.read_text(encoding="utf-8")), time.time() - pulse.stat().st_mtime
        process = psutil.Process(pid)
        state, works = process.status(), RUNNER in process.cmdline()
    except (OSError, ValueError, psutil.Error):  # it is about to begin, or has ended: then another one is started
        return ""
    if not works:  # another process has got the number
        return ""
    if state == psutil.STATUS_STOPPED:
        return _(
            "The process that runs the jobs (pid {pid}) is suspended: nothing starts, stops or is recorded until it "
            "goes on, for example by: kill -CONT {pid}"
        ).format(pid=pid)
    if since > SILENT and store().records(ACTIVE):
        return _(
            "The process that runs the jobs (pid {pid}) has not answered for {seconds:.0f} seconds; if that lasts, end "
            "it, and another one takes over: kill -KILL {pid}"
        ).format(pid=pid, seconds=since)
    return ""


def _start_runner() -> "subprocess.Popen[bytes]":
    folder = settings().runs_dir
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "runner.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603  our own module
            [sys.executable, "-m", RUNNER],
            cwd=ROOT,
            env=settings().for_process(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # it outlives whoever starts it
        )


def runner_pulse() -> Path:
    """Has the number of the runner's process, which touches it as long as it works."""
    return runner_lock().with_suffix(".pid")


def runner_lock() -> Path:
    """Held by the one runner of this store on this machine."""
    path = store().path
    return path.with_name(f"{path.name}.runner.lock") if path else settings().runs_dir / "runner.lock"
