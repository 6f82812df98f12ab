"""The runner starts queued jobs and keeps the store up to date.

``python -m explorer.jobs.runner`` starts it. One runner works for a store on a machine. Jobs do not depend on it: if
it is killed, the next runner finds them by their locks. The runner's memory is not needed to determine the state of a
job.
"""

import logging
import math
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from filelock import FileLock, Timeout

from explorer import logs
from explorer.errors import StoreError
from explorer.i18n import _
from explorer.jobs import leases, service
from explorer.jobs.database import identity
from explorer.jobs.exporter import serve
from explorer.jobs.local import Backend, Local
from explorer.jobs.processes import living_ids
from explorer.jobs.ray_backend import RayBackend, RaySlots
from explorer.jobs.run_directory import ReadPosition
from explorer.jobs.slots import SlotPool, Slots, environment, gpus
from explorer.jobs.store import ACTIVE, AT_WORK, NOW, Record, Status, Store, store
from explorer.settings import settings

POLL = 0.2  # seconds
MAX_REASON = 300  # characters of an error message from outside
STOP_TIMEOUT = 7.0  # seconds that a supervisor has after a request to stop; then all processes are killed
START_PAUSE = 1.0  # seconds after a job's start before the next worker is prepared
MAX_STARTS = 3  # starts of a job whose processes end before they begin
LOCK_TIMEOUT = 1.0  # seconds; a process that only checks the lock holds it for a moment


log = logging.getLogger(__name__)


@dataclass
class JobMemory:
    """The runner's cache for one job. It only saves work."""

    position: ReadPosition | None = None
    progress: dict[str, Any] = field(default_factory=dict)
    submitted: bool = False
    stop_requested: float | None = None
    fault: dict[str, str] | None = None


