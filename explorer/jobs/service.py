"""The job service: submit, stop, resume, rename and delete jobs. Each call returns at once.

queued ──> (runner) running ──> finished | failed | interrupted
  │ stop        │ stop
  v             v
stopped      stopping ──> (runner) stopped
                                      stopped, interrupted, failed ── resume ──> queued
"""

import logging
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import psutil
from filelock import FileLock, Timeout

from explorer import access, logs
from explorer.errors import InputError
from explorer.i18n import _
from explorer.jobs import leases, quota
from explorer.jobs.job import Job, check_name
from explorer.jobs.launch import check
from explorer.jobs.run_directory import RunDirectory
from explorer.jobs.shared_storage import note_deletion
from explorer.jobs.store import ACTIVE, AT_WORK, NOW, RESUMABLE, Record, Status, store
from explorer.settings import settings
from explorer.workers.subprocess_runner import ROOT

RUNNER = "explorer.jobs.runner"
START_SECONDS = 60.0  # seconds that a living runner has until it holds its lock; the machine may be busy
WRITERS = 16  # jobs that are written at the same time
CHECK_INTERVAL = 2.0  # seconds between two checks whether the runner lives
MAX_SILENCE = 60.0  # seconds without a sign of life; a step of the runner takes less unless the machine is overloaded

log = logging.getLogger(__name__)

_runners: "list[subprocess.Popen[bytes]]" = []  # living runners that this process has started
_last_start = -START_SECONDS
_last_check = -CHECK_INTERVAL
_start_lock = Lock()


def submit(jobs: Sequence[Job]) -> list[Record]:
    """Puts jobs at the end of the queue, all or none. They belong to the user who submits them.

    Raises:
        AccessError: If this user may submit nothing.
        InputError: If a job asks for more than the machine can bear, or a user for more than the limits.
        OSError: If the disk is full.
    """
    access.check()
    quota.check_bytes()
    jobs = [replace(job, owner=access.actor().email) for job in jobs]
    for job in jobs:
        check(job.resources)
    folders = [directory(job.id).folder for job in jobs]
    new_folders = [folder for folder in folders if not folder.exists()]
    try:
        with ThreadPoolExecutor(WRITERS) as pool:  # each waits for the disk
            list(pool.map(Job.write, jobs, folders))
        store().add(jobs, most=quota.max_queued())
    except BaseException as error:
        if not getattr(error, "uncertain", False):  # else the jobs may be in the queue, and need their folders
            for folder in new_folders:
                shutil.rmtree(folder, ignore_errors=True)
        raise
    for job in jobs:
        logs.event("job submitted", job=job.id, owner=job.owner, sweep=job.sweep)
    ensure_runner()
    return store().find([job.id for job in jobs])


def stop(job: str) -> Record:
    """Asks a job to end with a checkpoint. A queued job leaves the queue.

    Raises:
        AccessError: If this user may not change it.
        InputError: If there is no such job, or it has ended.
    """
    job_store = store()
    access.check(job_store.get(job).owner)
    stopped = (
        job_store.change(job, [Status.RUNNING], status=Status.STOPPING)
        or job_store.change(job, [Status.QUEUED], status=Status.STOPPED, ended=NOW)
        or job_store.change(job, [Status.RUNNING], status=Status.STOPPING)  # the runner has just started it
    )
    record = job_store.get(job)
    if not stopped and record.status is not Status.STOPPING:
        raise InputError(_("job: {id} is {status}; there is nothing to stop").format(id=job, status=record.status))
    _log("job stop requested", job)
    ensure_runner()
    return record


def resume(job: str) -> Record:
    """Puts a stopped, interrupted or failed job at the end of the queue. It continues from its checkpoint.

    Raises:
        AccessError: If this user may not change it.
        InputError: If there is no such job, it has not ended in one of these ways, its folder is gone, or its owner
            has too many jobs or bytes.
    """
    record = store().get(job)
    access.check(record.owner)
    if record.status in RESUMABLE and not directory(job).folder.is_dir():
        raise InputError(
            _("job: {id} can't go on, because its folder {folder} was deleted; train it anew").format(
                id=job, folder=directory(job).folder
            )
        )
    if record.status in RESUMABLE:
        quota.check_bytes()
        quota.check_queued(1)
    queued_values = {"status": Status.QUEUED, "error": None, "result": None, "started": None, "ended": None}
    resumed = store().change(job, RESUMABLE, **queued_values)
    record = store().get(job)
    if not resumed:
        raise InputError(
            _("job: {id} is {status}; only stopped, interrupted and failed jobs resume").format(
                id=job, status=record.status
            )
        )
    _log("job resumed", job)
    ensure_runner()
    return record


def rename(job: str, name: str) -> None:
    """Renames a job.

    Raises:
        AccessError: If this user may not change it.
        InputError: If there is no such job, or the name is empty, too long or not one line.
    """
    access.check(store().get(job).owner)
    if not (name := check_name(name)):
        raise InputError(_("name: a job needs one"))
    if not store().change(job, Status, name=name):
        store().get(job)  # raises: there is no such job
    if submission := submitted_job(job):
        with suppress(OSError):  # the name in the store is the one that counts
            replace(submission, name=name).rewrite(directory(job).folder)


def delete(job: str) -> None:
    """Deletes a job that has no processes, with all its files.

    Raises:
        AccessError: If this user may not change it.
        InputError: If there is no such job, or it is at work.
    """
    access.check(store().get(job).owner)
    if not store().remove(job, set(Status) - AT_WORK):
        record = store().get(job)
        raise InputError(_("job: {id} is {status}; stop it first").format(id=job, status=record.status))
    shutil.rmtree(directory(job).folder, ignore_errors=True)
    if settings().runs_storage:
        note_deletion(job)
        ensure_runner()
    _log("job deleted", job)


