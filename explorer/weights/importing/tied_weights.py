"""Modules that a file holds twice: registered under two names, their tensors are saved under both.

In a pickle the two share memory. Once copied, between devices or into safetensors, only their values tell.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Set
from hashlib import blake2b

import torch
from torch import Tensor

from explorer.i18n import ngettext

SAMPLE = 64  # values that are compared first
DEPTH = 12  # of modules in each other


def second_copies(tensors: Mapping[str, Tensor]) -> Set[str]:
    """Names of all tensors in modules that repeat an earlier one: the same names inside, the same values.

    Only modules with a trained matrix or kernel count: equal biases, or batch norms as they began, are no copies.
    """
    same = _numbered(tensors)
    modules: dict[str, dict[str, int]] = {}
    for name, number in same.items():
        for end in range(1, min(name.count("."), DEPTH) + 1):
            parts = name.split(".")
            modules.setdefault(".".join(parts[:end]), {})[".".join(parts[end:])] = number
    first: dict[Hashable, str] = {}
    copies: dict[str, None] = {}
    for module, inside in modules.items():  # outer modules come before the ones in them
        names = [f"{module}.{name}" for name in inside]
        if any(name in copies for name in names):
            continue
        earlier = first.setdefault(frozenset(inside.items()), module)
        apart = not (module.startswith(f"{earlier}.") or earlier.startswith(f"{module}."))
        if earlier != module and apart and any(_is_telling(tensors[name]) for name in names):
            copies |= dict.fromkeys(names)
    return copies.keys()


def second_names(count: int) -> str:
    """The note on tensors that were left out as copies."""
    return ngettext(
        "{count} tensor stands in the file under a second name, which was left out",
        "{count} tensors stand in the file under a second name, which was left out",
        count,
    ).format(count=count)


def _numbered(tensors: Mapping[str, Tensor]) -> dict[str, int]:
    """A number for each tensor, the same for those that are equal, in one pass over each."""
    begins = {
        name: (tensor.shape, tensor.dtype, tuple(tensor.flatten()[:SAMPLE].tolist()))
        for name, tensor in tensors.items()
    }
    counts = Counter(begins.values())
    numbers: dict[Hashable, int] = {}
    # Hundreds of megabytes are hashed where the beginnings leave a doubt only.
    return {
        name: numbers.setdefault((begin, _digest(tensors[name]) if counts[begin] > 1 else b""), len(numbers))
        for name, begin in begins.items()
    }


def _digest(tensor: Tensor) -> bytes:
    return blake2b(tensor.detach().contiguous().flatten().view(torch.uint8).numpy().data).digest()


def _is_telling(tensor: Tensor) -> bool:
    """Whether equal values are no accident: not of a matrix that is still what it was set to."""
    return tensor.dim() > 1 and tensor.numel() > 1 and bool(tensor.min() != tensor.max())
