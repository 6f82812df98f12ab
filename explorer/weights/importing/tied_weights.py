"""Tied weights: modules registered under two names, so that a file holds their tensors twice.

In a pickle the two copies share memory. After a copy to another device or into safetensors, only their values
are equal.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Set
from hashlib import blake2b

import torch
from torch import Tensor

from explorer.i18n import ngettext

SAMPLE = 64  # values to compare first
DEPTH = 12  # levels of nested modules to search


def tied_copies(tensors: Mapping[str, Tensor]) -> Set[str]:
    """Returns the names of all tensors in modules that repeat an earlier module, with equal inner names and values.

    Only modules with a trained matrix or kernel count. Equal biases or untrained batch norms are not copies.
    """
    same = _numbered(tensors)
    modules: dict[str, dict[str, int]] = {}
    for name, number in same.items():
        for end in range(1, min(name.count("."), DEPTH) + 1):
            parts = name.split(".")
            modules.setdefault(".".join(parts[:end]), {})[".".join(parts[end:])] = number
    first: dict[Hashable, str] = {}
    copies: dict[str, None] = {}
    for module, inside in modules.items():  # outer modules come before inner ones
        names = [f"{module}.{name}" for name in inside]
        if any(name in copies for name in names):
            continue
        earlier = first.setdefault(frozenset(inside.items()), module)
        is_nested = module.startswith(f"{earlier}.") or earlier.startswith(f"{module}.")
        if earlier != module and not is_nested and any(_is_distinctive(tensors[name]) for name in names):
            copies |= dict.fromkeys(names)
    return copies.keys()


def tied_note(count: int) -> str:
    """Returns the note about tensors that were left out as copies."""
    return ngettext(
        "{count} tensor is in the file under a second name, which was left out",
        "{count} tensors are in the file under a second name, which was left out",
        count,
    ).format(count=count)


def _numbered(tensors: Mapping[str, Tensor]) -> dict[str, int]:
    """Numbers the tensors so that equal tensors have equal numbers."""
    beginnings = {
        name: (tensor.shape, tensor.dtype, tuple(tensor.flatten()[:SAMPLE].tolist()))
        for name, tensor in tensors.items()
    }
    counts = Counter(beginnings.values())
    numbers: dict[Hashable, int] = {}
    # Tensors are often hundreds of megabytes, so they are hashed only if their first values are equal.
    return {
        name: numbers.setdefault((beginning, _digest(tensors[name]) if counts[beginning] > 1 else b""), len(numbers))
        for name, beginning in beginnings.items()
    }


def _digest(tensor: Tensor) -> bytes:
    return blake2b(tensor.detach().contiguous().flatten().view(torch.uint8).numpy().data).digest()


def _is_distinctive(tensor: Tensor) -> bool:
    """Returns whether equal values prove a copy. A bias, or a matrix of one constant, may be equal by coincidence."""
    return tensor.dim() > 1 and tensor.numel() > 1 and bool(tensor.min() != tensor.max())
