"""Exports to files: atomic, within limits, and from the command line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import onnx
import psutil
import pytest

from explorer.cli.main import cli
from explorer.cli.print_progress import progress_line
from explorer.errors import ExplorerError, InputError
from explorer.exports import FORMATS, content, export, run
from explorer.families import resolve
from explorer.workers import subprocess_runner
from tests.helpers.command import run as command

pytestmark = pytest.mark.process


@pytest.fixture
def is_unchanged() -> Callable[[Path], bool]:
    """Returns whether the old file is unchanged, the folder has no other file, and no process of the test is left."""
    before = set(psutil.Process().children())  # servers of other tests

    def check(folder: Path) -> bool:
        return (
            [path.name for path in folder.iterdir()] == ["net.onnx"]
            and (folder / "net.onnx").read_text() == "old"
            and set(psutil.Process().children()) <= before
        )

    return check


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    path.write_text("old")
    return path


def test_a_network_is_written_by_a_process(old: Path) -> None:
    notes: list[str] = []
    size = export(resolve("lenet5"), "onnx", old, notes.append)
    onnx.checker.check_model(str(old), full_check=True)
    assert size == old.stat().st_size > 4 * 61_706
    assert [path.name for path in old.parent.iterdir()] == ["net.onnx"]
    assert len(notes) > 3
    assert notes[0] == "Writing 246.82 kB of weights, 0 s so far"


@pytest.mark.parametrize("name", [name for name, chosen in FORMATS.items() if not chosen.has_weights])
def test_file_and_memory_have_the_same_content(name: str, tmp_path: Path) -> None:
    spec, path = resolve("lenet5"), tmp_path / f"net{FORMATS[name].suffix}"
    assert export(spec, name, path) == path.stat().st_size
    assert path.read_bytes() == content(spec, name)
    assert FORMATS[name].title()
    assert FORMATS[name].media_type.count("/") == 1


def test_a_network_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def call(_module: str, request: dict[str, str], *_more: object, **_options: object) -> None:
        Path(request["file"]).write_text(f"{request['format']} of {request['spec']}")

    monkeypatch.setattr(subprocess_runner, "call", call)
    spec = resolve("mnist-fc")
    assert content(spec, "onnx") == f"onnx of {spec.to_dict()}".encode()


def test_too_large_for_the_format(old: Path, is_unchanged: Callable[[Path], bool]) -> None:
    spec = resolve("vgg16").changed(classifier=[20_000, 20_000])
    with pytest.raises(InputError, match=r"weights take 3\.\d\d GB, and one ONNX file holds at most 2\.15 GB"):
        export(spec, "onnx", old)
    assert is_unchanged(old.parent)


def test_too_large_for_the_machine(
    old: Path, is_unchanged: Callable[[Path], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=4_000_000_000, available=2_000_000_000))
    with pytest.raises(InputError, match=r"may take 4\.27 GB of memory, and 2\.00 GB are free"):
        export(resolve("vgg16"), "onnx", old)
    assert is_unchanged(old.parent)


@pytest.mark.parametrize(
    ("limit", "value", "words"), [("BASE_MEMORY", 50_000_000, r"more than 51\.23 MB"), ("TIME_LIMIT", 0.5, "^export: ")]
)
def test_limits(
    old: Path,
    is_unchanged: Callable[[Path], bool],
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    value: float,
    words: str,
) -> None:
    monkeypatch.setattr(run, limit, value)
    with pytest.raises(InputError, match=words):
        export(resolve("lenet5"), "onnx", old)
    assert is_unchanged(old.parent)


def test_an_interrupt_stops_the_process(old: Path, is_unchanged: Callable[[Path], bool]) -> None:
    def leave(_note: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(resolve("lenet5"), "onnx", old, leave)
    assert is_unchanged(old.parent)


def test_an_export_waits_for_others_for_a_limited_time(
    old: Path, is_unchanged: Callable[[Path], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess_runner, "POLL", 0.01)
    monkeypatch.setattr(subprocess_runner, "LOCK_TIMEOUT", 0.1)
    notes: list[str] = []
    with run._export_lock, pytest.raises(InputError):
        export(resolve("lenet5"), "onnx", old, notes.append)
    assert len(notes) > 2
    assert set(notes) == {"Waiting for another export to end"}
    assert is_unchanged(old.parent)


def test_an_interrupt_stops_waiting(old: Path, is_unchanged: Callable[[Path], bool]) -> None:
    def leave(_note: str) -> None:
        raise KeyboardInterrupt

    with run._export_lock, pytest.raises(KeyboardInterrupt):
        export(resolve("lenet5"), "onnx", old, leave)
    assert is_unchanged(old.parent)


def test_a_failing_process_says_why(
    old: Path, is_unchanged: Callable[[Path], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(old.parent.parent / "python"))
    Path(sys.executable).write_text("#!/bin/sh\necho trace >&2; echo 'ValueError: no luck' >&2; sleep 0.5; exit 1\n")
    Path(sys.executable).chmod(0o755)
    with pytest.raises(ExplorerError, match="ValueError: no luck"):
        export(resolve("lenet5"), "onnx", old)
    assert is_unchanged(old.parent)


def test_paths_that_cannot_be_files(tmp_path: Path) -> None:
    spec = resolve("lenet5")
    (tmp_path / "file").touch()
    for path, reason in (
        (tmp_path / "none" / "net.json", "No such file"),
        (tmp_path / "file" / "net.json", "Not a directory"),
        (tmp_path, "not a file that can be replaced"),
        (Path(os.devnull), "not a file that can be replaced"),
    ):
        with pytest.raises(InputError, match=reason):
            export(spec, "json", path)
    assert Path(os.devnull).is_char_device()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_links_are_kept_and_modes_are_those_of_new_files(tmp_path: Path) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    link.symlink_to(target)
    export(resolve("lenet5"), "json", link)
    assert link.is_symlink()
    (tmp_path / "other").touch()
    assert target.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_the_command_writes_a_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = str(tmp_path / "net.py")
    status, out, err = command(capsys, monkeypatch, "export", "lenet5", "--format", "pytorch", "-o", path, "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == {"format": "pytorch", "file": path, "bytes": Path(path).stat().st_size}
    status, out, _err = command(capsys, monkeypatch, "export", "lenet5", "--format", "csv", "-o", path)
    assert (status, out.startswith(f"{path}: ")) == (0, True)


def test_the_command_prints_text(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pytorch", "json", "dot", "csv"):
        status, _out, err = command(capsys, monkeypatch, "export", "resnet20", "--format", name)
        assert (status, err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("lenet5", "--format", "onnx"), "name the file with -o"),
        (("lenet5", "--format", "csv", "--json"), "name the file with -o"),
        (("lenet5", "--format", "docx", "-o", "x"), "format: 'docx' is not one of pytorch, onnx, pt2"),
        (("lenet5", "-o", "x"), "--format"),
        (("nonesuch", "--format", "json"), "nonesuch"),
        (("lenet5", "--format", "json", "-o", "/proc/none/x"), "can't write '/proc/none/x'"),
        (("torchvision:swin_t", "--format", "pytorch"), "can't be written as source"),
        (("torchvision:nonesuch", "--format", "onnx", "-o", "x"), "no classification model"),
    ],
)
def test_the_commands_errors_are_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = command(capsys, monkeypatch, "export", *arguments)
    assert (status, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_an_internal_error_has_status_1(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_options: object) -> None:
        raise ExplorerError("the export failed: no luck")

    monkeypatch.setattr(cli, "main", fail)
    assert command(capsys, monkeypatch) == (1, "", "error: the export failed: no luck\n")


def test_the_terminal_shows_the_last_note(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with progress_line() as note:
        note("one")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress_line() as note:
        note("one")
        note("two")
    assert capsys.readouterr().err == "\r\x1b[Kone\r\x1b[Ktwo\r\x1b[K"


def test_an_analysis_imports_no_exporter_and_an_export_is_printed_unchanged() -> None:
    code = (
        "import sys\n"
        "from explorer.cli.main import main\n"
        "def command(*arguments):\n"
        "    sys.argv = ['explorer', *arguments]\n"
        "    try: main()\n"
        "    except SystemExit: sys.stdout.flush()\n"
        "command('analyze', 'lenet5', '--json')\n"
        "import explorer.exports\n"
        "print(sorted({'onnx', 'onnxscript', 'jinja2', 'torchvision'} & sys.modules.keys()), file=sys.stderr)\n"
        "command('export', 'resnet20', '--format', 'csv')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    table = content(resolve("resnet20"), "csv")
    assert done.stdout.endswith(table)
    assert json.loads(done.stdout.removesuffix(table))["totals"]["params"] == 61_706
    assert b"onnx" not in done.stderr
