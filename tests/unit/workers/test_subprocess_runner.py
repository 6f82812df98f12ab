"""Worker processes: they end with all that they have started, and their answers and errors reach the caller."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

import explorer
from explorer.errors import ContentError, InputError, SpecError
from explorer.i18n import use_language
from explorer.workers import subprocess_runner
from explorer.workers.subprocess_runner import Limits, NoAnswerError, WorkerError

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

    def watch(_lines: list[str]) -> None:
        there = (pid := tmp_path / "pid").exists() and pid.read_text().endswith("\n")
        if there and orphan:
            raise InputError("enough")

    # The grandchild's memory counts; an orphan's does not.
    limits = Limits(60, None if orphan else 200_000_000)
    with pytest.raises(InputError, match="enough" if orphan else r"it took more than 200\.00 MB of memory"):
        subprocess_runner.run(["family"], "", limits, watch)
    pid = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 60
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        time.sleep(0.05)


def at_work(pid: int) -> list[psutil.Process]:
    """Returns the readers that a process has started, once they have imported something."""
    with suppress(psutil.Error):
        children = psutil.Process(pid).children(recursive=True)
        # A fork has the name and memory of its parent until it runs its own program.
        named = [child for child in children if "explorer.weights.importing.reader" in child.cmdline()]
        return [child for child in named if child.memory_info().rss > 30_000_000]
    return []


@pytest.mark.skipif(os.name != "posix", reason="SIGTERM")
def test_a_terminated_import_leaves_nothing(tmp_path: Path) -> None:
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


WORK = """
import sys
from explorer.errors import ContentError, InputError, TokenError
from explorer.i18n import language
from explorer.workers.protocol import serve
def work(request, progress):
    BODY
serve(work)
"""

LIMITS = Limits(60)


@pytest.fixture
def answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Sends a request to a process with this body of its work function, or with this program."""

    def ask(body: str = "pass", *, program: str = "", limits: Limits = LIMITS, **options: Any) -> Any:
        (tmp_path / "work.py").write_text(program or WORK.replace("BODY", body))
        if not (tmp_path / "explorer").exists():
            (tmp_path / "explorer").symlink_to(Path(explorer.__file__).parent)
        return subprocess_runner.call("work", {"a": ["b\ud800", 1]}, limits, **options)

    monkeypatch.setattr(subprocess_runner, "ROOT", tmp_path)
    return ask


def test_printed_lines_do_not_disturb_the_result(answer: Callable[..., Any]) -> None:
    text = answer('print("a library says so"); return ascii(request)')
    assert text == ascii({"a": ["b\ud800", 1]})
    assert answer() is None


def test_progress_is_reported_and_an_exception_in_its_callback_ends_the_process(answer: Callable[..., Any]) -> None:
    before = set(psutil.Process().children())  # servers of other tests
    reported: list[tuple[str, int, int]] = []

    def progress(*report: Any) -> None:
        reported.append(report)
        if report == ("reading\\x1b", 3, 10):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        answer('progress("reading\\x1b", 3, 10); import time; time.sleep(60)', progress=progress)
    assert set(reported[:-1]) == {("starting", 0, 0)}
    assert set(psutil.Process().children()) <= before


@pytest.mark.parametrize(
    ("error", "kind"),
    [('InputError("no")', InputError), ('ContentError("no")', ContentError), ('TokenError("no", 3)', SpecError)],
)
def test_a_fault_is_an_error_of_the_same_kind(answer: Callable[..., Any], error: str, kind: type[InputError]) -> None:
    with pytest.raises(InputError, match=r"^no$") as caught:
        answer(f"raise {error}")
    assert type(caught.value) is kind


def test_a_worker_uses_the_language_of_its_caller(answer: Callable[..., Any]) -> None:
    use_language("zh")
    try:
        assert answer("return language()") == "zh"
    finally:
        use_language("en")


def test_any_other_error_is_a_failure_with_the_last_line_of_the_log(answer: Callable[..., Any]) -> None:
    with pytest.raises(WorkerError, match="the process failed: ZeroDivisionError: division by zero") as caught:
        answer("return 1 / 0")
    assert caught.value.status == 1


@pytest.mark.parametrize(
    "line",
    [
        "", "[1]", "{", '{"progress": ["x", 0, 0]}', '{"progress": ["x", -1, 0]}', '{"fault": 1}', '{"other": 1}',
        '{"fault": "' + "x" * 2000 + '"}', '{"result": ' + "[" * 10_000 + "]" * 10_000 + "}",
    ],
)  # fmt: skip
def test_an_answer_that_breaks_the_protocol_is_an_error(answer: Callable[..., Any], line: str) -> None:
    with pytest.raises(NoAnswerError, match="it gave no answer"):
        answer(program=f"print({line!r})")


def test_control_characters_in_messages_are_escaped(answer: Callable[..., Any]) -> None:
    with pytest.raises(InputError) as caught:
        answer(program="""print('{"fault": "line\\\\nline\\\\u001b[31m", "kind": "SystemExit"}')""")
    assert str(caught.value) == r"line\nline\x1b[31m"


def test_answers_and_time_have_limits(answer: Callable[..., Any]) -> None:
    with pytest.raises(WorkerError, match="its answer is too long"):
        answer('return "x" * 2000', limits=Limits(60, answer=1000))
    with pytest.raises(WorkerError):  # also while it still runs
        answer(program='import time\nprint("x" * 2000, flush=True)\ntime.sleep(60)', limits=Limits(60, answer=1000))
    with pytest.raises(InputError, match=r"^work: it took longer than 0 seconds and was stopped"):
        answer("import time; time.sleep(60)", limits=Limits(0.1), place="work")


@pytest.mark.skipif(sys.platform != "linux", reason="prctl")
def test_a_worker_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "from explorer.workers import subprocess_runner\n"
        "from explorer.workers.subprocess_runner import Limits\n"
        "report = lambda _step, pid, _total: print(pid, flush=True)\n"
        "subprocess_runner.call('tests.helpers.sleeper', None, Limits(60), report)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=subprocess_runner.ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(next(number for line in parent.stdout if (number := int(line))))
        parent.kill()
    with suppress(psutil.NoSuchProcess):
        child.wait(60)
    assert not child.is_running()
