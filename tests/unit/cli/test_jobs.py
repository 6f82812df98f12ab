"""``jobs …`` and ``train``: exit statuses, one line on stderr, and JSON."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.cli.main import main
from explorer.data import describe
from explorer.errors import InputError, StoreError
from explorer.families import resolve
from explorer.jobs import service
from explorer.jobs.job import Job, Resources
from explorer.jobs.run_directory import Row
from explorer.jobs.store import RESUMABLE, Status, Store, store
from explorer.recipes import Recipe
from explorer.settings import settings

Call = Callable[..., tuple[int, str, str]]

DESCRIBED = {"id", "pids", "name", "status", "progress", "spec", "dataset", "recipe", "error", "weights", "notes"}
DESCRIBED |= {"result"}
COMMANDS = ["show", "follow", "stop", "resume", "delete", "logs"]


@pytest.fixture
def call(jobs: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """A function that runs a command and returns exit status, stdout and stderr."""
    assert jobs.records() == []

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["explorer", *arguments])
        with pytest.raises(SystemExit) as exited:
            main()
        assert isinstance(exited.value.code, int)
        return exited.value.code, *capsys.readouterr()

    return run


def document(text: str) -> Any:
    """Parses a JSON document and refuses NaN and infinity."""

    def refuse(name: str) -> None:
        raise AssertionError(name)

    return json.loads(text, parse_constant=refuse)


def submitted(status: Status = Status.QUEUED, **values: Any) -> str:
    (record,) = service.submit([Job.new(resolve("digits-cnn"), "digits", Recipe(), Resources())])
    store().change(record.id, Status, status=status, **values)
    return record.id


def test_list(call: Call, jobs: Store) -> None:
    assert call("jobs", "list") == (0, "no jobs yet: 'python -m explorer train' makes one\n", "")
    assert call("jobs", "list", "--json") == (0, "[]\n", "")
    first, second = submitted(), submitted(Status.FINISHED, result={"top1": 0.5})
    jobs.write_rows(first, [Row(1, "a", 1.0)], replace=True)
    status, out, _err = call("jobs", "list", "--json")
    output = document(out)
    assert (status, [job["id"] for job in output]) == (0, [second, first])
    assert all(job.keys() >= DESCRIBED and "metrics" not in job for job in output)
    status, out, _err = call("jobs", "list")
    assert status == 0
    assert [line.split()[:2] for line in out.splitlines()] == [[second, "finished"], [first, "queued"]]
    assert "50.00%" in out


@pytest.mark.parametrize("status", Status)
def test_show(status: Status, call: Call, jobs: Store) -> None:
    job = submitted(status, progress=0.4, error={"code": "killed", "message": "words"}, notes=["a note"])
    values = [0.5, math.nan, math.inf]
    jobs.write_rows(job, [Row(epoch, "train/loss", value) for epoch, value in enumerate(values, 1)], replace=True)
    (service.directory(job).best).touch()
    exit_status, out, err = call("jobs", "show", job, "--json")
    output = document(out)
    assert (exit_status, err) == (0, "")
    assert output.keys() >= DESCRIBED | {"metrics"}
    assert (output["id"], output["status"], output["progress"]) == (job, status, 0.4)
    assert output["metrics"] == [
        {"epoch": epoch, "name": "train/loss", "value": value if math.isfinite(value) else None}
        for epoch, value in enumerate(values, 1)
    ]
    assert output["weights"] == str(service.directory(job).best)
    exit_status, out, err = call("jobs", "show", job)
    assert (exit_status, err) == (0, "")
    assert job in out
    assert "note: a note" in out


def test_numbers_that_are_not_finite_are_null(call: Call) -> None:
    """The state may contain a loss that is not finite, before the run fails."""
    job = submitted(Status.RUNNING, live={"epoch": 1, "loss": math.nan, "top1": 0.5})
    for arguments in (["list"], ["show", job]):
        status, out, err = call("jobs", *arguments, "--json")
        assert (status, err) == (0, "")
        output = document(out)
        output = output[0] if isinstance(output, list) else output
        assert output["live"] == {"epoch": 1, "loss": None, "top1": 0.5}


@pytest.mark.parametrize("as_json", [[], ["--json"]])
@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("job", ["nothing", "../../etc", "/etc/passwd", "*", "", "\udcff", "a\nb", "x" * 5000])
def test_an_unknown_id(job: str, name: str, as_json: list[str], call: Call) -> None:
    existing = submitted()
    status, out, err = call("jobs", name, job, *as_json)
    assert (status, out) == (2, "")
    assert err.startswith("error: job: ")
    assert (err.count("\n"), len(err) < 150) == (1, True)
    assert service.directory(existing).folder.is_dir()


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("name", ["stop", "resume", "delete"])
def test_requests_in_every_state(name: str, status: Status, call: Call, jobs: Store) -> None:
    job = submitted(status)
    allowed = {
        "stop": {Status.QUEUED, Status.RUNNING, Status.STOPPING},
        "resume": RESUMABLE,
        "delete": set(Status) - {Status.RUNNING, Status.STOPPING},
    }[name]
    exit_status, out, err = call("jobs", name, job, *(["--yes"] if name == "delete" else []), "--json")
    if status not in allowed:
        assert (exit_status, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"error: job: {job} is {status}; ")
        assert jobs.get(job).status is status
    elif name == "delete":
        assert (exit_status, document(out), err) == (0, {"id": job, "deleted": True}, "")
        assert jobs.records() == []
    else:
        assert (exit_status, err) == (0, "")
        assert document(out)["status"] == jobs.get(job).status
        assert document(out)["metrics"] == []


def test_delete_does_not_ask_without_a_terminal(call: Call, jobs: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    job = submitted(Status.FINISHED)
    status, out, err = call("jobs", "delete", job)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: delete: add --yes; ")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    for answer, exit_status in (("n", 1), ("", 1), ("y", 0)):
        monkeypatch.setattr("click.termui.visible_prompt_func", lambda _text, answer=answer: answer)
        assert [record.id for record in jobs.records()] == [job]
        status, out, err = call("jobs", "delete", job)
        assert status == exit_status, err
    assert jobs.records() == []
    assert not service.directory(job).folder.exists()


def test_logs(call: Call) -> None:
    job = submitted()
    assert call("jobs", "logs", job) == (0, "", "")
    service.directory(job).log.write_bytes(b"one\nt\xffo\x1b[2J")
    status, out, _err = call("jobs", "logs", job, "--json")
    assert status == 0
    assert document(out) == {"id": job, "log": "one\nt\ufffdo\x1b[2J"}
    assert call("jobs", "logs", job)[1].startswith("one\nt\ufffdo")


@pytest.mark.parametrize(
    ("status", "code", "exit_status"),
    [
        (Status.FINISHED, None, 0),
        (Status.STOPPED, None, 0),
        (Status.FAILED, "input", 2),
        (Status.FAILED, "vanished", 2),
        (Status.FAILED, "out_of_memory", 1),
        (Status.INTERRUPTED, "killed", 1),
    ],
)
def test_follow_exits_with_the_result_of_the_job(
    status: Status, code: str | None, exit_status: int, call: Call
) -> None:
    job = submitted(status, error=code and {"code": code, "message": "first\nsecond"})
    status_code, out, err = call("jobs", "follow", job, "--json")
    assert (status_code, document(out)["status"]) == (exit_status, status)
    assert err.count("\n") == (1 if exit_status else 0)
    assert ("first second" in err) == bool(exit_status)


def test_train_puts_jobs_into_the_queue_and_returns(call: Call, jobs: Store) -> None:
    status, out, err = call("train", "digits-cnn", "--dataset", "digits", "--name", "one", "--json")
    output = document(out)
    assert (status, err) == (0, "")
    assert output.keys() >= DESCRIBED | {"metrics"}
    assert (output["status"], output["name"], output["pids"], output["metrics"]) == ("queued", "one", [], [])
    status, out, err = call(
        "train", "digits-cnn", "--dataset", "digits", "--sweep", "lr=0.1,0.2", "--sweep", "spec.dropout=0,0.5", "--json"
    )
    output = document(out)
    assert (status, err, len(output)) == (0, "", 4)
    assert [job["varied"] for job in output] == [
        {"lr": lr, "spec.dropout": dropout} for lr in (0.1, 0.2) for dropout in (0, 0.5)
    ]
    assert [record.id for record in jobs.records()][1:] == [job["id"] for job in output]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--sweep", "lr=0.1,fast"],
        ["--sweep", "lr"],
        ["--sweep", "nothing=1,2"],
        ["--sweep", "seed=" + ",".join(map(str, range(1_001)))],
        [
            "--sweep",
            "lr=0.1,0.2",
            "--sweep",
            "spec.cfg=[8],[8,M,M,M,M,M,M,M,M]",
        ],  # the second network has no map left
        ["--sweep", "epochs=1,2", "--sweep", "epochs=3"],
        ["--processes", "65"],
        ["--processes", "64"],
        ["--name", "a\nb"],
    ],
)
def test_a_refused_train_changes_nothing(
    arguments: list[str], call: Call, jobs: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    status, out, err = call("train", "digits-cnn", "--dataset", "digits", *arguments, "--json")
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert jobs.records() == []
    assert not [path for path in settings().runs_dir.glob("*") if path.is_dir()]


def test_notes_on_a_folder_are_printed_before_the_job(call: Call, jobs: Store, tmp_path: Path) -> None:
    for place in ("seg_train/seg_train/cat", "seg_train/seg_train/dog", "seg_test/cat", "seg_pred"):
        (tmp_path / "set" / place).mkdir(parents=True)
        (tmp_path / "set" / place / "1.png").write_bytes(b"")  # only names are read
    status, out, err = call("train", "digits-cnn", "--dataset", str(tmp_path / "set"), "--json")
    assert (status, document(out)["status"]) == (0, "queued")
    notes = describe(str(tmp_path / "set"))
    assert len(notes) == 3
    assert err.splitlines() == [f"data: {note}" for note in notes]
    status, out, err = call("train", "digits-cnn", "--dataset", str(tmp_path / "set" / "seg_pred"), "--json")
    with pytest.raises(InputError) as refused:
        describe(str(tmp_path / "set" / "seg_pred"))
    assert (status, out, err) == (2, "", f"error: {refused.value}\n")
    assert len(jobs.records()) == 1


def test_notes_on_arrays_are_printed_before_the_job(call: Call, jobs: Store, tmp_path: Path) -> None:
    images, labels = np.zeros((6, 8, 8), np.uint8), np.arange(6) % 2
    np.savez(tmp_path / "a.npz", x_train=images, y_train=labels, x_test=images[:2], y_test=labels[:2])
    status, out, err = call("train", "digits-cnn", "--dataset", str(tmp_path / "a.npz"), "--json")
    assert (status, document(out)["status"]) == (0, "queued")
    assert err.splitlines()[0] == (
        "data: Found 2 classes: 0, 1. Training images: 6, from x_train and y_train. Test images: 2, from x_test and "
        "y_test."
    )
    np.savez(tmp_path / "a.npz", x_train=images, y_train=labels[:4])
    status, out, err = call("train", "digits-cnn", "--dataset", str(tmp_path / "a.npz"), "--json")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert len(jobs.records()) == 1


def test_a_failing_store_is_an_internal_error_in_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    job = submitted()

    def fail(*_arguments: object, **_options: object) -> None:
        raise StoreError("the job store x fails:\nit is full")

    monkeypatch.setattr(Store, "writing", fail)
    for arguments in (
        ["jobs", "stop", job],
        ["jobs", "delete", job, "--yes"],
        ["train", "lenet5", "--dataset", "digits"],
    ):
        assert call(*arguments, "--json") == (1, "", "error: the job store x fails: it is full\n")
    monkeypatch.setattr(Store, "reading", fail)
    assert call("jobs", "list", "--json") == (1, "", "error: the job store x fails: it is full\n")
