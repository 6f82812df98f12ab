"""A worker is killed at any moment: its files can be loaded, and the run continues to the same end."""

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer.jobs.run_directory import RunDirectory
from explorer.training import checkpoint
from tests.helpers.documents import ROOT
from tests.helpers.fork_server import ForkServer
from tests.helpers.training import SPEC, difference, end, images, job, run, run_results

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the tests kill forks"),
]

PATIENCE = 1200  # seconds; the machine may be busy
Kill = Callable[[Path, str], dict[str, Any]]


@pytest.fixture
def kill(fork_server: ForkServer) -> Kill:
    """Runs ``tests.helpers.killer``, and returns its result."""

    def run_killer(folder: Path, what: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "tests.helpers.killer", str(folder), what]
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = fork_server.start(command, cwd=ROOT, stdout=output, stderr=errors)
            try:
                status = process.wait(PATIENCE)
            finally:
                process.kill()
                process.wait()
            for file in (output, errors):
                file.seek(0)
            assert status == 0, errors.read().decode()
            found: dict[str, Any] = json.loads(output.read())
        return found

    return run_killer


def test_after_200_kills_in_a_write_the_last_or_the_previous_checkpoint_loads(tmp_path: Path, kill: Kill) -> None:
    recipe: dict[str, Any] = {"epochs": 42, "batch_size": 8, "lr": 0.01, "schedule": "constant", "ema": 0.9}
    folder = job(tmp_path / "run", images(tmp_path / "data.npz"), **recipe)
    found = kill(folder, "writers")
    assert found["kills"] >= 200
    assert found["hits"] > 30  # left an incomplete file
    assert found["written"] > 50  # wrote at least one complete checkpoint
    assert not found["compiler"]  # training without compilation must not import it
    state = checkpoint.read(RunDirectory(folder).resume)
    assert state is not None
    assert state["epoch"] > 25
    assert run(folder) == 0
    assert end(folder)["status"] == "finished"


def test_a_run_stopped_and_killed_at_any_moment_ends_with_the_same_bits(tmp_path: Path, kill: Kill) -> None:
    recipe: dict[str, Any] = {"epochs": 20, "lr": 0.01, "schedule": "plateau", "augment": ["crop"]}
    data = images(tmp_path / "data.npz")
    interrupted = job(tmp_path / "interrupted", data, **recipe)
    ends = kill(interrupted, "workers")
    assert ends["finished"] == 1
    assert set(ends) == {"finished", "stopped", "killed"}
    assert min(ends["stopped"], ends["killed"]) > 1
    alone = job(tmp_path / "alone", data, **recipe)
    assert run(alone) == 0
    assert difference(run_results(alone), run_results(interrupted)) is None


def test_too_little_memory_for_a_batch(tmp_path: Path, kill: Kill) -> None:
    spec = {**SPEC, "cfg": [64, 64, "M", 64, "M"], "image_size": 128}
    ends = kill(job(tmp_path / "run", images(tmp_path / "data.npz"), spec, epochs=1, batch_size=64), "memory")
    assert len(ends) == 2
    for ended in ends.values():
        assert ended["status"] == "failed"
        assert ended["error"]["code"] == "out_of_memory"
        assert "batches of 64: use a smaller batch_size" in ended["error"]["message"]
