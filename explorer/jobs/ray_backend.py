"""Runs jobs on a Ray cluster. The runner hands every job to Ray at once, so Ray's queue is the only one that waits.

One thread asks Ray about the jobs and another one copies files from the shared storage, so that neither a cluster nor
a storage that does not answer holds up the runner. The backend may be killed at any moment: ``submission.json`` in the
run directory says under which id Ray knows the job.
"""

import json
import logging
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from filelock import FileLock, Timeout

from explorer.errors import ExplorerError
from explorer.files import atomic_write
from explorer.i18n import _
from explorer.jobs import ray_supervisor
from explorer.jobs.job import Job, Resources
from explorer.jobs.local import Local
from explorer.jobs.ray_cluster import Capacity, Cluster, ClusterError, JobInfo, UnknownJobError
from explorer.jobs.ray_submission import submission, waiting_words
from explorer.jobs.run_directory import TICKET, RunDirectory
from explorer.jobs.service import problem_file
from explorer.jobs.shared_storage import SharedStorage, StorageError, Version, deletion_notes, mirror, note_deletion
from explorer.jobs.slots import CLUSTER
from explorer.jobs.store import Record
from explorer.settings import settings

LOOK_EVERY = 0.5  # seconds between two rounds of questions about all jobs
CHECK_EVERY = 10.0  # seconds between two checks of a cluster that works
MIRROR_EVERY = 1.0  # seconds between two copies from the storage
STOP_AGAIN = 2.0  # seconds until a stop is requested again
FENCE = 3.0  # seconds that a node without a lock needs to notice that its job was taken over
LOCK_PATIENCE = 60.0  # seconds that a lock counts although Ray says that its job has ended

log = logging.getLogger(__name__)


@dataclass
class Watched:
    """The state of one submission, as the threads know it.

    Attributes:
        info: Ray's last answer. None before the first one, or if Ray does not know the job.
        looked: Whether Ray has answered since the submission.
        ended: Time of Ray's first answer that the job has ended, by the monotonic clock.
        stop: Time of the last request to stop.
        stopping: Whether it is to be stopped.
        seen: Versions of the files that were copied from the storage.
        complete: Whether all files were copied after the end.
        sent: Whether it was handed to Ray.
        refusal: Why the cluster or the storage refused it.
        buried: Whether its end is recorded, so that it is watched only until Ray has ended it, too.
        resources: Resources of the job, once they were read.
        words: Last message about the reason to wait.
    """

    folder: Path
    info: JobInfo | None = None
    looked: bool = False
    ended: float | None = None
    stop: float = 0.0
    stopping: bool = False
    seen: dict[str, Version] = field(default_factory=dict)
    complete: bool = False
    sent: bool = True
    refusal: Exception | None = None
    buried: bool = False
    resources: Resources | None = None
    words: str = ""


