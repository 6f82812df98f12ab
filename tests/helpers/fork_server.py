"""A fork server: it has imported torch, so its processes begin at once instead of after two seconds of imports.

``python -m tests.helpers.fork_server FD`` serves the socket of that number until it is closed. Every test that is about
the start of a process, its rights or its environment starts a new one instead.
"""

import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO

from explorer.settings import settings
from tests.helpers.documents import ROOT

PRELOADED = ("explorer.data.examples", "explorer.weights.importing.pickles")  # with torch
POLL = 0.01  # seconds until the server notices that a process has ended
MAX_REQUEST = 2**17  # bytes


class ForkServer:
    """Starts processes as :class:`subprocess.Popen` does, but as forks of one that has imported torch.

    The server itself is started with the first process.
    """

    def __init__(self) -> None:
        self._socket, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process: subprocess.Popen[bytes] | None = None

    def _ensure_server(self) -> None:
        if self._process is None:
            one_thread = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.helpers.fork_server", str(self._theirs.fileno())],
                cwd=ROOT,
                env=os.environ | one_thread,
                pass_fds=[self._theirs.fileno()],
            )

    def start(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        stdout: IO[bytes],
        stderr: IO[bytes],
        stdin: IO[bytes] | None = None,
        env: Mapping[str, str] | None = None,
        start_new_session: bool = True,
    ) -> "Forked":
        """Start ``python -m MODULE ARGUMENTS`` in a session of its own; without ``stdin``, with an empty one."""
        assert start_new_session
        assert list(command[:2]) == [sys.executable, "-m"]
        self._ensure_server()
        request = {"arguments": command[2:], "cwd": str(cwd), "environment": dict(os.environ if env is None else env)}
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, Path(os.devnull).open("rb") as nothing:
            files = [*(file.fileno() for file in (stdin or nothing, stdout, stderr)), theirs.fileno()]
            socket.send_fds(self._socket, [json.dumps(request).encode()], files)
        return Forked(ours)

    def close(self) -> None:
        """End the server and all its processes that are left."""
        self._socket.close()
        self._theirs.close()
        if self._process is not None:
            self._process.wait()


class Forked:
    """A process of the server; has the methods and attributes of :class:`subprocess.Popen` that the product uses."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self.pid = int(channel.recv(32))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit status, or None while the process runs."""
        return self._status(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, after the end of the process."""
        status = self._status(timeout)
        if status is None:
            raise subprocess.TimeoutExpired("a forked process", timeout or 0)
        return status

    def kill(self) -> None:
        """Kill the process if it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def _status(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._channel], [], [], timeout)[0]:
            self.returncode = int(self._channel.recv(32) or -signal.SIGKILL)
            self._channel.close()
        return self.returncode


def serve(server: socket.socket) -> None:
    """Start processes until the socket is closed, and report their process ids and exit statuses."""
    channels: dict[int, socket.socket] = {}
    while True:
        if select.select([server], [], [], POLL if channels else None)[0]:
            text, files, _flags, _address = socket.recv_fds(server, MAX_REQUEST, 4)
            if not text:
                return
            if (pid := os.fork()) == 0:
                server.close()
                _work(json.loads(text), files)
            channels[pid] = socket.socket(fileno=files.pop())
            channels[pid].send(str(pid).encode())
            for file in files:
                os.close(file)
        for pid in list(channels):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                with channels.pop(pid) as channel, suppress(OSError):  # nobody may wait for it any longer
                    channel.send(str(os.waitstatus_to_exitcode(status)).encode())


def _work(request: dict[str, object], files: list[int]) -> None:
    """Run a module in this process, and end it."""
    status = 1
    try:
        os.setsid()
        for number, file in enumerate(files):
            if number < 3:
                os.dup2(file, number)
            os.close(file)
        os.chdir(str(request["cwd"]))
        os.environ.clear()
        os.environ.update(request["environment"])  # type: ignore[call-overload]
        tempfile.tempdir = None
        settings.cache_clear()
        sys.argv = [*request["arguments"]]  # type: ignore[misc]
        sys.modules.pop(sys.argv[0], None)
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:  # noqa: BLE001  the end of the process, as in the interpreter
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    for name in PRELOADED:
        import_module(name)
    gc.collect()
    gc.freeze()  # without it, the garbage collector of each fork would copy all objects
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        serve(connection)
