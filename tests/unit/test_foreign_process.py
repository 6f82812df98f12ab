"""The process that reads a pickle: what it can do, what is believed of what it says, and what if it breaks down."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from explorer import beside, sandbox
from explorer.beside import WorkerError
from explorer.errors import ExplorerError, InputError
from explorer.foreign import conversion
from explorer.foreign.checkpoint import opened
from explorer.foreign.child import BEGUN
from tests.unit.foreign_files import network, safetensors, save

pytestmark = pytest.mark.usefixtures("temporary")


SHELL = """
import os, socket, sys
from pathlib import Path
from explorer import sandbox
folder, port = Path(sys.argv[1]), int(sys.argv[2])
sandbox.leave_network()
sandbox.limit(memory=2**26, written=1000, seconds=50)
sandbox.confine(readable=[folder / "file", Path(sys.base_prefix)], writable=folder / "out")
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
    lambda: os.execv(sys.executable, [sys.executable, "-c", "print('ran')"]),
):
    try:
        attempt()
        print("done")
    except (OSError, MemoryError) as error:
        print(type(error).__name__)
"""


def landlock() -> int:
    """The version that this kernel has; 0 is none."""
    import ctypes

    return max(0, ctypes.CDLL(None).syscall(sandbox._CREATE, None, ctypes.c_size_t(0), sandbox._ASK_VERSION))


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")
def test_a_process_that_was_taken_over_can_do_little(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "secret").touch()
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = subprocess.run(
            [sys.executable, "-c", SHELL, str(tmp_path), str(server.getsockname()[1])],
            cwd=beside.ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
    assert done[:4] == ["done", "done", "OSError", "MemoryError"]  # its own file and folder, within the limits
    if landlock() < 6:
        pytest.skip("the rest needs Landlock of Linux 6.12")
    assert done[4:] == ["PermissionError"] * 9


def answers(monkeypatch: pytest.MonkeyPatch, text: str, output: bytes | None) -> list[dict[str, Any]]:
    """Let the process answer anything, and tell how it was called."""
    calls = []

    def run(_module: str, *, text: str, **options: Any) -> str:
        calls.append(options)
        if output is not None:
            Path(json.loads(text)["output"]).write_bytes(output)
        return answer

    answer = text
    monkeypatch.setattr(beside, "run", run)
    return calls


TWO = safetensors({"a.weight": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}}, bytes(8))
NO_ANSWER = "gave no answer"


@pytest.mark.parametrize(
    ("text", "output", "words"),
    [
        ("", None, NO_ANSWER),
        ("{}", None, "no such file"),
        ("[1]", TWO, NO_ANSWER),
        ('{"names": []}', TWO, NO_ANSWER),
        ('{"names": ["b"]}', TWO, NO_ANSWER),
        ('{"names": ["a.weight"]}', b"", "is empty"),
        ('{"names": ["a.weight"]}', TWO[:20], "was cut off"),
        ('{"names": ["a.weight"]}', safetensors(b"{}", length=2**40), "the most"),
        ('{"names": ["a.weight"]}', b"\x80\x02.", NO_ANSWER),
        ('{"names": ["a.weight"], "notes": ["x"' + ', "x"' * 100 + "]}", TWO, NO_ANSWER),
        ('{"names": ["a.weight"], "notes": ["' + "x" * 10_000 + '"]}', TWO, NO_ANSWER),
        ('{"names": ["a.weight"], "beside": {"x": ' + "[" * 10_000 + "]" * 10_000 + "}}", TWO, NO_ANSWER),
        ('{"fault": "line\\nline\\u001b[31m"}', None, r"line\nline\x1b[31m"),
    ],
)
def test_the_process_is_not_trusted(
    tmp_path: Path, refused: Any, monkeypatch: pytest.MonkeyPatch, text: str, output: bytes | None, words: str
) -> None:
    answers(monkeypatch, text, output)
    assert words in refused(save(tmp_path / "x.pth", network()))


def test_no_answer_is_too_long_for_the_server(tmp_path: Path, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "LONGEST_ANSWER", 10)
    assert "its answer is too long" in refused(save(tmp_path / "x.pth", network()))


def test_the_process_knows_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_DATABASE_URL", "postgresql://user:secret@host/db")
    calls = answers(monkeypatch, '{"names": ["a.weight"], "notes": ["a\\nb"]}', TWO)
    with opened(save(tmp_path / "x.pth", network()), "it") as found:
        assert found.tensors.keys() == {"a.weight"}
        assert found.notes == (r"a\nb",)
    assert "secret" not in str(calls[0]["environment"])


def test_a_process_that_breaks_down(tmp_path: Path, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "x.pth", network())

    def fails(status: int, *, reading: bool) -> Callable[..., str]:
        def run(_module: str, *, text: str, **_options: object) -> str:
            if reading:
                Path(json.loads(text)["output"]).with_name(BEGUN).touch()
            raise WorkerError(f"the process ended early, with status {status}", status)

        return run

    with monkeypatch.context() as patch:
        patch.setattr(beside, "run", fails(-11, reading=True))
        assert "broke down (the process ended early, with status -11)" in refused(path)
    for status, reading in ((1, False), (-9, True)):  # before it read anything, or for want of memory
        with monkeypatch.context() as patch:
            patch.setattr(beside, "run", fails(status, reading=reading))
            with pytest.raises(ExplorerError, match=f"status {status}") as failure, opened(path, "x"):
                pass
            assert not isinstance(failure.value, InputError)
    with monkeypatch.context() as patch:
        patch.setattr(conversion, "LONGEST", 0.0)
        assert "was stopped" in refused(path)
    with monkeypatch.context() as patch:
        patch.setattr(beside, "POLL", 0.01)
        patch.setattr(conversion, "TORCH_MEMORY", 0)
        patch.setattr(conversion, "BASE_MEMORY", 1000)
        assert "of memory and was stopped" in refused(path)


def test_faults_of_this_machine_are_not_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "x.pth", network())
    short = SimpleNamespace(available=10**6)
    (stub := tmp_path / "explorer/foreign/child.py").parent.mkdir(parents=True)
    stub.write_text("raise ImportError('nothing to read it with')")
    for place, name, value, words in (
        (psutil, "virtual_memory", lambda: short, "GB are free on this machine"),
        (sys, "executable", str(tmp_path / "none"), "a process can't be started"),
        (beside, "ROOT", tmp_path, "nothing to read it with"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, value)
            with pytest.raises(ExplorerError, match=words) as failure, opened(path, "x"):
                pass
            assert not isinstance(failure.value, InputError)
