"""Run directories on object storage: what a reader finds is whole, in the right order, and of the present start."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from explorer.jobs.run_directory import TICKET, RunDirectory
from explorer.jobs.shared_storage import Copier, SharedStorage, StorageError, deletion_notes, mirror, note_deletion
from explorer.jobs.store import Store
from explorer.settings import settings
from tests.helpers.fake_jobs import rows
from tests.helpers.object_storage import object_storage

JOB = "abcdefghijklmn"


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with object_storage() as address:
        yield address


@pytest.fixture(params=["s3", "memory", "file"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> SharedStorage:
    if request.param == "s3":
        return SharedStorage(f"{request.getfixturevalue('bucket')}/{tmp_path.name}")
    return SharedStorage({"memory": f"memory://{tmp_path.name}", "file": f"file://{tmp_path}/shared"}[request.param])


@pytest.fixture
def node(storage: SharedStorage, tmp_path: Path) -> Copier:
    """A node that has fetched a new job."""
    for name, text in ((TICKET, "first"), ("job.json", "{}")):
        (tmp_path / name).write_text(text)
        storage.put(JOB, name, tmp_path / name)
    copier = Copier(storage, tmp_path / "node" / JOB, "first")
    copier.fetch()
    return copier


def text_of(storage: SharedStorage, *names: str) -> list[str | None]:
    return [storage.text(JOB, name) for name in names]


def test_files_come_to_the_next_node_and_to_the_pages(storage: SharedStorage, node: Copier, tmp_path: Path) -> None:
    directory = RunDirectory(node.folder)
    assert (node.folder / "job.json").read_text() == "{}"
    directory.open(rows(1), ["a"])
    directory.resume.write_text("checkpoint")
    (node.folder / "steps").mkdir()
    (node.folder / "steps" / "events").write_text("e")
    (node.folder / ".lock").touch()
    node.copy()
    (run := tmp_path / "runs" / JOB).mkdir(parents=True)
    seen: dict[str, Any] = {}
    mirror(storage, run, seen, whole=False)
    assert RunDirectory(run).rows() == rows(1)
    assert (run / "steps" / "events").read_text() == "e"
    assert not RunDirectory(run).resume.exists()  # large, and no page reads it
    _read, position = RunDirectory(run).rows_after(None)
    directory.append(rows(2))
    directory.end("stopped")
    node.copy()
    mirror(storage, run, seen, whole=True)
    assert RunDirectory(run).rows_after(position)[0] == rows(2)  # a reader goes on where it was
    assert RunDirectory(run).resume.read_text() == "checkpoint"
    next_node = Copier(storage, tmp_path / "next" / JOB, "first")
    next_node.fetch()
    assert RunDirectory(next_node.folder).resume.read_text() == "checkpoint"
    RunDirectory(next_node.folder).end("finished")  # which removes the checkpoint
    next_node.copy()
    mirror(storage, run, seen, whole=True)
    assert not RunDirectory(run).resume.exists()
    assert (RunDirectory(run).read_end() or {})["status"] == "finished"
    storage.remove_all(JOB)
    assert storage.versions(JOB) == {}
    storage.remove_all(JOB)


@pytest.mark.parametrize("fails_at", range(4))
def test_a_copy_that_ends_early_leaves_no_checkpoint_without_its_weights(
    fails_at: int, storage: SharedStorage, node: Copier, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("best.safetensors", "last.safetensors", "resume.pt")
    for step in ("1", "2"):
        for name in names:
            (node.folder / name).unlink(missing_ok=True)
            (node.folder / name).write_text(step)
        if step == "1":
            node.copy()
    done = 0
    move = storage._files.mv

    def cut(*arguments: Any) -> None:
        nonlocal done
        if done == fails_at:
            raise OSError(28, "No space left on device")
        done += 1
        move(*arguments)

    monkeypatch.setattr(storage._files, "mv", cut)
    if fails_at < 3:
        with pytest.raises(StorageError, match="No space left on device"):
            node.copy()
    else:
        node.copy()
    best, last, checkpoint = text_of(storage, *names)
    assert [best, last, checkpoint] == ["2"] * fails_at + ["1"] * (3 - fails_at)  # the checkpoint is never the newer
    assert all(name in {*names, TICKET, "job.json"} for name in storage.versions(JOB))
    monkeypatch.undo()
    node.copy()
    assert text_of(storage, *names) == ["2", "2", "2"]


def test_a_start_that_was_taken_over_copies_nothing(storage: SharedStorage, node: Copier, tmp_path: Path) -> None:
    assert not node.is_lost()
    (tmp_path / TICKET).write_text("second")
    storage.put(JOB, TICKET, tmp_path / TICKET)
    (node.folder / "resume.pt").write_text("late")
    node.copy()
    assert node.is_lost()
    assert storage.text(JOB, "resume.pt") is None


@pytest.mark.parametrize("url", ["s3://nobody/runs", "nothing://x/y"])
def test_a_storage_that_is_not_there_is_named(url: str, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match=f"the storage {url} can't be used .*: check EXPLORER_RUNS_STORAGE"):
        SharedStorage(url).put(JOB, "file", tmp_path / "file")


def test_a_deletion_is_noted_for_the_runner(jobs: Store) -> None:
    assert deletion_notes() == []
    note_deletion(JOB)
    assert deletion_notes() == [settings().runs_dir / ".deleted" / JOB]
