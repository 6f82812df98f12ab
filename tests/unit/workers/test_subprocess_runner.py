"""A process beside ends with all that it has started, and none outlives the command."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import torch

from explorer.errors import InputError
from explorer.workers import subprocess_runner

pytestmark = pytest.mark.process

FAMILY = """
import subprocess, sys, time
grandchild = "x = bytearray(200_000_000); import time; time.sleep(60)"
child = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {grandchild!r}]).pid, flush=True)"
words = [sys.executable, "-c", child + ORPHAN]
subprocess.Popen(words, stdout=open("pid", "w"))
time.sleep(60)
"""


@pytest.mark.skipif(os.name != "posix", reason="process groups")
@pytest.mark.parametrize("orphan", [False, True])
def test_a_process_ends_with_all_that_it_started(orphan: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess_runner, "ROOT", tmp_path)
    waits = "" if orphan else "; import time; time.sleep(60)"
    (tmp_path / "family.py").write_text(FAMILY.replace("ORPHAN", repr(waits)))

    def watch(seconds: float, used: int) -> None:
        there = (pid := tmp_path / "pid").exists() and pid.read_text().endswith("\n")
        if there and (orphan or used > 200_000_000):  # of the grandchild
            raise InputError("enough")

    with pytest.raises(InputError, match="enough"):
        subprocess_runner.run("family", text="", longest=30, watch=watch)
    pid = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 60
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        time.sleep(0.05)


def at_work(pid: int) -> list[psutil.Process]:
    """The processes that another has started, once they have imported something."""
    with suppress(psutil.Error):
        children = psutil.Process(pid).children(recursive=True)
        # A fork has the name and the memory of its parent until it runs a program of its own.
        named = [child for child in children if "explorer.weights.importing.reader" in child.cmdline()]
        return [child for child in named if child.memory_info().rss > 30_000_000]
    return []


@pytest.mark.skipif(os.name != "posix", reason="SIGTERM")
def test_an_import_that_is_told_to_end_leaves_nothing(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(10_000, 1_000)}, tmp_path / "x.pth")
    (folder := tmp_path / "temporary").mkdir()
    words = [sys.executable, "-m", "explorer", "import", str(tmp_path / "x.pth"), "-o", str(tmp_path / "w.safetensors")]
    command = subprocess.Popen(
        words,
        cwd=subprocess_runner.ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        until = time.monotonic() + 60
        while not (children := at_work(command.pid)):
            assert command.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        command.send_signal(signal.SIGTERM)
        assert command.wait(60) == 128 + signal.SIGTERM
    finally:
        command.kill()
        command.communicate()
    assert not any(child.is_running() for child in children)
    assert not list(folder.iterdir())
    assert [path.name for path in tmp_path.glob("*.*")] == ["x.pth"]
