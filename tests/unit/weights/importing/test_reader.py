"""The process that reads a pickle: its rights, the checks of its answers, and its failures."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from explorer.errors import ExplorerError, InputError
from explorer.weights.importing import conversion
from explorer.weights.importing.checkpoint import open_checkpoint
from explorer.weights.importing.reader import BEGUN
from explorer.workers import seccomp, subprocess_runner
from explorer.workers.subprocess_runner import Limits, WorkerError
from tests.helpers.foreign_files import network, safetensors, save
from tests.helpers.landlock import landlock_version

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("temporary")]

NOBODY = 65534
SHELL = """
import encodings.idna, os, resource, socket, sys, time
from pathlib import Path
from explorer.workers import sandbox
folder, port, user = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
if user:
    os.setgid(user)
    os.setuid(user)
sandbox.leave_network()
sandbox.limit(memory=2**26, written=1000, seconds=50)
sandbox.confine(readable=[folder / "file"], writable=folder / "out")
def fork_twice():
    for _child in range(2):
        if os.fork():
            os._exit(0)
    time.sleep(5)
def listen():
    socket.socket(socket.AF_UNIX).bind(str(folder / "out" / "socket"))
def connect():
    socket.create_connection(("127.0.0.1", port), 1)
for attempt in (
    lambda: (folder / "file").read_bytes(),
    lambda: (folder / "out" / "small").write_bytes(bytes(999)),
    lambda: (folder / "out" / "large").write_bytes(bytes(2000)),
    lambda: bytearray(2**27),
    connect,
    lambda: (folder / "secret").read_bytes(),
    lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    lambda: (folder / "elsewhere").write_bytes(b"x"),
    lambda: (folder / "file").write_bytes(b"x"),
    lambda: (folder / "out" / "link").symlink_to(folder / "secret"),
    lambda: os.mkfifo(folder / "out" / "pipe"),
    lambda: os.kill(os.getppid(), 0),
    fork_twice,
    listen,
    lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CORE),
    lambda: resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (64, 64)),
    lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19),
    lambda: os.sched_setaffinity(os.getppid(), {0}),
    lambda: os.chmod(folder / "file", 0o666),
    lambda: os.chmod(folder / "out", 0o777),
    lambda: os.chmod(folder, 0o777),
    lambda: os.utime(folder / "file", (0, 0)),
    lambda: os.utime(folder / "out" / "small", (0, 0)),
    lambda: os.setxattr(folder / "out" / "small", "user.x", b"x"),
    lambda: os.chown(folder / "out" / "small", os.getuid(), os.getgid()),
    lambda: os.link(folder / "out" / "small", folder / "out" / "again"),
    os.setsid,
    lambda: os.execv(sys.executable, [sys.executable, "-c", "print('ran')"]),
):
    try:
        attempt()
        print("done")
    except (OSError, MemoryError) as error:
        print(type(error).__name__)
