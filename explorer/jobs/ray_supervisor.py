"""The process of a job on a node of a Ray cluster: ``python -m explorer.jobs.ray_supervisor JOB TICKET``.

Ray starts it. It does what the supervisor does on one machine. In addition, it ends the job when another start has
taken it over, because Ray may have taken its node for dead, and it copies the files to the shared storage if there is
one.
"""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Event, Thread
from typing import NoReturn

from explorer.errors import ExplorerError
from explorer.i18n import _
from explorer.jobs.launch import worker_command
from explorer.jobs.processes import adopt_orphans
from explorer.jobs.run_directory import RunDirectory
from explorer.jobs.shared_storage import Copier, StorageError, shared_storage
from explorer.jobs.supervisor import Order, execute, start
from explorer.settings import settings

LOCK_TIMEOUT = 30.0  # seconds; the node that had the job before may still be ending it
CHECK_EVERY = 1.0  # seconds between two looks at the ticket
COPY_EVERY = 1.0  # seconds between two copies
COPY_TIMEOUT = 60.0  # seconds after the end of the job in which a storage that fails is tried again
# Exit statuses that tell the runner why a job could not begin, or ended. Those of Python and of shells are below.
NO_FOLDER, NO_STORAGE, COPY_FAILED = 71, 72, 73

log = logging.getLogger(__name__)


class NodeRun:
    """One start of a job, as this node sees it.

    Attributes:
        folder: Run directory: the shared one, or a folder of this node that is copied to the shared storage.
    """

    def __init__(self, job: str, ticket: str, *, copies: bool = True) -> None:
        """Prepares the run directory.

        Args:
            job: Id of the job.
            ticket: Ticket of this start.
            copies: Whether this process copies the files to the storage. One process of a job does.

        Raises:
            StorageError: If the storage can't be used.
            FileNotFoundError: If this node does not see the run directory.
        """
        self.ticket = ticket
        self.copier: Copier | None = None
        self._place: Path | None = None
        self._lost, self._checked = False, 0.0
        self._end = Event()
        self._failure: StorageError | None = None
        storage = shared_storage()
        if storage is None:
            self.folder = settings().runs_dir / job
            if not self.folder.is_dir():
                raise FileNotFoundError(self.folder)
        else:
            self._place = Path(tempfile.mkdtemp(prefix="explorer-run-"))
            self.folder = self._place / job
            self.copier = Copier(storage, self.folder, ticket)
            self.copier.fetch()
        self._thread = Thread(target=self._copy_on, daemon=True)
        if self.copier and copies:
            self._thread.start()

    def is_lost(self) -> bool:
        """Returns whether another start has taken the job over. Looks at most once in a second."""
        if not self._lost and time.monotonic() - self._checked > CHECK_EVERY:
            self._checked = time.monotonic()
            if self.copier is None:
                self._lost = self.folder.is_dir() and RunDirectory(self.folder).ticket() != self.ticket
            else:
                try:
                    self._lost = self.copier.is_lost()
                except StorageError as error:  # it may come back, and the training goes on
                    log.warning("%s", error)
        return self._lost

    def close(self) -> bool:
        """Copies the rest to the storage, and removes what is left on this node. Returns whether all is copied."""
        if self.copier is None:
            return True
        self._end.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._place:
            shutil.rmtree(self._place, ignore_errors=True)
        return self._failure is None

    def _copy_on(self) -> None:
        assert self.copier is not None  # noqa: S101  for the type checker
        until = None
        while True:
            is_end = self._end.wait(COPY_EVERY if until is None else 0)
            try:
                self.copier.copy()
                self._failure = None
            except (StorageError, OSError) as error:
                if self._failure is None:
                    log.warning("%s", error)
                self._failure = error if isinstance(error, StorageError) else StorageError(str(error))
            if is_end and until is None:
                until = time.monotonic() + COPY_TIMEOUT
            if until is not None:
                if self._failure is None or self._lost or time.monotonic() > until:
                    return
                time.sleep(COPY_EVERY)


def main(job: str, ticket: str) -> int:
    """Runs a job, and returns the exit status."""
    logging.basicConfig(level=settings().log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    adopt_orphans()
    ready = start(worker_command(None), stdin=subprocess.PIPE)  # imports torch while the files are fetched
    node_run = open_run(job, ticket)
    if isinstance(node_run, int):
        ready.kill()
        return node_run
    order = Order(str(node_run.folder), ticket, {})
    status = execute(order, ready, lock_timeout=LOCK_TIMEOUT, is_lost=node_run.is_lost)
    return status if node_run.close() else COPY_FAILED


def open_run(job: str, ticket: str, *, copies: bool = True) -> NodeRun | int:
    """Returns this node's part of a job, or the exit status that says why there is none."""
    try:
        return NodeRun(job, ticket, copies=copies)
    except FileNotFoundError as error:
        log.error(_("this node does not see the folder %s"), error)
        return NO_FOLDER
    except (StorageError, OSError) as error:
        log.error("%s", error)
        return NO_STORAGE


def reason(status: int | None) -> ExplorerError | None:
    """Returns why a job ended with an exit status. None if the status does not say it."""
    match status:
        case _ if status == NO_FOLDER:
            return ExplorerError(
                _(
                    "the node that was to run it does not see the folder {folder}: use a folder that "
                    "all nodes share (EXPLORER_RUNS_DIR), or set EXPLORER_RUNS_STORAGE"
                ).format(folder=settings().runs_dir)
            )
        case _ if status == NO_STORAGE:
            return ExplorerError(
                _(
                    "the node that was to run it can't use the storage {url}: check EXPLORER_RUNS_STORAGE, and the "
                    "access keys in the environment of the nodes"
                ).format(url=settings().runs_storage)
            )
        case _ if status == COPY_FAILED:
            return ExplorerError(
                _(
                    "its last files could not be copied to the storage {url}, which is full or was lost: mend it and "
                    "resume; it goes on from the last checkpoint that was copied"
                ).format(url=settings().runs_storage)
            )
        case 126 | 127:
            return ExplorerError(
                _("the node that was to run it has no Python at {path}: set EXPLORER_RAY_PYTHON").format(
                    path=settings().ray_python or sys.executable
                )
            )
    return None


def run(arguments: list[str]) -> NoReturn:
    """Runs a job, and ends this process."""
    status = main(*arguments)
    logging.shutdown()
    os._exit(status)  # an ordinary exit would wait for the threads of the storage


if __name__ == "__main__":
    run(sys.argv[1:])