class Runner:
    """Runs the jobs of one store."""

    def __init__(self, job_store: Store, backend: Backend, slot_pool: Slots) -> None:
        self.store = job_store
        self.machine = settings().machine_name
        self.next_renewal = -math.inf
        self.last_start = -math.inf
        self.backend = backend
        self.slot_pool = slot_pool
        self.memory: dict[str, JobMemory] = {}
        self.starts: dict[str, int] = {}  # by job: starts that ended before they began
        self.stopping = Event()  # set from outside: it leaves its jobs to the next runner

    def run(self, idle: float) -> None:
        """Works until there were no jobs for ``idle`` seconds, the store is gone, or another runner took over.

        If it is asked to stop, it ends within a step. Running jobs go on, and the next runner finds them.
        """
        last = time.monotonic()
        path = self.store.path
        original = path and identity(path)
        fault = ""
        while path is None or identity(path) == original:
            try:
                service.show_pulse()
                if not self._renew_lease():
                    break
                if self.step():
                    last = time.monotonic()
            except StoreError as error:  # the store may be locked, or its disk full; the jobs continue meanwhile
                if str(error) != fault:  # log it once, not with every step
                    log.warning("%s", error)
                fault, last = str(error), time.monotonic()
            else:
                fault = ""
            if self.stopping.is_set() or time.monotonic() - last > idle:
                with suppress(StoreError):  # with jobs at work it stays, and the next runner finds them
                    leases.release(self.store, self.machine)
                break
            time.sleep(POLL)
        self.backend.close()

    def step(self) -> bool:
        """Handles every job once. Returns whether there is any active job."""
        at_work = self._at_work()
        for record in at_work:
            self._try(self._update, record)
        tried: set[str] = set()
        at_work = self._at_work()
        while chosen := self.slot_pool.next_job(self.store.first_in_queue(tried), at_work):
            record, slots = chosen
            tried.add(record.id)
            self._try(partial(self._start, slots=slots), record)
            at_work = self._at_work()
        if time.monotonic() - self.last_start > START_PAUSE:
            with suppress(OSError):  # too little memory or too many processes: the next job only starts more slowly
                self.backend.make_ready()
        return bool(at_work) or self.store.has([Status.QUEUED])

    def _at_work(self) -> list[Record]:
        """Returns the jobs at work on this machine. Those of other machines have runners of their own."""
        found = self.store.records(AT_WORK)
        return [record for record in found if self.store.path or record.machine == self.machine]

    def _renew_lease(self) -> bool:
        """Renews the lease of this machine when it is time. Returns whether this runner may work."""
        if time.monotonic() < self.next_renewal:
            return True
        capacity = leases.Capacity(len(self.slot_pool.gpus), self.slot_pool.cpu_slots)
        lease = leases.renew(self.store, self.machine, capacity)
        if lease is leases.Lease.TAKEN:
            log.warning("another machine of the name %s runs jobs; give them names by EXPLORER_MACHINE", self.machine)
            return False
        self.next_renewal = time.monotonic() + leases.interval()
        if lease is leases.Lease.LAPSED:
            self._reclaim()
        leases.end_lost_jobs(self.store)
        others = (found.gpus for name, found in leases.living(self.store).items() if name != self.machine)
        self.slot_pool.gpus_elsewhere = max(others, default=0)
        return True

    def _reclaim(self) -> None:
        """Takes back jobs that count as lost because this machine was cut off, and that live or have ended since."""
        for record in self.store.records([Status.INTERRUPTED]):
            is_lost = record.machine == self.machine and (record.error or {}).get("code") == leases.LOST
            directory = service.directory(record.id)
            if is_lost and (self.backend.poll(directory) or directory.read_end() is not None):
                self.store.change(record.id, [Status.INTERRUPTED], status=Status.RUNNING, error=None, ended=None)

    def _try(self, action: Callable[[Record], None], record: Record) -> None:
        """Runs an action for one job. An error is recorded for that job and does not affect other jobs."""
        try:
            action(record)
        except StoreError:
            raise
        except Exception as error:
            fault = _fault(error, service.directory(record.id).folder)
            if fault != self._memory_of(record).fault:  # log it once, not with every step
                log.exception("job %s", record.id)
            self._memory_of(record).fault = fault

    def _start(self, record: Record, *, slots: list[str]) -> None:
        directory, ticket = service.directory(record.id), secrets.token_hex(8)
        self.memory.pop(record.id, None)
        faults: list[OSError] = []

        def prepare() -> None:
            try:
                directory.prepare_start(ticket)  # before the claim, so that the end of an earlier start never counts
            except OSError as error:
                faults.append(error)

        claimed = self.store.claim(record.id, prepare, ended=None, slots=slots, live=None, machine=self.machine)
        if not claimed:  # stopped or deleted just now
            return
        if faults:
            raise faults[0]
        self.slot_pool.check(record.resources)
        self.backend.submit(directory, ticket, environment(slots))
        self.last_start = time.monotonic()
        self._memory_of(record).submitted = True
        logs.event("job started", job=record.id, machine=self.machine, slots=",".join(slots))

    def _update(self, record: Record) -> None:
        directory = service.directory(record.id)
        is_alive = self.backend.poll(directory)
        self._try(self._copy_results, record)  # after the poll, so that nothing of an ended job is missed
        if not is_alive:
            self._record_end(record)
        elif record.status is Status.STOPPING:
            memory = self._memory_of(record)
            memory.stop_requested = memory.stop_requested or time.monotonic()
            self.backend.cancel(directory, force=time.monotonic() - memory.stop_requested > STOP_TIMEOUT)

    def _copy_results(self, record: Record) -> None:
        """Copies what the job has written into the store."""
        directory, memory = service.directory(record.id), self._memory_of(record)
        rows, position = directory.rows_after(memory.position)
        if position is not None and position != memory.position:
            replace = memory.position is None or position.inode != memory.position.inode
            self.store.write_rows(record.id, rows, replace=replace)
            memory.position = position
        progress = directory.progress()
        supervisor = directory.supervisor()
        pids = [*([supervisor] if supervisor else []), *living_ids(map(tuple, progress.get("processes", [])))]
        # Compared as text: the live numbers of a failing run may be NaN, which does not equal itself.
        if repr(progress) != repr(memory.progress) or pids != record.pids:
            values = {key: progress[key] for key in ("progress", "live", "spec", "recipe", "notes") if key in progress}
            self.store.change(record.id, AT_WORK, pids=pids, **values)
            memory.progress = progress

    def _record_end(self, record: Record) -> None:
        """Records the end of a job whose processes are gone."""
        directory, memory = service.directory(record.id), self._memory_of(record)
        end = directory.read_end()
        if not directory.folder.is_dir():
            self._close(record, status=Status.FAILED, error=_folder_error(directory.folder))
            return
        if end is None and not directory.has_begun() and memory.fault is None and memory.submitted:
            # Its processes were killed before they began, or they can't start at all.
            self.starts[record.id] = self.starts.get(record.id, 0) + 1
            memory.submitted = self.starts[record.id] >= MAX_STARTS
        if end is None and memory.fault is None and not memory.submitted and not directory.has_begun():
            # The previous runner was killed while it started the job, or the job was killed before it began.
            status = Status.STOPPED if record.status is Status.STOPPING else Status.QUEUED
            values: dict[str, Any] = {"status": status, "turn": record.turn, "started": None}
        elif end is not None:
            values = {"status": Status(end["status"]), "error": end["error"], "result": end["result"]}
            if end["status"] == Status.FINISHED:
                values["progress"] = 1.0
        elif not directory.has_begun():
            values = {"status": Status.FAILED, "error": memory.fault or _start_error()}
        elif record.status is Status.STOPPING:
            values = {"status": Status.STOPPED}
        else:
            values = {"status": Status.INTERRUPTED, "error": _interrupted_error()}
        self._close(record, **values)

    def _close(self, record: Record, **values: Any) -> None:
        if values["status"] is not Status.QUEUED:
            values["ended"] = NOW
            self.starts.pop(record.id, None)
        self.store.change(record.id, AT_WORK, pids=[], slots=[], live=None, **values)
        self.memory.pop(record.id, None)
        code = (values.get("error") or {}).get("code")
        logs.event("job ended", job=record.id, machine=self.machine, status=str(values["status"]), error=code)

    def _memory_of(self, record: Record) -> JobMemory:
        return self.memory.setdefault(record.id, JobMemory())