def _log(event: str, job: str) -> None:
    logs.event(event, job=job, user=access.actor().email)


def submitted_job(job: str) -> Job | None:
    """Returns a job as submitted, before it was adapted to its data. None if its files are gone or damaged."""
    try:
        return Job.read(directory(job).folder)
    except InputError:
        return None


def directory(job: str) -> RunDirectory:
    """Returns the run directory of a job."""
    return RunDirectory(settings().runs_dir / job)


def jobs_ahead(job: str, records: Iterable[Record]) -> int:
    """Returns the number of queued jobs before a queued job. A resumed job is at the end of the queue."""
    turns = {record.id: record.turn for record in records if record.status is Status.QUEUED}
    return sum(turn < turns[job] for turn in turns.values()) if job in turns else 0


def describe(record: Record) -> dict[str, Any]:
    """Returns a job as the command line prints it."""
    best = directory(record.id).best
    return {
        "id": record.id,
        "name": record.name,
        "status": record.status,
        "machine": record.machine,
        "pids": record.pids,
        "progress": record.progress,
        "spec": record.spec,
        "submitted_spec": record.submitted_spec or record.spec,
        "base": record.base or "",
        "dataset": record.dataset,
        "recipe": record.recipe,
        "resources": record.resources,
        "owner": record.owner or "",
        "sweep": record.sweep,
        "varied": record.varied,
        "error": record.error,
        "weights": str(best) if best.exists() else None,
        "notes": record.notes,
        "live": record.live,
        "result": record.result,
    }


def ensure_runner() -> None:
    """Starts a runner unless one is alive, or this machine runs no jobs."""
    global _last_start
    if settings().read_only or not settings().run_jobs:
        return
    with _start_lock:
        _runners[:] = [runner for runner in _runners if runner.poll() is None]
        if _runners and time.monotonic() - _last_start < START_SECONDS:
            return  # it does not hold its lock yet; another one would only slow it down
        lock = FileLock(runner_lock())
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return
        lock.release()  # if two processes get here at the same time, both start a runner, and one of them exits
        try:
            _runners.append(_start_runner())
            _last_start = time.monotonic()
        except OSError as error:  # the jobs stay in the queue; the next check_runner tries again
            log.warning("no runner could be started: %s", error)


def check_runner() -> None:
    """Starts a runner if there are active jobs and no runner is alive. Ends the jobs of lost machines.

    Pages and commands call it whenever they show jobs. It checks at most every two seconds.

    Raises:
        StoreError: If the store can't be read.
    """
    global _last_check
    if time.monotonic() - _last_check < CHECK_INTERVAL:
        return
    _last_check = time.monotonic()
    if store().has(ACTIVE):
        leases.end_lost_jobs(store())
        ensure_runner()


def runner_problem() -> str:
    """Returns a sentence if the runner exists but does not work. Empty if it works, or does not exist.

    Raises:
        StoreError: If the store can't be read.
    """
    if (found := _runner_process()) is None:
        return ""
    pid, state, since = found
    if state == psutil.STATUS_STOPPED:
        return _(
            "The process that runs the jobs (pid {pid}) is suspended: nothing starts, stops or is recorded until it "
            "goes on, for example by: kill -CONT {pid}"
        ).format(pid=pid)
    if since > MAX_SILENCE and store().has(ACTIVE):
        return _(
            "The process that runs the jobs (pid {pid}) has not answered for {seconds:.0f} seconds; if that lasts, end "
            "it, and another one takes over: kill -KILL {pid}"
        ).format(pid=pid, seconds=since)
    try:
        return problem_file().read_text(encoding="utf-8")
    except OSError:
        return ""


def has_ready_process() -> bool:
    """Returns whether a runner is alive on this machine that keeps a process with PyTorch ready for the next job."""
    return settings().keep_ready and settings().backend == "local" and _runner_process() is not None


def _runner_process() -> tuple[int, str, float] | None:
    """Returns the runner's process id, its state, and the seconds since its last pulse. None if there is no runner."""
    pulse = runner_pulse()
    try:
        pid, since = int(pulse.read_text(encoding="utf-8")), time.time() - pulse.stat().st_mtime
        process = psutil.Process(pid)
        state, works = process.status(), RUNNER in process.cmdline()
    except (OSError, ValueError, psutil.Error):  # it is starting, or has ended and is replaced
        return None
    return (pid, state, since) if works else None  # if not, another process has the id now


def problem_file() -> Path:
    """Returns the file in which the runner says what is wrong with the cluster. There is none if nothing is."""
    return runner_lock().with_suffix(".problem")


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
            start_new_session=True,  # the runner outlives the process that starts it
        )


def show_pulse() -> None:
    """Shows that the runner works, by the clock of this machine: a file server has another one."""
    pulse, now = runner_pulse(), time.time()
    pulse.touch()
    os.utime(pulse, (now, now))


def runner_pulse() -> Path:
    """Returns the file that holds the runner's process id. The runner touches it while it works."""
    return runner_lock().with_suffix(".pid")


def runner_lock() -> Path:
    """Returns the lock file that the only runner of this store on this machine holds."""
    path = store().path
    if path:
        return path.with_name(f"{path.name}.runner.lock")
    name = re.sub(r"[^\w.-]", "_", settings().machine_name)  # the folder may be shared with other machines
    return settings().runs_dir / f"runner-{name}.lock"
