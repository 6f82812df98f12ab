"""Takes jobs from the queue and keeps the store true: ``python -m explorer.jobs.runner``.

One runner works for a store on a machine. Jobs don't depend on it: where it is killed, the next one finds them by
their locks. Nothing that it has in memory is needed to tell a job's state.
"""

import logging
import os
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from explorer.errors import StoreError
from explorer.i18n import _
from explorer.jobs import service
from explorer.jobs.local import Backend, Local
from explorer.jobs.processes import living
from explorer.jobs.run_directory import Mark
from explorer.jobs.slots import Machine, environment, gpus
from explorer.jobs.store import ACTIVE, AT_WORK, Record, Status, Store, identity, store
from explorer.settings import settings

POLL = 0.2  # seconds
LONGEST_REASON = 300  # characters of a message that is not ours
LATE = 7.0  # seconds after a request to stop that a supervisor has; then all processes are killed
SETTLED_IN = 1.0  # seconds from a job's start on which it has the machine to itself, before the next one is prepared
MOST_STARTS = 3  # of a job whose processes end before they have begun
OTHER_WAIT = 1.0  # seconds; somebody who only looks may hold the lock for a moment

BACKENDS: dict[str, Callable[[], Backend]] = {"local": Local}

log = logging.getLogger(__name__)


@dataclass
class Watched:
    """What the runner remembers of a job, only to work less."""

    mark: Mark | None = None
    progress: dict[str, Any] = field(default_factory=dict)
    submitted: bool = False
    stop_asked: float | None = None
    fault: dict[str, str] | None = None


class Runner:
    """Works for one store."""

    def __init__(self, held: Store, backend: Backend, machine: Machine) -> None:
        self.store = held
        self.backend = backend
        self.machine = machine
        self.watched: dict[str, Watched] = {}
        self.starts: dict[str, int] = {}  # of jobs whose processes did not come to begin

    def run(self, idle: float) -> None:
        """Work until nothing has been to do for some seconds, or the store is gone."""
        last = time.monotonic()
        path = self.store.path
        here = path and identity(path)
        while path is None or identity(path) == here:
            try:
                service.runner_pulse().touch()
                if self.step():
                    last = time.monotonic()
            except StoreError as error:  # of the store: it may be locked, or its disk full; jobs go on meanwhile
                log.warning("%s", error)
                last = time.monotonic()
            if time.monotonic() - last > idle:
                break
            time.sleep(POLL)
        self.backend.close()

    def step(self) -> bool:
        """Look after every job once; whether there is any."""
        active = self.store.records(ACTIVE)
        at_work = [record for record in active if record.status in AT_WORK]
        for record in at_work:
            self._guarded(self._look_after, record)
        if len(still := self.store.records(AT_WORK)) < len(active):
            queued = self.store.records([Status.QUEUED])
            while chosen := self.machine.next(queued, still):
                record, slots = chosen
                self._guarded(partial(self._start, slots=slots), record)
                queued.remove(record)
                still = self.store.records(AT_WORK)
        if all(time.time() - (record.started or 0) > SETTLED_IN for record in still):
            with suppress(OSError):  # short of memory or processes: jobs take longer to begin, and that is all
                self.backend.make_ready()
        return bool(active)

    def _guarded(self, act: Callable[[Record], None], record: Record) -> None:
        """One job's fault is not another's."""
        try:
            act(record)
        except StoreError:
            raise
        except Exception as error:
            fault = _fault(error, service.directory(record.id).folder)
            if fault != self._watch(record).fault:  # else it comes with every step
                log.exception("job %s", record.id)
            self._watch(record).fault = fault

    def _start(self, record: Record, *, slots: list[str]) -> None:
        directory, ticket = service.directory(record.id), secrets.token_hex(8)
        self.watched.pop(record.id, None)
        fault: OSError | None = None
        try:
            directory.offer(ticket)  # before the claim: the end of an earlier start must never pass for this one's
        except OSError as error:
            fault = error
        claimed = self.store.change(
            record.id, [Status.QUEUED], status=Status.RUNNING, started=time.time(), ended=None, slots=slots, live=None
        )
        if not claimed:  # stopped or deleted in this moment
            return
        if fault:
            raise fault
        self.machine.refuse(record.resources)
        self.backend.submit(directory, ticket, environment(slots))
        self._watch(record).submitted = True

    def _look_after(self, record: Record) -> None:
        directory = service.directory(record.id)
        lives = self.backend.poll(directory)
        self._guarded(self._take_over, record)  # after the poll: of a job that has ended, that is all
        if not lives:
            self._settle(record)
        elif record.status is Status.STOPPING:
            watched = self._watch(record)
            watched.stop_asked = watched.stop_asked or time.monotonic()
            self.backend.cancel(directory, force=time.monotonic() - watched.stop_asked > LATE)

    def _take_over(self, record: Record) -> None:
        """Copy what the job has written into the store."""
        directory, watched = service.directory(record.id), self._watch(record)
        rows, mark = directory.rows_after(watched.mark)
        if mark is not None and mark != watched.mark:
            anew = watched.mark is None or mark.file != watched.mark.file
            self.store.write_rows(record.id, rows, anew=anew)
            watched.mark = mark
        progress = directory.progress()
        supervisor = directory.supervisor()
        pids = [*([supervisor] if supervisor else []), *living(map(tuple, progress.get("processes", [])))]
        # As text, for the live numbers of a run that fails may be NaN, which equals nothing.
        if repr(progress) != repr(watched.progress) or pids != record.pids:
            known = {key: progress[key] for key in ("progress", "live", "spec", "recipe", "notes") if key in progress}
            self.store.change(record.id, AT_WORK, pids=pids, **known)
            watched.progress = progress

    def _settle(self, record: Record) -> None:
        """Write how a job ended whose processes are gone."""
        directory, watched = service.directory(record.id), self._watch(record)
        end = directory.ended()
        if not directory.folder.is_dir():
            self._close(record, status=Status.FAILED, error=_gone(directory.folder))
            return
        if end is None and not directory.began() and watched.fault is None and watched.submitted:
            # Its processes were killed before they had begun, or can't begin at all.
            self.starts[record.id] = self.starts.get(record.id, 0) + 1
            watched.submitted = self.starts[record.id] >= MOST_STARTS
        if end is None and watched.fault is None and not watched.submitted and not directory.began():
            # The runner before this one was killed while it started the job, or the job before it had begun.
            status = Status.STOPPED if record.status is Status.STOPPING else Status.QUEUED
            values: dict[str, Any] = {"status": status, "turn": record.turn, "started": None}
        elif end is not None:
            values = {"status": Status(end["status"]), "error": end["error"], "result": end["result"]}
            if end["status"] == Status.FINISHED:
                values["progress"] = 1.0
        elif not directory.began():
            values = {"status": Status.FAILED, "error": watched.fault or _not_begun()}
        elif record.status is Status.STOPPING:
            values = {"status": Status.STOPPED}
        else:
            values = {"status": Status.INTERRUPTED, "error": _interrupted()}
        self._close(record, **values)

    def _close(self, record: Record, **values: Any) -> None:
        if values["status"] is not Status.QUEUED:
            values["ended"] = time.time()
            self.starts.pop(record.id, None)
        self.store.change(record.id, AT_WORK, pids=[], slots=[], live=None, **values)
        self.watched.pop(record.id, None)

    def _watch(self, record: Record) -> Watched:
        return self.watched.setdefault(record.id, Watched())


