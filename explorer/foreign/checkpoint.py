"""A file from elsewhere, whatever it is, as named tensors."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from explorer.errors import InputError, printable
from explorer.i18n import _


@dataclass(frozen=True)
class Checkpoint:
    """What a file from elsewhere holds, made safe.

    Attributes:
        tensors: by their names without wrappers and prefixes, on the CPU, mapped from a safetensors file.
        ordered: whether the order is that in which the file's maker registered them; safetensors files sort by name.
        beside: what stood beside the tensors, ready for JSON: ``{"epoch": 12, "classes": ["cat", "dog"]}``.
        ignored: names of what was left out: second copies, and whole states such as ``optimizer``.
        notes: what was opened, stripped and left out, in words.
    """

    tensors: dict[str, Tensor]
    ordered: bool
    beside: dict[str, Any]
    ignored: tuple[str, ...]
    notes: tuple[str, ...]


@contextmanager
def opened(path: Path, name: str) -> Iterator[Checkpoint]:
    """Open a checkpoint of any kind; temporary files are gone after the block.

    Args:
        path: of the file.
        name: what messages call the file.

    Raises:
        InputError: naming file and fault.
    """
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(_("{file}: {fault}").format(file=printable(name), fault=error)) from None
    yield Checkpoint(tensors, ordered=False, beside={}, ignored=(), notes=())
