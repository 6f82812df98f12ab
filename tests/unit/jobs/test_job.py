"""``job.json`` and the run directory: written, read, damaged, and read while they are written."""

import json
import os
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from explorer.errors import InputError
from explorer.families import NamedNetwork, parse_spec
from explorer.jobs import service
from explorer.jobs.job import MAX_NAME, Job, Resources
from explorer.jobs.processes import identity, living_ids
from explorer.jobs.run_directory import ReadPosition, Row, RunDirectory
from explorer.jobs.store import Store
from explorer.recipes import Recipe
from explorer.settings import settings
from tests.helpers.training import SPEC, end, job, run


def new_job(dataset: str = "digits", name: str = "") -> Job:
    return Job.new(parse_spec(SPEC), dataset, Recipe(), Resources(), name)


@pytest.mark.parametrize("name", ["", "夜 training", 'quotes "and" \\ slashes/', "{braces} %s", "ä" * MAX_NAME])
def test_a_job_is_read_as_it_was_written(name: str, tmp_path: Path) -> None:
    job = new_job(name=name)
    job.write(tmp_path / "run")
    assert Job.read(tmp_path / "run") == job
    assert job.name == (name or "vgg digits")
    directory = RunDirectory(tmp_path / "run")
    assert (directory.read_end(), directory.progress(), directory.rows()) == (None, {}, [])
    assert not directory.has_begun()


def test_a_job_of_an_earlier_version_has_no_base(tmp_path: Path) -> None:
    job = Job.new(NamedNetwork(parse_spec(SPEC), "mnist-cnn"), "digits", Recipe(), Resources())
    job.write(tmp_path / "run")
    assert Job.read(tmp_path / "run").network == job.network
    file = tmp_path / "run" / "job.json"
    written = json.loads(file.read_text())
    assert written.pop("base") == "mnist-cnn"
    file.write_text(json.dumps(written))
    assert Job.read(tmp_path / "run").network == NamedNetwork(job.spec)


@pytest.mark.parametrize("name", ["a\nb", "a\ttab", "x" * (MAX_NAME + 1), "\udcff", "bell\a"])
def test_a_name_of_several_lines_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"^name: "):
        new_job(name=name)


@pytest.mark.parametrize("dataset", ["/data/a\nb", "/data/" + "x" * 300, "/"])
def test_the_default_name_of_a_job_is_valid(dataset: str) -> None:
    name = new_job(dataset).name
    assert new_job("digits", name).name == name


def test_a_path_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not valid UTF-8; rename it"):
        new_job(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))


def test_ids_are_unique_file_names() -> None:
    ids = {new_job().id for _job in range(500)}
    assert len(ids) == 500
    assert all(len(name) == 14 and name.isalnum() and name == name.lower() for name in ids)


DAMAGES: dict[str, Any] = {
    "empty": "",
    "half": '{"id": "a", "na',
    "list": "[]",
    "null": "null",
    "no spec": {"spec": None},
    "number": {"dataset": 5},
    "recipe": {"recipe": {"lr": "fast"}},
    "device": {"resources": {"device": "tpu"}},
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_job_fails_with_a_message(damage: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    new_job().write(folder)
    change = DAMAGES[damage]
    contents = json.loads((folder / "job.json").read_text())
    (folder / "job.json").write_text(change if isinstance(change, str) else json.dumps(contents | change))
    with pytest.raises(InputError) as raised:
        Job.read(folder)
    assert "\n" not in str(raised.value)
    assert run(folder) == 1
    assert end(folder)["error"] == {"code": "input", "message": str(raised.value)}


def test_a_folder_without_a_job(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        Job.read(tmp_path)


def test_readers_never_see_a_half_written_file(tmp_path: Path) -> None:
    directory = RunDirectory(job(tmp_path / "run", "digits"))
    directory.begin()
    directory.open([], ["a"])
    done, own = threading.Event(), identity(os.getpid())

    def write() -> None:
        for epoch in range(1, 300):
            directory.append([Row(epoch, f"n{index}", 0.1) for index in range(8)])
            directory.write_progress({"processes": [own], "progress": epoch, "live": {"long": "x" * 5000}})
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    counts: list[int] = []
    position: ReadPosition | None = None
    all_new: list[Row] = []
    while not done.is_set():
        rows = directory.rows()
        assert [row.epoch for row in rows] == sorted(row.epoch for row in rows)
        counts.append(len(rows))
        new_rows, position = directory.rows_after(position)
        all_new += new_rows
        assert directory.progress().get("live", {"long": "x" * 5000}) == {"long": "x" * 5000}
    writer.join()
    assert counts == sorted(counts)
    assert len(directory.rows()) == 299 * 8
    assert all_new + directory.rows_after(position)[0] == directory.rows()
    directory.end("stopped")
    assert directory.read_end() == {"status": "stopped", "error": None, "result": None}
    assert not list(directory.folder.glob(".*"))


@pytest.mark.parametrize("name", ["progress.json", "end.json", "supervisor.json"])
def test_a_file_that_a_power_cut_emptied_counts_as_missing(name: str, tmp_path: Path) -> None:
    directory = RunDirectory(job(tmp_path / "run", "digits"))
    (directory.folder / name).write_text("")
    assert (directory.progress(), directory.read_end(), directory.supervisor()) == ({}, None, None)


def test_a_process_is_identified_after_the_clock_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    own = identity(os.getpid())
    assert living_ids([own]) == [os.getpid()]
    assert living_ids([(own[0], own[1] - 5)]) == []  # another process had this id before
    boot, created = psutil.boot_time(), psutil.Process().create_time()
    monkeypatch.setattr(psutil, "boot_time", lambda: boot + 3600)
    monkeypatch.setattr(psutil.Process, "create_time", lambda _self: created + 3600)
    assert living_ids([own]) == [os.getpid()]


def test_a_zombie_is_not_alive() -> None:
    pid = os.posix_spawn("/bin/true", ["true"], {})
    found = identity(pid)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert living_ids([found]) == []
    os.waitpid(pid, 0)


def test_too_many_processes_are_refused(jobs: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    crowd = Job.new(parse_spec(SPEC), "digits", Recipe(), Resources(processes=9))
    with pytest.raises(
        InputError, match="processes: 9 are more than the 8 that this machine allows: 4 for each of its cores"
    ):
        service.submit([new_job(), crowd])
    assert jobs.records() == []
    assert not list(settings().runs_dir.glob("*/"))
