"""From a pickled checkpoint to a safetensors file, by a process that nobody needs to trust."""

from pathlib import Path
from threading import Lock
from typing import Annotated

import psutil
from pydantic import BaseModel, Field, JsonValue, ValidationError
from torch import Tensor

from explorer.errors import ExplorerError, InputError, printable
from explorer.i18n import _
from explorer.weights.importing.kinds import Kind, kind_of
from explorer.weights.importing.mapped import mapped
from explorer.weights.importing.reader import BEGUN
from explorer.weights.importing.wrappers import MAX_TENSORS
from explorer.workers import subprocess_runner
from explorer.workers.progress import Progress, silent
from explorer.workers.subprocess_runner import Limits, NoAnswerError, WorkerError

READER = "explorer.weights.importing.reader"
LONGEST = 180  # seconds for 4 GB from a slow disk
BASE_MEMORY = 512 * 2**20  # bytes beyond PyTorch itself that a file of any size may take
TORCH_MEMORY = 768 * 2**20  # bytes that PyTorch itself takes, in its build for CUDA
COPIES = 3  # of the file: mapped or read, taken apart, one to spare
KILLED = -9  # status of a process that the system has stopped for want of memory

_one_at_a_time = Lock()  # several large files at once would fill the machine's memory

Text = Annotated[str, Field(max_length=2_000)]


class Answer(BaseModel):
    """What the process says about the file that it wrote."""

    names: Annotated[list[Text], Field(min_length=1, max_length=MAX_TENSORS)] = []
    beside: dict[Text, JsonValue] = {}
    ignored: tuple[Text, ...] = ()
    notes: Annotated[tuple[Text, ...], Field(max_length=100)] = ()


def most_memory(path: Path) -> int:
    """Bytes that the process may take for a file."""
    return TORCH_MEMORY + BASE_MEMORY + COPIES * path.stat().st_size


def convert(path: Path, kind: Kind, output: Path, progress: Progress = silent) -> tuple[dict[str, Tensor], Answer]:
    """Write the network of a checkpoint as safetensors, and map it.

    Args:
        path: The checkpoint.
        kind: The kind of the checkpoint.
        output: The file to write, in a folder of its own that the process may fill.
        progress: Called several times a second. What it raises ends the process.

    Returns:
        The tensors by their names, in their order, mapped from the output, and what the process says about them.

    Raises:
        InputError: saying what is wrong with the file, without its name.
        ExplorerError: where the fault is this machine's: it is short of memory, or the process can't begin to read.
    """
    limit = most_memory(path)

    request = {
        "path": str(path.resolve()),
        "output": str(output.resolve()),
        "archive": kind is Kind.ZIP,
        "memory": limit - TORCH_MEMORY,
        "seconds": LONGEST,
    }
    with subprocess_runner.locked(_one_at_a_time):
        if limit > (free := psutil.virtual_memory().available):
            raise ExplorerError(
                _("reading it may take {needed:.1f} GB of memory, and {free:.1f} GB are free on this machine").format(
                    needed=limit / 1e9, free=free / 1e9
                )
            )
        try:
            answer = subprocess_runner.call(READER, request, Limits(LONGEST, limit), progress, confined=output.parent)
        except NoAnswerError:
            raise _no_answer() from None
        except WorkerError as error:
            if error.status == KILLED or not output.with_name(BEGUN).exists():
                raise
            raise InputError(
                _("the process that read it broke down ({reason}): it is damaged, or built to do harm").format(
                    reason=printable(error)
                )
            ) from None
    checked = _checked(answer)
    tensors, _metadata = mapped(output) if kind_of(output) is Kind.SAFETENSORS else ({}, {})
    if tensors.keys() != set(checked.names):
        raise _no_answer()
    return {name: tensors[name] for name in checked.names}, checked


def _no_answer() -> InputError:
    return InputError(_("the process that read it gave no answer: it is damaged, or built to do harm"))


def _checked(found: JsonValue) -> Answer:
    """The answer of a process that may have been taken over.

    Raises:
        InputError: It has another form.
    """
    try:
        answer = Answer.model_validate(found)
    except ValidationError:
        raise _no_answer() from None
    return answer.model_copy(
        update={
            "ignored": tuple(map(printable, answer.ignored)),
            "notes": tuple(map(printable, answer.notes)),
        }
    )