class RayBackend:
    """Runs jobs on the Ray cluster of the settings."""

    def __init__(self, cluster: Cluster | None = None) -> None:
        self.cluster = cluster or Cluster(settings().ray_address, insecure=settings().ray_insecure)
        self.capacity = Capacity()
        self.problem = _("the runner has not asked the Ray cluster yet")
        self._local = Local()  # jobs that were started before the cluster was set up
        self._watched: dict[str, Watched] = {}
        self._lock = Lock()
        self._wake, self._closed = Event(), Event()
        self._wake.set()
        self._storage: SharedStorage | None = None
        self._next_check = 0.0
        self._threads = [Thread(target=self._watch, daemon=True)]
        if settings().runs_storage:
            self._threads.append(Thread(target=self._mirror, daemon=True))
        for thread in self._threads:
            thread.start()

    def submit(self, directory: RunDirectory, ticket: str, environment: dict[str, str]) -> None:  # noqa: ARG002
        """Stores that a job waits for its submission. A thread submits it to Ray."""
        submission_id = f"{directory.folder.name}-{ticket}"
        with atomic_write(directory.submission) as part:
            part.write_text(json.dumps({"id": submission_id, "ticket": ticket}), encoding="utf-8")
        watched = Watched(directory.folder, sent=False)
        self._write_waiting(directory, watched)
        with self._lock:
            self._watched[submission_id] = watched
        self._wake.set()

    def _send(self, submission_id: str, watched: Watched) -> None:
        """Hands a job to Ray. It is tried again in the next round if the cluster or the storage does not answer."""
        directory = RunDirectory(watched.folder)
        ticket = directory.ticket()
        if ticket is None or watched.stopping:
            watched.sent = True  # Ray does not know it
            return
        try:
            job = Job.read(directory.folder)
            if watched.info is not None:  # Ray gave up waiting; it takes an id only once
                with suppress(UnknownJobError):
                    self.cluster.delete(submission_id)
            elif settings().runs_storage:
                storage = self._opened()
                storage.remove(job.id, ["end.json", "supervisor.json", "progress.json"])  # of an earlier start
                for name in ("job.json", TICKET):
                    storage.put(job.id, name, directory.folder / name)
            self.cluster.submit(submission(job, submission_id, ticket, on_gpu=self.on_gpu(job.resources)))
        except ClusterError:
            raise
        except (ExplorerError, OSError) as error:
            watched.refusal = error
        watched.sent = True

    def poll(self, directory: RunDirectory) -> bool:
        """Returns whether the job may live, by Ray's last answer. A job that Ray lost before it began is sent again.

        Raises:
            ExplorerError: If the storage or the cluster refuses the job.
            OSError: If its files can't be read.
        """
        if not directory.folder.is_dir():
            return self._poll_deleted(directory)
        found = directory.cluster_start()
        if found is None:
            return self._local.poll(directory)
        submission_id, ticket = found
        watched = self._watched_of(submission_id, directory)
        if watched.refusal:
            directory.submission.unlink(missing_ok=True)  # so that it is not sent again
            self._bury(watched)
            raise watched.refusal
        began = directory.has_begun()
        if watched.stopping and not began and directory.ticket() is None:
            return self._bury(watched)  # it waited in Ray's queue, and would find no ticket
        if not watched.looked or (watched.info and not watched.info.has_ended):
            if not began:
                self._write_waiting(directory, watched)
            # Ray may not answer, but the lock of a shared folder does.
            is_gone = watched.stopping and directory.ticket() is None and _is_unlocked(directory)
            return bool(settings().runs_storage) or not is_gone
        if settings().runs_storage and not watched.complete:
            return True  # its last files are on their way
        if not began and not watched.stopping and directory.ticket() == ticket and _is_lost(watched.info):
            watched.looked, watched.ended, watched.sent = False, None, False
            self._wake.set()
            return True
        return self._end(directory, watched)

    def _watched_of(self, submission_id: str, directory: RunDirectory) -> Watched:
        with self._lock:
            return self._watched.setdefault(submission_id, Watched(directory.folder))

    def _poll_deleted(self, directory: RunDirectory) -> bool:
        """The run directory was deleted: ends the job. Returns whether it may live."""
        if settings().runs_storage:
            note_deletion(directory.folder.name)
        may_live = False
        for _id, watched in self._snapshot():
            if watched.folder == directory.folder and not watched.buried:
                watched.stopping = True
                if watched.ended is None:
                    may_live = True
                else:
                    self._bury(watched)
        self._wake.set()
        return may_live or self._local.poll(directory)

    def _end(self, directory: RunDirectory, watched: Watched) -> bool:
        """Ray says that the job has ended. Returns whether a process may live nevertheless."""
        since = time.monotonic() - (watched.ended or 0.0)
        if settings().runs_storage:
            if directory.ticket() is not None:
                directory.cancel_start()
                self._opened().remove(directory.folder.name, [TICKET])
                watched.ended = time.monotonic()
                return True
            if since < FENCE and directory.read_end() is None:
                return True
        elif not _is_unlocked(directory) and since < LOCK_PATIENCE:
            return True
        directory.cancel_start()
        self._write_reason(directory, watched)
        return self._bury(watched)

    def _bury(self, watched: Watched) -> bool:
        watched.buried = True
        self._wake.set()
        return False

    def _write_reason(self, directory: RunDirectory, watched: Watched) -> None:
        """Writes why a job has ended, if its exit status says it and nobody has written an end."""
        if directory.read_end() is not None or watched.info is None or watched.stopping:
            return
        cause = ray_supervisor.reason(watched.info.exit_status)
        if cause is None and not directory.has_begun() and "No module named" in watched.info.message:
            cause = ExplorerError(
                _("the node that was to run it lacks the explorer or one of its packages; see the log of the Ray job")
            )
        if cause is None and "running low on memory" in watched.info.message:  # Ray's words for it
            cause = ExplorerError(
                _(
                    "Ray ended it, because the memory of its node was almost full; run fewer jobs there and resume it, "
                    "or train it anew with a smaller batch"
                )
            )
        if cause is not None:
            status = "interrupted" if directory.has_begun() else "failed"
            directory.end(status, error={"code": "cluster", "message": str(cause)})

    def cancel(self, directory: RunDirectory, *, force: bool) -> None:
        """Asks Ray to end the job. One that waits, or is to be forced, loses its ticket, without which it ends."""
        if (found := directory.cluster_start()) is None:
            self._local.cancel(directory, force=force)
            return
        watched = self._watched_of(found[0], directory)
        watched.stopping = True
        if (force or not directory.has_begun()) and directory.ticket() is not None:
            if settings().runs_storage:
                self._opened().remove(directory.folder.name, [TICKET])
            directory.cancel_start()
        self._wake.set()

    def make_ready(self) -> None:
        """Nothing to prepare: Ray keeps processes ready itself."""

    def close(self) -> None:
        """Ends the threads. The jobs go on."""
        self._closed.set()
        self._wake.set()
        for thread in self._threads:
            thread.join(timeout=1.0)
        problem_file().unlink(missing_ok=True)

    def on_gpu(self, resources: Resources) -> bool:
        """Returns whether a job is to run on GPUs."""
        return resources.device == "cuda" or (resources.device == "auto" and self.capacity.has_gpus)

    def _opened(self) -> SharedStorage:
        if self._storage is None:
            self._storage = SharedStorage(settings().runs_storage)
        return self._storage

    def _write_waiting(self, directory: RunDirectory, watched: Watched) -> None:
        """Writes as the job's current step what it waits for."""
        resources = watched.resources = watched.resources or Job.read(directory.folder).resources
        words = self.problem or waiting_words(resources, self.capacity, on_gpu=self.on_gpu(resources))
        if words != watched.words:
            directory.write_progress({"live": {"step": words, "done": 0, "total": 0, "waits": True}})
            watched.words = words

    def _watch(self) -> None:
        """Asks Ray about all jobs, until the backend is closed."""
        while not self._closed.is_set():
            self._wake.wait(LOOK_EVERY)
            self._wake.clear()
            try:
                if time.monotonic() >= self._next_check:
                    self.cluster.check()
                    self.capacity = self.cluster.capacity()
                    if self.capacity.nodes:  # a head that has just started knows none for a moment
                        self._next_check = time.monotonic() + CHECK_EVERY
                    self._report("")
                for submission_id, watched in self._snapshot():
                    self._look(submission_id, watched)
            except ClusterError as error:
                self._report(str(error))
                self._next_check = 0.0
                self._closed.wait(LOOK_EVERY)
            except Exception:  # an answer that nobody has foreseen must not end the thread
                log.exception("the Ray cluster")
                self._closed.wait(LOOK_EVERY)

    def _report(self, problem: str) -> None:
        """Keeps what is wrong with the cluster, and writes it for the pages and commands."""
        if problem and problem != self.problem:
            log.warning("%s", problem)
        self.problem = problem
        if problem:
            with atomic_write(problem_file()) as part:
                part.write_text(problem, encoding="utf-8")
        else:
            problem_file().unlink(missing_ok=True)

    def _look(self, submission_id: str, watched: Watched) -> None:
        if not watched.sent:
            self._send(submission_id, watched)
        if watched.stopping and time.monotonic() - watched.stop > STOP_AGAIN:
            watched.stop = time.monotonic()
            with suppress(UnknownJobError):
                self.cluster.stop(submission_id)
        try:
            watched.info = self.cluster.info(submission_id)
        except UnknownJobError:
            watched.info = None
        watched.looked = True
        if (watched.info is None or watched.info.has_ended) and watched.ended is None:
            watched.ended = time.monotonic()
        if watched.buried and watched.ended is not None:
            with self._lock:
                self._watched.pop(submission_id, None)

    def _mirror(self) -> None:
        """Copies the files of all jobs from the storage, and deletes those of deleted jobs, until it is closed."""
        failure = ""
        while not self._closed.wait(MIRROR_EVERY):
            try:
                for _id, watched in self._snapshot():
                    ended = watched.ended is not None
                    if not watched.complete:
                        mirror(self._opened(), watched.folder, watched.seen, whole=ended)
                        watched.complete = ended
                for note in deletion_notes():
                    self._opened().remove_all(note.name)
                    note.unlink(missing_ok=True)
                failure = ""
            except (StorageError, OSError) as error:
                if failure != str(error):
                    log.warning("%s", error)
                failure = str(error)

    def _snapshot(self) -> list[tuple[str, Watched]]:
        with self._lock:
            return list(self._watched.items())


