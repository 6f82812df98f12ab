"""How a process asks another one of ours to work for it, and what that one answers.

The request is one JSON document on standard input: ``{"language": "en", "request": …}``. Answers are JSON documents on
standard output, a line each: any number of ``{"progress": [step, done, total]}``, and at last either
``{"result": …}`` or ``{"fault": WORDS, "kind": NAME}``, where the name is one of :data:`KINDS`. What stands on standard
error is a log: its last line is the reason where the exit status is not 0.

:func:`explorer.workers.subprocess_runner.call` asks, :func:`serve` answers.
"""

import ctypes
import json
import signal
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

from explorer.errors import LONGEST, ContentError, InputError, SpecError, printable
from explorer.i18n import use_language
from explorer.workers.progress import Progress

PERIOD = 0.2  # seconds between two messages of progress
KINDS: dict[str, type[InputError]] = {kind.__name__: kind for kind in (InputError, ContentError, SpecError)}
_SET_PDEATHSIG = 1  # prctl(2)


def request_text(request: object, language: str) -> str:
    """The text of a request.

    Args:
        request: The request, ready for JSON.
        language: The language of the words in the answers.
    """
    return json.dumps({"language": language, "request": request})


def serve(work: Callable[[Any, Progress], object]) -> None:
    """Read the request of this process, do the work, and write the answers. The process ends with its parent.

    Args:
        work: Takes the request and a function that reports progress, and returns a result that is ready for JSON. An
            :class:`InputError` becomes a fault; every other exception ends the process with a status other than 0.
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
            write({"progress": [printable(step)[:LONGEST], done, total]})

    with redirect_stdout(sys.stderr):  # what a library prints is no answer
        asked = json.load(sys.stdin)
        use_language(asked["language"])
        try:
            answer: dict[str, object] = {"result": work(asked["request"], progress)}
        except InputError as error:
            kind = next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in KINDS)
            answer = {"fault": str(error), "kind": kind}
    write(answer)


def end_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends. Only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL)