"""


FILES = slice(4, 12)  # attempts that Landlock refuses
CALLS = slice(12, None)  # attempts that the filter of system calls refuses


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")
@pytest.mark.parametrize("user", [0, NOBODY], ids=["ourselves", "another user"])
def test_a_sandboxed_process_can_do_little(user: int) -> None:
    if user and os.getuid():
        pytest.skip("only root can become another user")
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # other users can't open pytest's folder
        check_sandbox(Path(name), user)


def check_sandbox(tmp_path: Path, user: int) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "out").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "secret").touch()
    if user:
        for place in ("out", "file", "secret"):
            os.chown(tmp_path / place, user, user)
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = subprocess.run(
            [sys.executable, "-c", SHELL, str(tmp_path), str(server.getsockname()[1]), str(user)],
            cwd=subprocess_runner.ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
    assert done[:4] == [
        "done",
        "done",
        "OSError",
        "MemoryError",
    ]  # own file and folder, within the limits
    refused = ["PermissionError"]
    if landlock_version() >= 6:
        assert done[FILES] == refused * 8
    if seccomp.available():
        assert done[CALLS] == refused * 16
    if landlock_version() < 6 or not seccomp.available():
        pytest.skip("files need Landlock of Linux 6.12, calls seccomp on x86-64 or ARM")


def test_the_filter_refuses_exactly_the_calls_in_its_tables() -> None:
    """An interpreter by the rules of linux/bpf_common.h runs the program for all numbers and both architectures."""

    def answer(instructions: list[Any], **words: int) -> int:
        position = value = 0
        while True:
            step = instructions[position]
            match step.code:
                case 0x20:
                    value = words[{0: "number", 4: "architecture", 16: "argument"}[step.value]]
                case 0x15 | 0x35:
                    jumps = value == step.value if step.code == 0x15 else value >= step.value
                    position += step.yes if jumps else step.no
                case _:
                    return int(step.value)
            position += 1

    allow, refuse = 0x7FFF0000, 0x00050001
    for table in seccomp.TABLES.values():
        program = seccomp._program(table)
        numbers = set(table.refused.values())
        assert len(numbers) == len(table.refused)
        for number in range(600):
            expected = refuse if number in numbers else allow
            assert answer(program, architecture=table.audit, number=number, argument=0) == expected
        others = answer(program, architecture=table.audit, number=table.limits, argument=77)
        foreign = answer(program, architecture=1, number=0, argument=0)
        convention = answer(program, architecture=table.audit, number=table.foreign, argument=0)
        assert (others, foreign, convention) == (refuse, refuse, refuse)


def answers(monkeypatch: pytest.MonkeyPatch, text: str, output: bytes | None) -> list[dict[str, Any]]:
    """Replaces the process by a given answer and output file, and returns the options of its calls."""
    calls = []

    def run(_arguments: list[str], request: str, *_more: object, **options: Any) -> list[str]:
        calls.append(options)
        if output is not None:
            Path(json.loads(request)["request"]["output"]).write_bytes(output)
        return text.splitlines()

    monkeypatch.setattr(subprocess_runner, "run", run)
    return calls


TWO = safetensors({"a.weight": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}}, bytes(8))
NO_ANSWER = "gave no answer"
WELL = '{"result": {"names": ["a.weight"]}}'


@pytest.mark.parametrize(
    ("text", "output", "words"),
    [
        ("", None, NO_ANSWER),
        ("{}", TWO, NO_ANSWER),
        ("[1]", TWO, NO_ANSWER),
        ('{"names": ["a.weight"]}', TWO, NO_ANSWER),
        ('{"result": {}}', None, "no such file"),
        ('{"result": [1]}', TWO, NO_ANSWER),
        ('{"result": {"names": []}}', TWO, NO_ANSWER),
        ('{"result": {"names": ["b"]}}', TWO, NO_ANSWER),
        (WELL, b"", "is empty"),
        (WELL, TWO[:20], "was cut off"),
        (WELL, safetensors(b"{}", length=2**40), "at most"),
        (WELL, b"\x80\x02.", NO_ANSWER),
        (WELL + '\n{"progress": ["x", 0, 0]}', TWO, NO_ANSWER),
        ('{"result": {"names": ["a.weight"], "notes": ["x"' + ', "x"' * 100 + "]}}", TWO, NO_ANSWER),
        ('{"result": {"names": ["a.weight"], "notes": ["' + "x" * 10_000 + '"]}}', TWO, NO_ANSWER),
        ('{"result": {"names": ["a.weight"], "beside": {"x": ' + "[" * 10_000 + "]" * 10_000 + "}}}", TWO, NO_ANSWER),
        ('{"fault": "line\\nline\\u001b[31m"}', None, r"line\nline\x1b[31m"),
    ],
)
def test_answers_of_the_reader_are_checked(
    tmp_path: Path, refused: Any, monkeypatch: pytest.MonkeyPatch, text: str, output: bytes | None, words: str
) -> None:
    answers(monkeypatch, text, output)
    assert words in refused(save(tmp_path / "x.pth", network()))


def test_a_long_answer_is_refused(tmp_path: Path, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "Limits", lambda seconds, memory: Limits(seconds, memory, answer=10))
    refused(save(tmp_path / "x.pth", network()))


def test_the_reader_gets_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_DATABASE_URL", "postgresql://user:secret@host/db")
    calls = answers(monkeypatch, '{"result": {"names": ["a.weight"], "notes": ["a\\nb"]}}', TWO)
    with open_checkpoint(save(tmp_path / "x.pth", network()), "it") as found:
        assert found.tensors.keys() == {"a.weight"}
        assert found.notes == (r"a\nb",)
    assert "user:secret" not in str(calls[0]["environment"])


def test_a_crash_is_an_error_of_the_file_only_after_reading_has_begun(
    tmp_path: Path, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "x.pth", network())

    def fails(status: int, *, reading: bool) -> Callable[..., list[str]]:
        def run(_arguments: list[str], request: str, *_more: object, **_options: object) -> list[str]:
            if reading:
                Path(json.loads(request)["request"]["output"]).with_name(BEGUN).touch()
            raise WorkerError(f"the process ended early, with status {status}", status)

        return run

    with monkeypatch.context() as patch:
        patch.setattr(subprocess_runner, "run", fails(-11, reading=True))
        assert "crashed (the process ended early, with status -11)" in refused(path)
    for status, reading in ((1, False), (-9, True)):  # before it has read anything, or because memory was short
        with monkeypatch.context() as patch:
            patch.setattr(subprocess_runner, "run", fails(status, reading=reading))
            with pytest.raises(ExplorerError, match=f"status {status}") as failure, open_checkpoint(path, "x"):
                pass
            assert not isinstance(failure.value, InputError)
    with monkeypatch.context() as patch:
        patch.setattr(conversion, "TIMEOUT", 0.0)
        refused(path)
    with monkeypatch.context() as patch:
        patch.setattr(subprocess_runner, "POLL", 0.01)
        patch.setattr(conversion, "TORCH_MEMORY", 0)
        patch.setattr(conversion, "BASE_MEMORY", 1000)
        refused(path)


def test_faults_of_the_machine_are_not_input_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "x.pth", network())
    short = SimpleNamespace(available=10**6)
    (stub := tmp_path / "explorer/workers/sandbox.py").parent.mkdir(parents=True)
    stub.write_text("raise ImportError('nothing to read it with')")
    for place, name, value, words in (
        (psutil, "virtual_memory", lambda: short, "are free on this machine"),
        (sys, "executable", str(tmp_path / "none"), "a process can't be started"),
        (subprocess_runner, "ROOT", tmp_path, "nothing to read it with"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, value)
            with pytest.raises(ExplorerError, match=words) as failure, open_checkpoint(path, "x"):
                pass
            assert not isinstance(failure.value, InputError)
