"""Work on data in a process of its own: within limits, and telling how far it is.

Reading may download, and decodes images from anywhere. The process writes its progress into a file of a folder that
both know.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from explorer.errors import ContentError, InputError
from explorer.files import whole
from explorer.i18n import _, language, use_language
from explorer.settings import settings
from explorer.workers import subprocess_runner
from explorer.workers.progress import Progress, silent

TIME_LIMIT = 3600.0  # seconds: a download may be slow
MEMORY_LIMIT = 6 * 2**30  # bytes: the largest arrays take most of it
PERIOD = 0.2  # seconds between two words of progress
SAID = "progress.json"


def ask(
    module: str, asked: dict[str, Any], place: str, progress: Progress = silent, *, more_memory: int = 0
) -> dict[str, Any]:
    """Have a module of ours, whose main function is :func:`answer`, do something in a process of its own.

    Args:
        module: that is run as ``python -m`` does.
        asked: JSON-ready.
        place: what messages call the data.
        progress: told how far it is; what it raises ends the process.
        more_memory: bytes that the work needs beside the data.

    Raises:
        ContentError: as the process did.
        InputError: as the process did; where it takes too much time or memory.
        ExplorerError: where the process failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder, SAID)

        def watch(_seconds: float, used: int) -> None:
            if used > (limit := min(MEMORY_LIMIT + more_memory, psutil.virtual_memory().total // 2)):
                raise InputError(
                    _("{place}: it took more than {limit:.1f} GB of memory and was stopped").format(
                        place=place, limit=limit / 1e9
                    )
                )
            progress(*(json.loads(said.read_text(encoding="utf-8")) if said.exists() else (_("starting"), 0, 0)))

        answered = json.loads(
            subprocess_runner.run(
                module,
                folder,
                text=json.dumps({"asked": asked, "language": language()}),
                longest=TIME_LIMIT,
                watch=watch,
                environment=settings().for_process(),
            )
        )
    if answered["fault"]:
        raise (ContentError if answered["of_content"] else InputError)(answered["fault"])
    found: dict[str, Any] = answered["answer"]
    return found


def answer(folder: str, work: Callable[[dict[str, Any], Progress], dict[str, Any]]) -> None:
    """Do in this process what was asked on standard input, and print what came of it.

    Args:
        folder: that the progress goes to.
        work: takes what was asked, and whom to tell how far it is; returns what is JSON-ready.
    """
    told = json.load(sys.stdin)
    use_language(told["language"])
    last = 0.0

    def progress(step: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > PERIOD:
            last = time.monotonic()
            with whole(Path(folder, SAID)) as part:
                part.write_text(json.dumps([step, done, total]), encoding="utf-8")

    answered, fault = {}, None
    try:
        answered = work(told["asked"], progress)
    except InputError as error:
        fault = error
    json.dump(
        {"answer": answered, "fault": str(fault or ""), "of_content": isinstance(fault, ContentError)}, sys.stdout
    )
