"""Reads an ONNX file in a process without network and secrets, within limits of time and memory."""

import tempfile
from pathlib import Path
from threading import Lock

from pydantic import ValidationError

from explorer.errors import ContentError, InputError, shown
from explorer.formatting import bytes_short
from explorer.graphs.graph import Graph
from explorer.i18n import _
from explorer.workers import subprocess_runner
from explorer.workers.subprocess_runner import Limits, NoAnswerError, WorkerError

SUFFIX = ".onnx"
MAX_FILE = 2**31 - 1  # bytes; protobuf takes no larger message
SECONDS = 60
BASE_MEMORY = 600_000_000  # bytes of a process with onnx and a graph of the largest size
COPIES = 3  # of the file: its bytes, the message, and one while it is parsed
MAX_ANSWER = 2**26  # bytes

_one_at_a_time = Lock()  # several large files at a time would fill the memory


def read(path: Path, image_size: tuple[int, int] | None = None) -> Graph:
    """Reads the graph of an ONNX file. Weights that are stored in other files are not opened: their shapes are enough.

    Args:
        path: Path of the file.
        image_size: Height and width in pixels, for a file that leaves them free.

    Raises:
        InputError: If something is wrong with the file, or it takes too much time or memory.
        ExplorerError: If the process can't be started.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(
            _("{file}: can't be read: {reason}").format(file=shown(path.name), reason=error.strerror)
        ) from None
    if size > MAX_FILE:
        raise InputError(_("{file}: larger than {limit}").format(file=shown(path.name), limit=bytes_short(MAX_FILE)))
    memory = BASE_MEMORY + COPIES * size
    request = {
        "path": str(path.resolve()),
        "image_size": image_size,
        "memory": memory,
        "seconds": SECONDS,
    }
    limits = Limits(SECONDS, 2 * memory, MAX_ANSWER)
    with subprocess_runner.locked(_one_at_a_time), tempfile.TemporaryDirectory() as folder:
        try:
            answer = subprocess_runner.call("explorer.graphs.reader", request, limits, confined=Path(folder))
        except (NoAnswerError, WorkerError):
            raise _damaged() from None
    try:
        return Graph.model_validate(answer)
    except ValidationError as error:
        if any(fault["type"] in ("less_than_equal", "value_error", "too_long") for fault in error.errors()):
            raise ContentError(_("one of its maps or lists is larger than any network needs")) from None
        raise _damaged() from None


def _damaged() -> ContentError:
    return ContentError(_("the process that read it gave no answer: it is damaged or malicious"))
