"""Runs jobs as processes of this machine, each under a supervisor of its own."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from explorer.jobs.processes import end, of_job
from explorer.jobs.run_directory import RunDirectory
from explorer.settings import settings
from explorer.workers.subprocess_runner import ROOT

SUPERVISOR = "explorer.jobs.supervisor"


class Backend(Protocol):
    """Where jobs run; what a cluster has to offer to be another one."""

    def submit(self, directory: RunDirectory, ticket: str, environment: dict[str, str]) -> None:
        """Start the job of a run directory; returns at once."""

    def poll(self, directory: RunDirectory) -> bool:
        """Whether any process of the job may live. Where none does, none of this start can appear any more."""

    def cancel(self, directory: RunDirectory, *, force: bool) -> None:
        """Ask the job to end, or end it."""

    def make_ready(self) -> None:
        """A good moment to prepare for the next job."""

    def close(self) -> None:
        """No more jobs come; those that run go on."""


class Local:
    """Processes of this machine. Safe against a death at any moment: what runs is known from locks and processes."""

    def __init__(self) -> None:
        self._started: dict[Path, subprocess.Popen[bytes]] = {}
        self._ready: subprocess.Popen[bytes] | None = None

    def submit(self, directory: RunDirectory, ticket: str, environment: dict[str, str]) -> None:
        """Start the supervisor, or tell the one that is ready."""
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
        """Look whether anybody holds the lock; where a supervisor was killed, end what it left behind."""
        started = self._started.get(directory.folder)
        if started is not None and started.poll() is None:
            return True
        if not directory.folder.is_dir():
            return not end(of_job(directory.folder.name))
        try:
            with FileLock(directory.lock).acquire(timeout=0):
                if not end(of_job(directory.folder.name)):
                    return True
                directory.withdraw()
        except Timeout:
            return True
        self._started.pop(directory.folder, None)
        return False

    def cancel(self, directory: RunDirectory, *, force: bool) -> None:
        """Signal the supervisor, which knows what to do, or kill all processes of the job."""
        if force:
            end(of_job(directory.folder.name))
        elif (pid := directory.supervisor()) is not None:
            with suppress(ProcessLookupError):  # it ended in this moment
                os.kill(pid, signal.SIGTERM)

    def make_ready(self) -> None:
        """Keep a supervisor whose worker has imported torch."""
        if settings().keep_ready and (self._ready is None or self._ready.poll() is not None):
            self._ready = _start(["--ready"], {}, subprocess.PIPE)

    def close(self) -> None:
        """End the process that was kept ready."""
        if self._ready is not None and self._ready.stdin is not None:
            self._ready.stdin.close()
            self._ready.wait()
            self._ready = None


def _start(arguments: list[str], environment: dict[str, str], stdin: int) -> "subprocess.Popen[bytes]":
    with (settings().runs_dir / "runner.log").open("ab") as log:  # until it knows its run directory
        return subprocess.Popen(  # noqa: S603  our own module, and a folder of our own
            [sys.executable, "-m", SUPERVISOR, *arguments],
            cwd=ROOT,
            env=settings().for_process() | environment,
            stdin=stdin,
            stdout=log,
            stderr=log,
            start_new_session=True,  # the runner's end is not the job's
        )
