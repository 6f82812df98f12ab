"""Converts a pickled checkpoint to a safetensors file in a sandboxed process, and checks the result."""

from pathlib import Path
from threading import Lock
from typing import Annotated

import psutil
from pydantic import AfterValidator, BaseModel, Field, JsonValue, ValidationError
from torch import Tensor

from explorer.errors import ExplorerError, InputError, printable
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.weights.importing.file_formats import FileFormat, detect_format
from explorer.weights.importing.mapped import map_tensors
from explorer.weights.importing.reader import BEGUN
from explorer.weights.importing.wrappers import MAX_TENSORS
from explorer.workers import subprocess_runner
from explorer.workers.progress import Progress, silent
from explorer.workers.subprocess_runner import Limits, NoAnswerError, WorkerError

READER = "explorer.weights.importing.reader"
TIMEOUT = 180  # seconds for 4 GB from a slow disk
BASE_MEMORY = 512 * 2**20  # bytes for a file of any size, in addition to PyTorch itself
TORCH_MEMORY = 768 * 2**20  # bytes for PyTorch itself, in its build for CUDA
COPIES = 3  # of the file in memory: as read, as tensors, and one in reserve
KILLED = -9  # status of a process that the system has killed because memory was short

_one_at_a_time = Lock()  # several large files at once could fill the machine's memory

Text = Annotated[str, Field(max_length=2_000)]
Printable = Annotated[Text, AfterValidator(printable)]


class Answer(BaseModel):
    """Answer of the process about the file that it has written. The process is not trusted."""

    names: Annotated[list[Text], Field(min_length=1, max_length=MAX_TENSORS)] = []
    metadata: Annotated[dict[Text, JsonValue], Field(alias="beside")] = {}
    ignored: tuple[Printable, ...] = ()
    notes: Annotated[tuple[Printable, ...], Field(max_length=100)] = ()


def memory_limit(path: Path) -> int:
    """Returns the limit of memory for the process that reads a file, in bytes."""
    return TORCH_MEMORY + BASE_MEMORY + COPIES * path.stat().st_size


def convert(
    path: Path, file_format: FileFormat, output: Path, progress: Progress = silent
) -> tuple[dict[str, Tensor], Answer]:
    """Writes the network of a checkpoint as safetensors, and maps the file.

    Args:
        path: Path of the checkpoint.
        file_format: Format of the checkpoint.
        output: New file, in an empty folder for the process.
        progress: Callback, called several times a second. An exception that it raises ends the process.

    Returns:
        The tensors by name, in their order, mapped from the output, and the answer of the process.

    Raises:
        InputError: If something is wrong with the file. Says what, without the file's name.
        ExplorerError: If the machine has too little memory, or the process can't start to read.
    """
    limit = memory_limit(path)
    request = {
        "path": str(path.resolve()),
        "output": str(output.resolve()),
        "archive": file_format is FileFormat.ZIP,
        "memory": limit - TORCH_MEMORY,
        "seconds": TIMEOUT,
    }
    with subprocess_runner.locked(_one_at_a_time):
        if limit > (free := psutil.virtual_memory().available):
            raise ExplorerError(
                _("reading it may take {needed} of memory, and {free} are free on this machine").format(
                    needed=bytes_short(limit), free=bytes_short(free)
                )
            )
        try:
            result = subprocess_runner.call(READER, request, Limits(TIMEOUT, limit), progress, confined=output.parent)
        except NoAnswerError:
            raise _no_answer() from None
        except WorkerError as error:
            if error.status == KILLED or not output.with_name(BEGUN).exists():
                raise
            raise InputError(
                _("the process that read it crashed ({reason}): it is damaged or malicious").format(
                    reason=printable(error)
                )
            ) from None
    try:
        answer = Answer.model_validate(result)
    except ValidationError:
        raise _no_answer() from None
    tensors, _metadata = map_tensors(output) if detect_format(output) is FileFormat.SAFETENSORS else ({}, {})
    if tensors.keys() != set(answer.names):
        raise _no_answer()
    return {name: tensors[name] for name in answer.names}, answer


def _no_answer() -> InputError:
    return InputError(_("the process that read it gave no answer: it is damaged or malicious"))
