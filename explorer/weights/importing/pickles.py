"""Reads a pickle with PyTorch's weights-only unpickler. Runs in a process that may crash, never in the server."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.weights.importing.mapped import check_type
from explorer.weights.importing.pickle_globals import OLD_MAGIC, open_pickle, unusual_globals
from explorer.weights.importing.safe_stubs import register_stubs
from explorer.weights.importing.wrappers import holds_network

NETWORK_MODULES = ("torch.nn.modules.", "torchvision.models.")
SLACK = 2**20  # bytes by which small tensors may exceed the size of the file


def load(path: Path, pickle: str | None) -> object:
    """Loads a checkpoint on the CPU, mapped from the file if possible.

    Args:
        path: Path of the file.
        pickle: Name of the archive's pickle entry. None for the format before PyTorch 1.6.

    Raises:
        InputError: If PyTorch refuses it. Says why, but does not name the file.
    """
    try:
        return _loaded(path, pickle, ())[0]
    except Exception as error:  # noqa: BLE001  a hostile file can make PyTorch raise anything
        fault = error
    names, complete = unusual_globals(path, pickle)
    full_names = list(names.values())
    # Options are often objects of the training code. Their values are plain data, too.
    if names and complete:
        try:
            content, modules = _loaded(path, pickle, {*names, *full_names})  # PyTorch translates some names of Python 2
        except Exception as error:  # noqa: BLE001
            refusal = str(error)
            first = [full for name, full in names.items() if name in refusal or full in refusal]
            # Files before PyTorch 1.6 store networks with their source code.
            if not first and any(name.startswith(NETWORK_MODULES) for name in full_names):
                fault = InputError(_pickled_network(full_names))
            full_names = list(dict.fromkeys([*first, *full_names]))
        else:
            if not modules or holds_network(content):  # a pickled loss or head next to the network does no harm
                return content
            raise InputError(_pickled_network(full_names))
    raise InputError(_refusal(path, pickle, fault, full_names, complete=complete)) from None


def _loaded(path: Path, pickle: str | None, unknown: Iterable[str]) -> tuple[object, list[object]]:
    # PyTorch reads a path with this suffix as safetensors, so it gets an open file, which it can't map.
    source = path.open("rb") if path.suffix == ".safetensors" else path
    with register_stubs(unknown) as modules:
        content = torch.load(source, "cpu", weights_only=True, mmap=pickle is not None and source is path)
    return content, modules


def _pickled_network(names: list[str]) -> str:
    return _(
        "it holds a whole pickled network or a part of one, which can't be read without running code ({names}); where "
        "you trust it, load it with its own source and save its state_dict() with torch.save"
    ).format(names=_first_names(names))


def _first_names(names: list[str]) -> str:
    return ", ".join(shown(name) for name in names[:3])


def unshare(tensors: Mapping[str, Tensor], limit: int) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Returns the tensors, each with its own memory, and the names of tied copies: equal views of the same memory.

    Args:
        tensors: Tensors as PyTorch has loaded them.
        limit: Largest size of all tensors together in bytes.

    Raises:
        InputError: If the import does not support a tensor, or a tensor is larger than the file. Names it.
    """
    separate: dict[str, Tensor] = {}
    copies: list[str] = []
    seen: set[object] = set()
    memories: set[int] = set()
    total = 0
    for name, tensor in tensors.items():
        check_type(name, tensor)
        view = (
            tensor.untyped_storage().data_ptr(),
            tensor.storage_offset(),
            tensor.shape,
            tensor.stride(),
            tensor.dtype,
        )
        if tensor.numel() and view in seen:
            copies.append(name)
            continue
        seen.add(view)
        total += tensor.numel() * tensor.element_size()
        if total > limit:
            raise InputError(
                _("the tensor {name} claims to be {shape}, and the file doesn't hold that many numbers").format(
                    name=shown(name), shape=shown(tuple(tensor.shape))
                )
            )
        tensor = tensor.detach()
        if view[0] in memories or not tensor.is_contiguous():
            tensor = tensor.clone(memory_format=torch.contiguous_format)
        memories.add(view[0])
        separate[name] = tensor
    return separate, tuple(copies)


def _refusal(path: Path, pickle: str | None, error: Exception, names: list[str], *, complete: bool) -> str:
    if isinstance(error, MemoryError) or "allocate memory" in str(error):
        return _("it asks for more memory than a file of its size needs: it is damaged or malicious")
    if isinstance(error, InputError):
        return str(error)
    if names:
        return _(
            "reading it would run {names}, and the import runs no code of a file; save only the network's "
            "state_dict() with torch.save"
        ).format(names=_first_names(names))
    with open_pickle(path, pickle) as file:
        start = file.read(len(OLD_MAGIC))
    if start[1:2] > b"\2":
        return _("it is a pickle of protocol {protocol}, and torch.save writes 2; save it anew with torch.save").format(
            protocol=start[1]
        )
    if pickle is None and start != OLD_MAGIC:
        return _("it is a pickle that torch.save did not write; save the network's state_dict() with torch.save")
    if not complete or isinstance(error, EOFError) or "unexpected EOF" in str(error):
        return _("it ends too early: it was cut off; download or copy it again")
    return _("PyTorch's reader of weights refuses it: it is damaged or malicious; save the state_dict() anew")
