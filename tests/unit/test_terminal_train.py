"""``train`` and ``evaluate`` from outside: what they print, how they leave, and what the run directory then says."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from explorer.beside import ROOT
from explorer.cli import main
from explorer.jobs.launch import start
from explorer.jobs.run_directory import RunDirectory
from explorer.settings import settings
from explorer.training import checkpoint
from explorer.ui.terminal_train import ending, fail_status, follow
from tests.unit.training_helpers import SPEC, difference, images, job, left, run

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
    environment = os.environ | {"EXPLORER_RUNS_DIR": str(tmp_path / "runs"), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "explorer", *arguments],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Runs a command in this process, as importing torch takes seconds: status, stdout and stderr."""
    monkeypatch.setenv("EXPLORER_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()

    def run_command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["explorer", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        assert isinstance(left.value.code, int)
        return left.value.code, *capfd.readouterr()

    yield run_command
    settings.cache_clear()


def running(tmp_path: Path, process: "subprocess.Popen[str]") -> RunDirectory:
    """The job's directory, once it has done an epoch."""
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        for folder in (tmp_path / "runs").glob("*"):
            if RunDirectory(folder).rows():
                return RunDirectory(folder)
        time.sleep(0.05)
    raise AssertionError(process.communicate())


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


def test_interrupt_stops_with_a_checkpoint_and_it_goes_on_from_there(tmp_path: Path) -> None:
    images(tmp_path / "data.npz")
    process = command(tmp_path, "train", json.dumps(SPEC), "--dataset", "data.npz", *LONG, "--follow", "--json")
    directory = running(tmp_path, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    stopped = json.loads(out)
    assert stopped["status"] == "stopped"
    assert stopped["dataset"] == str(tmp_path / "data.npz")  # the worker runs in another folder
    assert "stopping" in err
    assert "Traceback" not in err
    state = checkpoint.read(directory.resume)
    assert state is not None
    assert state["epoch"] >= max(row["epoch"] for row in stopped["metrics"])


def deaf(tmp_path: Path) -> tuple[RunDirectory, "subprocess.Popen[bytes]"]:
    """A job whose process does not listen yet, as while it imports torch."""
    directory = RunDirectory(job(tmp_path / "run", images(tmp_path / "data.npz")))
    return directory, subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


def after(seconds: float, pid: int, number: signal.Signals) -> None:
    """Send a signal later."""
    timer = threading.Timer(seconds, os.kill, (pid, number))
    timer.start()


def test_a_worker_that_is_killed_has_one_end_in_words(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    directory, worker = deaf(tmp_path)
    after(0.5, worker.pid, signal.SIGKILL)
    begin = time.monotonic()
    follow(directory, worker)
    assert time.monotonic() - begin < 10
    described = directory.describe()
    assert (described["status"], described["error"]["code"]) == ("interrupted", "killed")
    assert "short of memory (use a smaller batch_size)" in described["error"]["message"]
    assert described["error"]["message"] in ending(described)
    assert fail_status(described) == 1
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_stop_before_the_worker_listens(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    directory, worker = deaf(tmp_path)
    handler = signal.getsignal(signal.SIGINT)
    after(0.5, os.getpid(), signal.SIGINT)
    follow(directory, worker)
    assert directory.ended() == {"status": "stopped", "error": None, "result": None}
    assert fail_status(directory.describe()) == 0
    assert "stopping" in capfd.readouterr().err
    assert signal.getsignal(signal.SIGINT) is handler


def test_an_epoch_of_which_a_part_is_written_is_not_told_yet(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    directory, worker = deaf(tmp_path)
    lines = [json.dumps({"epoch": epoch, "name": name, "value": 0.5}) for epoch in (1, 2) for name in NAMES]
    (directory.folder / "metrics.jsonl").write_text("\n".join(lines[:-2]) + "\n" + lines[-2][:20])
    assert len(directory.rows()) == len(lines) - 2
    after(0.5, worker.pid, signal.SIGTERM)
    follow(directory, worker)
    told = capfd.readouterr().err
    assert "epoch   1: train 50.00%" in told
    assert "epoch   2" not in told


def test_input_at_fault_is_one_line_and_status_2(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    status, out, err = call("train", "alexnet-x", "--dataset", "digits", "--json")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    status, out, err = call("evaluate", "nothing.safetensors", "--dataset", "digits", "--json")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1

    def start_here(folder: Path) -> "subprocess.Popen[bytes]":
        run(folder)
        return subprocess.Popen([sys.executable, "-c", ""])

    monkeypatch.setattr("explorer.jobs.launch.start", start_here)
    (tmp_path / "one.npz").write_bytes(b"no archive")
    status, out, err = call("train", json.dumps(SPEC), "--dataset", "one.npz", "--follow", "--json")
    assert status == 2, err
    described = json.loads(out)
    assert (described["status"], described["error"]["code"]) == ("failed", "input")
    assert str(tmp_path / "one.npz") in described["error"]["message"]


def test_a_worker_process_stopped_and_started_again(tmp_path: Path) -> None:
    """The process that the command and the queue start, stopped by a signal while it trains."""
    data = images(tmp_path / "data.npz")
    recipe: dict[str, Any] = {"epochs": 60, "schedule": "cosine", "lr": 0.01, "precision": "bf16"}
    alone = job(tmp_path / "alone", data, **recipe)
    assert run(alone) == 0
    stopped = job(tmp_path / "stopped", data, **recipe)
    worker = start(stopped)
    while worker.poll() is None and not RunDirectory(stopped).rows():
        time.sleep(0.01)
    worker.terminate()
    assert worker.wait(20) == 0
    described = RunDirectory(stopped).describe()
    assert described["status"] == "stopped"
    assert 0 < described["progress"] < 1
    assert run(stopped) == 0
    assert difference(left(alone), left(stopped)) is None