class RaySlots:
    """Hands every job to Ray at once, up to a bound, as long as the cluster can be used."""

    def __init__(self, backend: RayBackend, limit: int) -> None:
        self.backend = backend
        self.gpus: list[str] = []  # the cluster's are its own affair
        self.cpu_slots = limit
        self.gpus_elsewhere = 0

    def next_job(self, queued: Iterable[Record], at_work: Iterable[Record]) -> "tuple[Record, list[str]] | None":
        """Returns the first job of the queue. None if the cluster has enough jobs or can't be used."""
        first = next(iter(queued), None)
        if first is None or self.backend.problem or sum(1 for _record in at_work) >= self.cpu_slots:
            return None
        return first, [CLUSTER]

    def check(self, resources: Mapping[str, Any]) -> None:
        """Refuses nothing: a node with the resources may join later."""


def _is_lost(info: JobInfo | None) -> bool:
    """Returns whether Ray forgot a job that waited, or gave up waiting for its resources."""
    return info is None or info.error in {"JOB_SUPERVISOR_ACTOR_START_TIMEOUT", "JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE"}


def _is_unlocked(directory: RunDirectory) -> bool:
    """Returns whether no process of the job holds its lock, by which all nodes of a shared folder see it."""
    try:
        with FileLock(directory.lock).acquire(timeout=0):
            return True
    except Timeout:
        return False
