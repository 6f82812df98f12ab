"""The supervisor process of one job: starts the job's processes, ends them in time, and exits last.

    python -m explorer.jobs.supervisor RUN_DIRECTORY TICKET
    python -m explorer.jobs.supervisor --ready      waits for an order on standard input, with torch imported

It holds the directory's lock as long as any process of the job may live. So whoever gets the lock knows that the job
has no processes. All of them are its descendants, and it adopts those whose parent dies. If the supervisor is killed,
the kernel kills them. It does not use the database: it writes its results to the directory.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import NamedTuple

import psutil
from filelock import FileLock, Timeout
from setproctitle import setproctitle

from explorer import logs
from explorer.i18n import _
from explorer.jobs.job import Job
from explorer.jobs.launch import worker_command
from explorer.jobs.priority import give_way
from explorer.jobs.processes import JOB_ID, adopt_orphans, identity, kill
from explorer.jobs.run_directory import RunDirectory
from explorer.settings import settings
from explorer.workers.protocol import end_with_parent

POLL = 0.1  # seconds
STOP_TIMEOUT = 4.5  # seconds from the request to stop until the processes are killed
LOCK_TIMEOUT = 2.0  # seconds; the runner holds the lock for a moment when it checks it


class Order(NamedTuple):
    """The runner's order to start a job.

    Attributes:
        folder: Run directory.
        ticket: Ticket that the folder has to hold. The folder of a cancelled order has no ticket.
        environment: Environment variables that are added for the job's processes.
    """

    folder: str
    ticket: str
    environment: dict[str, str]


def main(arguments: list[str]) -> int:
    """Carries out one order, and returns the exit status."""
    adopt_orphans()
    give_way(settings().niceness)
    # Lines go where the runner's go, also after the output of the job has gone to its own log.
    logs.configure("supervisor", stream=os.fdopen(os.dup(sys.stderr.fileno()), "w", buffering=1, encoding="utf-8"))
    if arguments != ["--ready"]:
        return execute(Order(arguments[0], arguments[1], {}), None)
    ready = start(worker_command(None), stdin=subprocess.PIPE)
    line = sys.stdin.readline()
    if not line:  # the runner has ended
        ready.kill()
        ready.wait()
        return 0
    order = Order(*json.loads(line))
    setproctitle(f"{sys.executable} -m explorer.jobs.supervisor {order.folder} {order.ticket}")
    return execute(order, ready)


def execute(
    order: Order,
    ready: "subprocess.Popen[bytes] | None",
    *,
    lock_timeout: float = LOCK_TIMEOUT,
    is_lost: Callable[[], bool] = lambda: False,
) -> int:
    """Carries out an order, and returns the exit status.

    Args:
        order: The order.
        ready: Warm worker, if there is one.
        lock_timeout: Seconds to wait for the processes of an earlier start.
        is_lost: Returns whether the job was started anew elsewhere. Its processes are then killed, and nothing more is
            written. Called several times per second.
    """
    directory = RunDirectory(Path(order.folder))
    try:
        with FileLock(directory.lock).acquire(timeout=lock_timeout):
            if directory.ticket() != order.ticket:
                return 0
            return _supervise(directory, order, ready, is_lost)
    except Timeout:
        return 1
    finally:
        kill(psutil.Process().children(recursive=True))


def _supervise(
    directory: RunDirectory, order: Order, ready: "subprocess.Popen[bytes] | None", is_lost: Callable[[], bool]
) -> int:
    os.environ.update(order.environment, **{JOB_ID: directory.folder.name})
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_signal: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    directory.redirect_output()
    directory.write_supervisor(identity(os.getpid()))
    logs.event("job processes start", job=directory.folder.name)
    worker = _start_worker(Job.read(directory.folder), directory, order, ready)
    was_forced = _wait(directory, order.ticket, worker, stop, is_lost)
    kill(psutil.Process().children(recursive=True))
    logs.event(
        "job processes ended", job=directory.folder.name, exit_status=worker.returncode,
        requested=stop.is_set(), forced=was_forced,
    )  # fmt: skip
    if directory.ticket() == order.ticket and not is_lost() and directory.read_end() is None:
        if was_forced:
            directory.end("stopped", error=forced_error())
        elif stop.is_set():
            directory.end("stopped")
        else:
            directory.end("interrupted", error=_killed_error(worker.returncode))
    return 0


def _start_worker(
    job: Job, directory: RunDirectory, order: Order, ready: "subprocess.Popen[bytes] | None"
) -> "subprocess.Popen[bytes]":
    """Starts the job in the warm worker if the job has one process, else in new processes."""
    if ready is not None and job.resources.processes == 1 and ready.poll() is None:
        assert ready.stdin is not None  # noqa: S101  for the type checker
        try:
            ready.stdin.write(f"{json.dumps([order.folder, dict(os.environ)])}\n".encode())
            ready.stdin.close()
        except BrokenPipeError:
            pass
        else:
            return ready
    if ready is not None:
        ready.kill()
        ready.wait()
    os.environ["OMP_NUM_THREADS"] = str(job.resources.share_of_cores())
    return start(worker_command(directory.folder, job.resources.processes), stdin=subprocess.DEVNULL)


def start(arguments: list[str], stdin: int) -> "subprocess.Popen[bytes]":
    """Starts a process that ends with this one."""
    # preexec_fn is safe here, because this process has only one thread.
    return subprocess.Popen(arguments, stdin=stdin, preexec_fn=end_with_parent)  # noqa: S603  our own module


def _wait(
    directory: RunDirectory, ticket: str, worker: "subprocess.Popen[bytes]", stop: Event, is_lost: Callable[[], bool]
) -> bool:
    """Waits until the job's first process ends. Returns whether it was killed because it took too long to stop.

    Also kills it when the folder was deleted, or holds the ticket of another start, or ``is_lost`` says so: this
    machine was cut off, and another one goes on with the job.
    """
    deadline: float | None = None
    while worker.poll() is None:
        time.sleep(POLL)
        if stop.is_set() and deadline is None:
            worker.terminate()
            deadline = time.monotonic() + STOP_TIMEOUT
        is_late = deadline is not None and time.monotonic() > deadline
        if is_late or directory.ticket() != ticket or is_lost():
            kill(psutil.Process().children(recursive=True))
            worker.wait()
            return is_late
    return False


def forced_error() -> dict[str, str]:
    """Returns the error of a job that was ended by force."""
    message = _("it took longer than {seconds} seconds to stop and was ended; it resumes from the last checkpoint")
    return {"code": "forced", "message": message.format(seconds=STOP_TIMEOUT)}


def _killed_error(status: int) -> dict[str, str]:
    message = _(
        "the processes ended with status {status} before the job did: the system may have been short of memory (use a "
        "smaller batch_size), or somebody ended them; it resumes from the last checkpoint"
    )
    return {"code": "killed", "message": message.format(status=status)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
