"""``train``, ``jobs stop`` and ``evaluate`` from outside: what they print, how they leave, what the store says."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer.cli.main import main
from explorer.cli.print_train import ending, fail_status, follow
from explorer.families import parse_spec
from explorer.jobs import service
from explorer.jobs.job import Job, Resources
from explorer.jobs.run_directory import Row
from explorer.jobs.runner import Runner
from explorer.jobs.slots import Machine
from explorer.jobs.store import ACTIVE, Record, Status, Store
from explorer.recipes import Recipe
from explorer.training import checkpoint
from explorer.workers.subprocess_runner import ROOT
from tests.helpers.inline_backend import InlineBackend
from tests.helpers.training import SPEC, images, run

pytestmark = pytest.mark.process

Call = Callable[..., tuple[int, str, str]]

NAMES = ["train/loss", "train/top1", "rate", "validation/loss", "validation/top1", "time/seconds"]
NAMES += ["time/images_per_second"]
LONG = [
    "--threads",
    "1",
    "--epochs",
    "10000",
    "--set",
    "schedule=constant",
    "--set",
    "lr=1e-3",
    "--set",
    "batch_size=16",
]


def command(tmp_path: Path, *arguments: str) -> "subprocess.Popen[str]":
    """A command of the product, run in ``tmp_path``."""
    environment = os.environ | {
        "EXPLORER_RUNS_DIR": str(tmp_path / "runs"),
        "EXPLORER_RUNNER_IDLE": "1",
        "EXPLORER_KEEP_READY": "0",
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "explorer", *arguments],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def call(jobs: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Runs a command in this process: status, stdout and stderr. So does the queue with its jobs."""
    monkeypatch.chdir(tmp_path)

    def wake() -> None:
        runner = Runner(jobs, InlineBackend(run), Machine([], 1))
        while runner.step():
            pass

    monkeypatch.setattr(service, "wake", wake)
    monkeypatch.setattr(service, "LOOK_EVERY", 0)

    def run_command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["explorer", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        assert isinstance(left.value.code, int)
        return left.value.code, *capfd.readouterr()

    return run_command


def until(happened: Callable[[], bool], limit: float = 60) -> None:
    end = time.monotonic() + limit
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_digits_by_quick_reach_95_percent_and_evaluate_agrees(call: Call) -> None:
    spec = json.dumps({**SPEC, "cfg": [16, "M", 32], "num_classes": 10, "classifier": [], "dropout": 0.0})
    arguments = ["--dataset", "digits", "--recipe", "quick", "--threads", "1", "--follow", "--json"]
    status, out, err = call("train", spec, *arguments)
    assert status == 0, err
    trained = json.loads(out)
    result = trained["result"]
    assert trained["status"] == "finished"
    assert trained["progress"] == 1
    assert result["top1"] >= 0.95
    assert sum(map(sum, result["confusion"])) == result["images"]
    assert sum(row[index] for index, row in enumerate(result["confusion"])) == result["correct"]
    assert "epoch  15: train" in err
    status, out, _err = call("evaluate", trained["weights"], "--dataset", "digits", "--json")
    assert status == 0
    measured = json.loads(out)
    assert {key: measured[key] for key in ("images", "correct", "confusion", "topk", "per_class")} == {
        key: result[key] for key in ("images", "correct", "confusion", "topk", "per_class")
    }
    status, out, _err = call("evaluate", trained["id"], "--dataset", "digits", "--split", "train")
    assert status == 0
    assert "right" in out
    assert "expected calibration error: " in out


def test_interrupt_leaves_the_job_to_go_on_and_stop_ends_it_with_a_checkpoint(jobs: Store, tmp_path: Path) -> None:
    """The real queue: a runner, a supervisor and a worker, none of which the terminal's Ctrl-C reaches."""
    images(tmp_path / "data.npz")
    process = command(tmp_path, "train", json.dumps(SPEC), "--dataset", "data.npz", *LONG, "--follow", "--json")
    until(lambda: process.poll() is not None or any(jobs.rows(record.id) for record in jobs.records()))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    told = json.loads(out)
    assert told["status"] == "running"
    assert told["dataset"] == str(tmp_path / "data.npz")  # the worker runs in another folder
    assert f"the job goes on: 'jobs follow {told['id']}' shows it again, 'jobs stop {told['id']}' ends it" in err
    assert "Traceback" not in err
    epochs = len(jobs.rows(told["id"]))
    until(lambda: len(jobs.rows(told["id"])) > epochs)
    assert jobs.get(told["id"]).status is Status.RUNNING

    stopping = command(tmp_path, "jobs", "stop", told["id"], "--json")
    out, err = stopping.communicate(timeout=60)
    assert stopping.returncode == 0, err
    assert json.loads(out)["status"] in {"stopping", "stopped"}
    until(lambda: jobs.get(told["id"]).status not in ACTIVE, 10)
    record, directory = jobs.get(told["id"]), service.directory(told["id"])
    assert (record.status, record.error, record.pids, record.slots) == (Status.STOPPED, None, [], [])
    state = checkpoint.read(directory.resume)
    assert state is not None
    assert state["epoch"] >= max(row.epoch for row in jobs.rows(told["id"]))
    assert sorted(jobs.rows(told["id"])) == sorted(directory.rows())


@pytest.fixture
def waiting(jobs: Store) -> Record:
    """A job that nobody takes."""
    made = Job.new(parse_spec(SPEC), "digits", Recipe(), Resources(device="cpu"))
    return service.submit([made])[0]


def after(seconds: float, act: Callable[..., object], *arguments: Any, **values: Any) -> None:
    """Do something later."""
    threading.Timer(seconds, act, arguments, values).start()


def test_a_job_whose_processes_were_killed_has_one_end_in_words(
    jobs: Store, waiting: Record, capfd: pytest.CaptureFixture[str]
) -> None:
    error = {"code": "killed", "message": "its processes were killed; it resumes from the last checkpoint"}
    jobs.change(waiting.id, Status, status=Status.RUNNING)
    after(0.3, jobs.change, waiting.id, Status, status=Status.INTERRUPTED, error=error)
    record = follow(waiting.id)
    assert record.status is Status.INTERRUPTED
    described = service.describe(record)
    assert error["message"] in ending(described)
    assert fail_status(described) == 1
    assert "Traceback" not in "".join(capfd.readouterr())


def test_interrupt_while_the_job_waits(jobs: Store, waiting: Record, capfd: pytest.CaptureFixture[str]) -> None:
    handler = signal.getsignal(signal.SIGINT)
    after(0.3, os.kill, os.getpid(), signal.SIGINT)
    begin = time.monotonic()
    assert follow(waiting.id).status is Status.QUEUED
    assert time.monotonic() - begin < 60  # the job waits without end
    assert f"'jobs stop {waiting.id}' ends it" in capfd.readouterr().err
    assert signal.getsignal(signal.SIGINT) is handler
    assert jobs.get(waiting.id) == waiting


def test_an_epoch_of_which_a_part_is_written_is_not_told_yet(
    jobs: Store, waiting: Record, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = [Row(epoch, name, 0.5) for epoch in (1, 2) for name in NAMES]
    jobs.write_rows(waiting.id, rows[:-1], anew=True)
    after(0.3, service.stop, waiting.id)
    assert follow(waiting.id).status is Status.STOPPED
    told = capfd.readouterr().err
    assert told.count("epoch   1: train 50.00%") == 1
    assert "epoch   2" not in told


def test_input_at_fault_is_one_line_and_status_2(tmp_path: Path, call: Call) -> None:
    status, out, err = call("train", "alexnet-x", "--dataset", "digits", "--json")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    status, out, err = call("evaluate", "nothing.safetensors", "--dataset", "digits", "--json")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1

    (tmp_path / "one.npz").write_bytes(b"no archive")
    status, out, err = call("train", json.dumps(SPEC), "--dataset", "one.npz", "--follow", "--json")
    assert (status, out) == (2, "")  # what it is taken for would be told before the job
    assert err.count("\n") == 1
    assert str(tmp_path / "one.npz") in err
