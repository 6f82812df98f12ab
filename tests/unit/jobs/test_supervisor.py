"""The supervisor with stub workers: which orders it accepts, and the end that it writes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from explorer.families import resolve
from explorer.jobs.job import Job, Resources
from explorer.jobs.run_directory import RunDirectory
from explorer.recipes import Recipe
from explorer.workers.subprocess_runner import ROOT
from tests.helpers.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.skipif(sys.platform != "linux", reason="guaranteed on Linux only")]

SLEEP = "open('began', 'w').close(); import time; time.sleep(60)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP
MAIN = """
import os, sys
from explorer.jobs import supervisor
folder, ticket, stub = sys.argv[1:]
os.chdir(folder)
supervisor.STOP_TIMEOUT = 0.5
supervisor.LOCK_TIMEOUT = 0.2
supervisor.worker_command = lambda *_arguments: [sys.executable, "-c", stub]
sys.exit(supervisor.main([folder, ticket]))
"""


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    """Returns a run directory with the ticket ``right``."""
    made = Job.new(resolve("digits-cnn"), "digits", Recipe(), Resources(device="cpu"))
    made.write(tmp_path / made.id)
    directory = RunDirectory(tmp_path / made.id)
    directory.prepare_start("right")
    return directory


def supervise(directory: RunDirectory, stub: str, ticket: str = "right") -> "subprocess.Popen[bytes]":
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", MAIN, str(directory.folder), ticket, stub], env=environment)


def worker(directory: RunDirectory, supervisor: "subprocess.Popen[bytes]") -> psutil.Process:
    """Waits until the stub runs, and returns its process."""
    until((directory.folder / "began").exists)
    (child,) = psutil.Process(supervisor.pid).children()
    return child


def test_a_killed_worker_is_reported_as_interrupted(directory: RunDirectory) -> None:
    supervisor = supervise(directory, SLEEP)
    worker(directory, supervisor).kill()
    assert supervisor.wait(60) == 0
    ended = directory.read_end()
    assert ended is not None
    assert (ended["status"], ended["error"]["code"]) == ("interrupted", "killed")
    assert "short of memory (use a smaller batch_size)" in ended["error"]["message"]
    assert "\n" not in ended["error"]["message"]


def test_a_stop_before_the_worker_handles_signals(directory: RunDirectory) -> None:
    supervisor = supervise(directory, SLEEP)
    worker(directory, supervisor)
    assert directory.supervisor() == supervisor.pid
    supervisor.terminate()
    assert supervisor.wait(60) == 0
    assert directory.read_end() == {"status": "stopped", "error": None, "result": None}


def test_a_worker_that_does_not_stop_is_killed_with_its_children(directory: RunDirectory) -> None:
    supervisor = supervise(
        directory, f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {DEAF!r}]); {DEAF}"
    )
    until((directory.folder / "began").exists)
    until(lambda: len(psutil.Process(supervisor.pid).children(recursive=True)) == 2)
    family = psutil.Process(supervisor.pid).children(recursive=True)
    supervisor.terminate()
    assert supervisor.wait(60) == 0
    assert not any(process.is_running() for process in family)
    ended = directory.read_end()
    assert ended is not None
    assert (ended["status"], ended["error"]["code"]) == ("stopped", "forced")


def test_an_end_written_by_the_worker_is_kept(directory: RunDirectory) -> None:
    words = {"status": "failed", "error": {"code": "input", "message": "no data"}, "result": None}
    supervisor = supervise(directory, f"open('end.json', 'w').write({json.dumps(words)!r}); raise SystemExit(1)")
    assert supervisor.wait(60) == 0
    assert directory.read_end() == words


@pytest.mark.parametrize("ticket", ["wrong", "withdrawn", "held"])
def test_an_invalid_order_starts_nothing(ticket: str, directory: RunDirectory) -> None:
    if ticket == "withdrawn":
        directory.cancel_start()
    holder = FileLock(directory.lock)
    if ticket == "held":
        holder.acquire()
    status = supervise(directory, SLEEP, "wrong" if ticket == "wrong" else "right").wait(60)
    holder.release()
    assert status == (1 if ticket == "held" else 0)
    assert (directory.has_begun(), directory.read_end(), (directory.folder / "began").exists()) == (False, None, False)


def test_no_process_outlives_a_killed_supervisor(directory: RunDirectory) -> None:
    supervisor = supervise(directory, DEAF)
    child = worker(directory, supervisor)
    supervisor.send_signal(signal.SIGKILL)
    supervisor.wait(60)
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    assert directory.supervisor() is None
    with FileLock(directory.lock).acquire(timeout=0):
        assert directory.read_end() is None


def test_a_run_whose_folder_is_deleted_ends(directory: RunDirectory) -> None:
    supervisor = supervise(directory, SLEEP)
    child = worker(directory, supervisor)
    directory.folder.rename(directory.folder.with_name("gone"))
    assert supervisor.wait(60) == 0
    assert not child.is_running()
    assert not directory.folder.exists()


def test_a_run_that_another_machine_has_started_anew_ends_and_writes_nothing(directory: RunDirectory) -> None:
    supervisor = supervise(directory, SLEEP)
    child = worker(directory, supervisor)
    directory.prepare_start("of another machine")
    assert supervisor.wait(60) == 0
    assert not child.is_running()
    assert directory.read_end() is None
