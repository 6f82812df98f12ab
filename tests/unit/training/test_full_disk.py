"""A full disk ends a run with a message and a valid checkpoint. With free space, the run continues."""

import errno
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tensorboard.summary.writer.record_writer import RecordWriter

from explorer.jobs.run_directory import RunDirectory
from explorer.training import checkpoint
from explorer.weights import files
from tests.helpers.training import difference, end, images, job, run, run_results

pytestmark = pytest.mark.process

RECIPE: dict[str, Any] = {"epochs": 3, "lr": 0.01, "schedule": "constant", "augment": ["crop"]}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mounts a file system of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small file system can't be mounted here: {getattr(error, 'stderr', error)}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path, free: int) -> Path:
    """Fills a disk except for some free bytes. Returns the file to delete."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file:
        status = os.statvfs(disk)
        file.write(bytes(max(status.f_bavail * status.f_frsize - free, 0)))
    return ballast


# TensorBoard writes events in its own thread, which may be the first to fail.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("free", [9_000, 60_000, 72_000, 80_000, 88_000, 100_000, 130_000, 160_000])
def test_a_full_file_system_ends_the_run(free: int, small_disk: Path, tmp_path: Path) -> None:
    data = images(tmp_path / "data.npz")
    alone = job(tmp_path / "alone", data, **RECIPE)
    run(alone)
    folder = job(small_disk / "run", data, **RECIPE)
    ballast = fill(small_disk, free)
    begin = time.monotonic()
    assert run(folder) == 1
    assert time.monotonic() - begin < 60  # it ends
    full(folder)
    assert run(folder) == 1  # it is still full
    full(folder)
    assert not list(folder.glob(".*"))
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    assert run(folder) == 0
    assert difference(run_results(alone), run_results(folder)) is None


def full(folder: Path) -> None:
    """Checks the end of the run, and that its files can be loaded."""
    ended = end(folder)
    assert ended["status"] == "failed"
    assert ended["error"]["code"] == "disk_full", ended["error"]
    message = ended["error"]["message"]
    assert "free some space" in message
    assert "\n" not in message
    directory = RunDirectory(folder)
    checkpoint.read(directory.resume)
    for path in (directory.best, directory.last):
        if path.exists():
            files.load(path)


@pytest.mark.parametrize("place", ["resume.pt", "best.safetensors", "last.json", "metrics.jsonl", "progress.json"])
@pytest.mark.usefixtures("often")
def test_no_space_for_one_file_ends_the_run(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulates a full disk without mounting: writes of one file fail after the first ones."""
    data = images(tmp_path / "data.npz")
    alone = job(tmp_path / "alone", data, **RECIPE)
    run(alone)
    folder = job(tmp_path / "run", data, **RECIPE)
    writes = 0
    replaced, opened = Path.replace, Path.open

    def count(path: Path) -> None:
        nonlocal writes
        if path == folder / place:
            writes += 1
            if writes > 2:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def replace(self: Path, target: Path) -> Path:
        count(target)
        return replaced(self, target)

    def append(self: Path, mode: str = "r", *more: Any, **how: Any) -> Any:
        if mode == "a":
            count(self)
        return opened(self, mode, *more, **how)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        patch.setattr(Path, "open", append)
        assert run(folder) == 1
    full(folder)
    assert run(folder) == 0
    assert difference(run_results(alone), run_results(folder)) is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("write", [1, 2, 3, 12])
def test_no_space_for_tensorboard_events_ends_the_run(
    write: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread writes the events. The run notices its failure and ends."""
    folder = job(tmp_path / "run", images(tmp_path / "data.npz"), **RECIPE)
    writes = 0
    before = RecordWriter.write

    def fail(self: RecordWriter, data: bytes) -> None:
        nonlocal writes
        writes += 1
        if writes >= write:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        before(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(RecordWriter, "write", fail)
        assert run(folder) == 1
    full(folder)
    assert run(folder) == 0


def test_the_end_is_written_even_without_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The confusion matrix of many classes needs more space than the reserve."""
    folder = job(tmp_path / "run", images(tmp_path / "data.npz"), **RECIPE)
    write_text = Path.write_text

    def full_up(self: Path, text: str, **how: Any) -> int:
        if '"finished"' in text:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_text(self, text, **how)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full_up)
        assert run(folder) == 1
    full(folder)
    assert run(folder) == 0
    assert end(folder)["status"] == "finished"
