"""From a pickled checkpoint to a safetensors file, by a process that nobody needs to trust."""

import json
from pathlib import Path
from threading import Lock
from typing import Annotated

import psutil
from pydantic import BaseModel, Field, JsonValue, ValidationError

from explorer.errors import ExplorerError, InputError, printable
from explorer.i18n import _, language
from explorer.weights.importing.kinds import Kind
from explorer.weights.importing.reader import BEGUN
from explorer.weights.importing.wrappers import MAX_TENSORS
from explorer.workers import sandbox
from explorer.workers import subprocess_runner as beside

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
    fault: Text | None = None


def most_memory(path: Path) -> int:
    """Bytes that the process may take for a file."""
    return TORCH_MEMORY + BASE_MEMORY + COPIES * path.stat().st_size


def convert(path: Path, kind: Kind, output: Path) -> Answer:
    """Write the network of a checkpoint as safetensors.

    Args:
        path: of the checkpoint.
        kind: of it.
        output: file to write, in a folder of its own that the process may fill.

    Raises:
        InputError: saying what is wrong with the file, without its name.
        ExplorerError: where the fault is this machine's: it is short of memory, or the process can't begin to read.
    """
    limit = most_memory(path)

    def watch(_seconds: float, used: int) -> None:
        if used > limit:
            raise InputError(
                _("reading it took more than {limit:.1f} GB of memory and was stopped").format(limit=limit / 1e9)
            )

    asked = {
        "path": str(path.resolve()),
        "output": str(output.resolve()),
        "archive": kind is Kind.ZIP,
        "memory": limit - TORCH_MEMORY,
        "seconds": LONGEST,
        "language": language(),
    }
    with beside.turn(_one_at_a_time):
        if limit > (free := psutil.virtual_memory().available):
            raise ExplorerError(
                _("reading it may take {needed:.1f} GB of memory, and {free:.1f} GB are free on this machine").format(
                    needed=limit / 1e9, free=free / 1e9
                )
            )
        try:
            text = beside.run(
                "explorer.weights.importing.reader",
                text=json.dumps(asked),
                longest=LONGEST,
                watch=watch,
                environment=sandbox.environment(output.parent),
            )
        except beside.WorkerError as error:
            if error.status == KILLED or not output.with_name(BEGUN).exists():
                raise
            raise InputError(
                _("the process that read it broke down ({reason}): it is damaged, or built to do harm").format(
                    reason=printable(error)
                )
            ) from None
    return _checked(text)


def _checked(text: str) -> Answer:
    """The answer of a process that may have been taken over.

    Raises:
        InputError: that it worded, or where it worded nothing.
    """
    try:
        answer = Answer.model_validate_json(text)
    except ValidationError:
        raise InputError(_("the process that read it gave no answer: it is damaged, or built to do harm")) from None
    if answer.fault is not None:
        raise InputError(printable(answer.fault))
    return answer.model_copy(
        update={
            "ignored": tuple(map(printable, answer.ignored)),
            "notes": tuple(map(printable, answer.notes)),
        }
    )
