"""The protocol between a process and a worker process that it starts.

The request is one JSON document on standard input: ``{"language": "en", "request": …}``. The answers are JSON documents
on standard output, one per line: any number of ``{"progress": [step, done, total]}``, and finally either
``{"result": …}`` or ``{"fault": MESSAGE, "kind": NAME}``, where the name is a key of :data:`ERRORS`. Standard error is
a log. If the exit status is not 0, the last line of the log is the reason.

:func:`explorer.workers.subprocess_runner.call` sends requests, :func:`serve` answers them.
"""

import ctypes
import json
import signal
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

from explorer.errors import MAX_MESSAGE, ContentError, InputError, SpecError, printable
from explorer.i18n import use_language
from explorer.workers.progress import Progress

PERIOD = 0.2  # seconds between two messages of progress
ERRORS: dict[str, type[InputError]] = {kind.__name__: kind for kind in (InputError, ContentError, SpecError)}
_SET_PDEATHSIG = 1  # prctl(2)


def request_text(request: object, language: str) -> str:
    """Returns the text of a request.

    Args:
        request: JSON-ready request.
        language: Language of the messages in the answers.
    """
    return json.dumps({"language": language, "request": request})


def serve(work: Callable[[Any, Progress], object]) -> None:
    """Reads the request of this process, does the work, and writes the answers. The process ends with its parent.

    Args:
        work: Function that receives the request and a callback for progress, and returns a JSON-ready result. An
            :class:`InputError` becomes a fault. Any other exception ends the process with a status other than 0.
    """
    end_with_parent()
    answers, last = sys.stdout, 0.0

    def write(message: dict[str, object]) -> None:
        answers.write(f"{json.dumps(message)}\n")
        answers.flush()

    def progress(step: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > PERIOD:
            last = time.monotonic()
            write({"progress": [printable(step)[:MAX_MESSAGE], done, total]})

    with redirect_stdout(sys.stderr):  # the output of libraries is not an answer
        document = json.load(sys.stdin)
        use_language(document["language"])
        try:
            answer: dict[str, object] = {"result": work(document["request"], progress)}
        except InputError as error:
            kind = next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in ERRORS)
            answer = {"fault": str(error), "kind": kind}
    write(answer)


def end_with_parent() -> None:
    """Makes the kernel kill this process when the thread that started it ends. Only Linux can do this."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL)