def _fault(error: Exception, folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        return _folder_error(folder)
    reason = " ".join(str(error).split())[:MAX_REASON]
    if isinstance(error, OSError) and error.strerror:
        reason = _("{place}: {reason}").format(place=error.filename or folder, reason=error.strerror)
    return {"code": "runner", "message": _("it can't be run: {reason}").format(reason=reason)}


def _folder_error(folder: Path) -> dict[str, str]:
    return {
        "code": "folder",
        "message": _("its folder {folder} was deleted, and with it all checkpoints; train it anew").format(
            folder=folder
        ),
    }


def _start_error() -> dict[str, str]:
    return {
        "code": "runner",
        "message": _("its processes could not be started; see {log}").format(log=settings().runs_dir / "runner.log"),
    }


def _interrupted_error() -> dict[str, str]:
    return {
        "code": "killed",
        "message": _("its processes were killed, or the machine was restarted; it resumes from the last checkpoint"),
    }


def main() -> int:
    """Runs the jobs of the store from the settings, unless another runner does.

    SIGTERM and SIGINT end it with status 0; its jobs go on.
    """
    logs.configure("runner")
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_signal: stop.set())
    signal.signal(signal.SIGINT, lambda *_signal: stop.set())
    lock, close_metrics = FileLock(service.runner_lock()), None
    while True:
        try:
            lock.acquire(timeout=LOCK_TIMEOUT)
        except Timeout:
            return 0
        close_metrics = close_metrics or serve(settings().runner_metrics_port)
        service.runner_pulse().write_text(str(os.getpid()), encoding="utf-8")
        logs.event("runner started", machine=settings().machine_name, backend=settings().backend)
        backend, slots = BACKENDS[settings().backend]()
        runner = Runner(store(), backend, slots)
        runner.stopping = stop
        runner.run(settings().runner_idle)
        lock.release()
        if stop.is_set() or not _has_active_jobs():
            break
    close_metrics()
    logs.event("runner ended", machine=settings().machine_name, reason="signal" if stop.is_set() else "idle")
    return 0


def _local() -> tuple[Backend, Slots]:
    return Local(), SlotPool(gpus(), settings().cpu_slots)


def _ray() -> tuple[Backend, Slots]:
    backend = RayBackend()
    return backend, RaySlots(backend, settings().ray_jobs)


BACKENDS: dict[str, Callable[[], tuple[Backend, Slots]]] = {"local": _local, "ray": _ray}


def _has_active_jobs() -> bool:
    """Returns whether there is an active job.

    A job submitted while this runner still held the lock has started no other runner.
    """
    path = store().path
    if path is not None and not path.exists():
        return False
    store().close()
    store.cache_clear()  # the file may have been replaced
    try:
        return bool(store().records(ACTIVE))
    except StoreError as error:
        log.warning("%s", error)
        return False


if __name__ == "__main__":
    sys.exit(main())
