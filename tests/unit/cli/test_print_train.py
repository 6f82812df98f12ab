"""``train``, ``jobs stop`` and ``evaluate``: output, exit status, and state of the store."""

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
from explorer.cli.print_train import exit_status, follow, summary
from explorer.families import parse_spec
from explorer.jobs import service
from explorer.jobs.job import Job, Resources
from explorer.jobs.run_directory import Row
from explorer.jobs.runner import Runner
from explorer.jobs.slots import SlotPool
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
PATIENCE = 300  # seconds; the machine may be busy
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
    """Starts a command in ``tmp_path``."""
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
    """A function that runs a command in this process, as the queue does with its jobs: exit status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def ensure_runner() -> None:
        runner = Runner(jobs, InlineBackend(run), SlotPool([], 1))
        while runner.step():
            pass

    monkeypatch.setattr(service, "ensure_runner", ensure_runner)
    monkeypatch.setattr(service, "CHECK_INTERVAL", 0)

    def run_command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["explorer", *arguments])
        with pytest.raises(SystemExit) as exited:
            main()
        assert isinstance(exited.value.code, int)
        return exited.value.code, *capfd.readouterr()

    return run_command


def wait_until(condition: Callable[[], bool], limit: float = PATIENCE) -> None:
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_quick_recipe_reaches_95_percent_on_digits_and_evaluate_agrees(call: Call) -> None:
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


def test_an_interrupt_does_not_stop_the_job_and_stop_ends_it_with_a_checkpoint(jobs: Store, tmp_path: Path) -> None:
    """The real queue: Ctrl-C in the terminal does not reach runner, supervisor and worker."""
    images(tmp_path / "data.npz")
    process = command(tmp_path, "train", json.dumps(SPEC), "--dataset", "data.npz", *LONG, "--follow", "--json")
    wait_until(lambda: process.poll() is not None or any(jobs.rows(record.id) for record in jobs.records()))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    job = json.loads(out)
    assert job["status"] == "running"
    assert job["dataset"] == str(tmp_path / "data.npz")  # the worker runs in another folder
    assert f"the job goes on: 'jobs follow {job['id']}' shows it again, 'jobs stop {job['id']}' ends it" in err
    assert "Traceback" not in err
    epochs = len(jobs.rows(job["id"]))
    wait_until(lambda: len(jobs.rows(job["id"])) > epochs)
    assert jobs.get(job["id"]).status is Status.RUNNING

    stopping = command(tmp_path, "jobs", "stop", job["id"], "--json")
    out, err = stopping.communicate(timeout=PATIENCE)
    assert stopping.returncode == 0, err
    assert json.loads(out)["status"] in {"stopping", "stopped"}
    wait_until(lambda: jobs.get(job["id"]).status not in ACTIVE)
    record, directory = jobs.get(job["id"]), service.directory(job["id"])
    assert (record.status, record.error, record.pids, record.slots) == (Status.STOPPED, None, [], [])
    state = checkpoint.read(directory.resume)
    assert state is not None
    assert state["epoch"] >= max(row.epoch for row in jobs.rows(job["id"]))
    assert sorted(jobs.rows(job["id"])) == sorted(directory.rows())


@pytest.fixture
def waiting(jobs: Store) -> Record:
    """A job that no runner starts."""
    made = Job.new(parse_spec(SPEC), "digits", Recipe(), Resources(device="cpu"))
    return service.submit([made])[0]


def after(seconds: float, act: Callable[..., object], *arguments: Any, **values: Any) -> None:
    """Calls a function after a delay."""
    threading.Timer(seconds, act, arguments, values).start()


def test_a_job_with_killed_processes_has_a_message(
    jobs: Store, waiting: Record, capfd: pytest.CaptureFixture[str]
) -> None:
    error = {"code": "killed", "message": "its processes were killed; it resumes from the last checkpoint"}
    jobs.change(waiting.id, Status, status=Status.RUNNING)
    after(0.3, jobs.change, waiting.id, Status, status=Status.INTERRUPTED, error=error)
    record = follow(waiting.id)
    assert record.status is Status.INTERRUPTED
    described = service.describe(record)
    assert error["message"] in summary(described)
    assert exit_status(described) == 1
    assert "Traceback" not in "".join(capfd.readouterr())


def test_an_interrupt_while_the_job_waits(jobs: Store, waiting: Record, capfd: pytest.CaptureFixture[str]) -> None:
    handler = signal.getsignal(signal.SIGINT)
    after(0.3, os.kill, os.getpid(), signal.SIGINT)
    begin = time.monotonic()
    assert follow(waiting.id).status is Status.QUEUED
    assert time.monotonic() - begin < 60  # the job would wait forever
    assert f"'jobs stop {waiting.id}' ends it" in capfd.readouterr().err
    assert signal.getsignal(signal.SIGINT) is handler
    assert jobs.get(waiting.id) == waiting


def test_an_incomplete_epoch_is_not_printed(jobs: Store, waiting: Record, capfd: pytest.CaptureFixture[str]) -> None:
    rows = [Row(epoch, name, 0.5) for epoch in (1, 2) for name in NAMES]
    jobs.write_rows(waiting.id, rows[:-1], replace=True)
    after(0.3, service.stop, waiting.id)
    assert follow(waiting.id).status is Status.STOPPED
    output = capfd.readouterr().err
    assert output.count("epoch   1: train 50.00%") == 1
    assert "epoch   2" not in output


def test_an_error_of_the_input_is_one_line_with_status_2(tmp_path: Path, call: Call) -> None:
    status, out, err = call("train", "alexnet-x", "--dataset", "digits", "--json")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    status, out, err = call("evaluate", "nothing.safetensors", "--dataset", "digits", "--json")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1

    (tmp_path / "one.npz").write_bytes(b"no archive")
    status, out, err = call("train", json.dumps(SPEC), "--dataset", "one.npz", "--follow", "--json")
    assert (status, out) == (2, "")  # notes on the data would be printed before the job
    assert err.count("\n") == 1
    assert str(tmp_path / "one.npz") in err