def _fault(error: Exception, folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        return _gone(folder)
    reason = " ".join(str(error).split())[:LONGEST_REASON]
    if isinstance(error, OSError) and error.strerror:
        reason = _("{place}: {reason}").format(place=error.filename or folder, reason=error.strerror)
    return {"code": "runner", "message": _("it can't be run: {reason}").format(reason=reason)}


def _gone(folder: Path) -> dict[str, str]:
    return {
        "code": "folder",
        "message": _("its folder {folder} was deleted, and with it all checkpoints; train it anew").format(
            folder=folder
        ),
    }


def _not_begun() -> dict[str, str]:
    return {
        "code": "runner",
        "message": _("its processes could not be started; see {log}").format(log=settings().runs_dir / "runner.log"),
    }


def _interrupted() -> dict[str, str]:
    return {
        "code": "killed",
        "message": _("its processes were killed, or the machine was restarted; it resumes from the last checkpoint"),
    }


def main() -> int:
    """Work for the store of the settings, unless somebody else does."""
    logging.basicConfig(level=settings().log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    lock = FileLock(service.runner_lock())
    while True:
        try:
            lock.acquire(timeout=OTHER_WAIT)
        except Timeout:
            return 0
        service.runner_pulse().write_text(str(os.getpid()), encoding="utf-8")
        backend, machine = BACKENDS[settings().backend](), Machine(gpus(), settings().cpu_slots)
        Runner(store(), backend, machine).run(settings().runner_idle)
        lock.release()
        if not _work_left():
            return 0


def _work_left() -> bool:
    """Whether there is a job: one that came while this runner still held the lock has started no other."""
    path = store().path
    if path is not None and not path.exists():
        return False
    store.cache_clear()  # it may be another one now
    try:
        return bool(store().records(ACTIVE))
    except StoreError as error:
        log.warning("%s", error)
        return False


if __name__ == "__main__":
    sys.exit(main())
