"""Files as other people's programs write them."""

import gc
import json
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch


class Calls:
    """An object whose pickle lets the reader call a function."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.arguments


def network() -> dict[str, torch.Tensor]:
    """A state dict that is not in alphabetical order."""
    torch.manual_seed(0)
    return {"stem.weight": torch.randn(4, 3, 3, 3), "fc.weight": torch.randn(10, 4), "fc.bias": torch.randn(10)}


def save(path: Path, content: object, *, old: bool = False) -> Path:
    """Save as ``torch.save`` does, or as it did before PyTorch 1.6."""
    # The old format reads the source of the classes. CPython 3.11 fails to parse it if a finalizer runs meanwhile
    # (https://github.com/python/cpython/issues/106905).
    gc.collect()
    torch.save(content, path, _use_new_zipfile_serialization=not old)
    return path


def old_format(content: bytes) -> bytes:
    """A checkpoint in the old format around the bytes of a pickle, without tensors."""
    machine = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    before = [pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, machine)]
    return b"".join([*before, content, pickle.dumps([], 2)])


def archive(path: Path, entries: Mapping[str, bytes], packing: int = zipfile.ZIP_STORED) -> Path:
    """A zip archive."""
    with zipfile.ZipFile(path, "w", packing) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return path


def safetensors(header: object, numbers: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + numbers
