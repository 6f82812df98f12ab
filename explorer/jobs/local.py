"""Runs jobs as processes of this machine, each under its own supervisor."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from explorer.jobs.processes import kill, processes_of_job
from explorer.jobs.run_directory import RunDirectory
from explorer.settings import settings
from explorer.workers.subprocess_runner import ROOT

SUPERVISOR = "explorer.jobs.supervisor"


class Backend(Protocol):
    """The interface of a backend that runs jobs. A cluster would implement it, too."""

    def submit(self, directory: RunDirectory, ticket: str, environment: dict[str, str]) -> None:
        """Starts the job of a run directory. Returns at once."""

    def poll(self, directory: RunDirectory) -> bool:
        """Returns whether any process of the job may live. If False, no process of this start can appear later."""

    def cancel(self, directory: RunDirectory, *, force: bool) -> None:
        """Asks the job to end, or kills it if ``force``."""

    def make_ready(self) -> None:
        """Prepares for the next job. Called when the machine has time."""

    def close(self) -> None:
        """Called when no more jobs come. Running jobs continue."""


class Local:
    """Runs jobs on this machine. It may be killed at any moment: locks and processes tell which jobs run."""

    def __init__(self) -> None:
        self._started: dict[Path, subprocess.Popen[bytes]] = {}
        self._ready: subprocess.Popen[bytes] | None = None

    def submit(self, directory: RunDirectory, ticket: str, environment: dict[str, str]) -> None:
        """Sends the order to the waiting supervisor, or starts a new one."""
        ready, self._ready = self._ready, None
        if ready is not None and ready.poll() is None:
            assert ready.stdin is not None  # noqa: S101  for the type checker
            try:
                ready.stdin.write(f"{json.dumps([str(directory.folder), ticket, environment])}\n".encode())
                ready.stdin.close()
            except BrokenPipeError:
                ready.wait()
            else:
                self._started[directory.folder] = ready
                return
        self._started[directory.folder] = _start([str(directory.folder), ticket], environment, subprocess.DEVNULL)

    def poll(self, directory: RunDirectory) -> bool:
        """Checks whether a process holds the lock. If a supervisor was killed, ends the processes that it left."""
        started = self._started.get(directory.folder)
        if started is not None and started.poll() is None:
            return True
        if not directory.folder.is_dir():
            return not kill(processes_of_job(directory.folder.name))
        try:
            with FileLock(directory.lock).acquire(timeout=0):
                if not kill(processes_of_job(directory.folder.name)):
                    return True
                directory.cancel_start()
        except Timeout:
            return True
        self._started.pop(directory.folder, None)
        return False

    def cancel(self, directory: RunDirectory, *, force: bool) -> None:
        """Signals the supervisor, which ends the job, or kills all processes of the job if ``force``."""
        if force:
            kill(processes_of_job(directory.folder.name))
        elif (pid := directory.supervisor()) is not None:
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(pid, signal.SIGTERM)

    def make_ready(self) -> None:
        """Keeps one waiting supervisor whose worker has imported torch."""
        if settings().keep_ready and (self._ready is None or self._ready.poll() is not None):
            self._ready = _start(["--ready"], {}, subprocess.PIPE)

    def close(self) -> None:
        """Ends the waiting supervisor."""
        if self._ready is not None and self._ready.stdin is not None:
            self._ready.stdin.close()
            self._ready.wait()
            self._ready = None


def _start(arguments: list[str], environment: dict[str, str], stdin: int) -> "subprocess.Popen[bytes]":
    with (settings().runs_dir / "runner.log").open("ab") as log:  # its log until it knows its run directory
        return subprocess.Popen(  # noqa: S603  our own module, and a folder of our own
            [sys.executable, "-m", SUPERVISOR, *arguments],
            cwd=ROOT,
            env=settings().for_process() | environment,
            stdin=stdin,
            stdout=log,
            stderr=log,
            start_new_session=True,  # the job outlives the runner
        )
