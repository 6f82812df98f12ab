"""Reading a pickle with PyTorch's weights-only unpickler: in a process that may be lost, never in the server."""

import pickletools
import re
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy
import torch
from torch import Tensor

from explorer.errors import InputError, shown
from explorer.foreign.mapped import check_kind
from explorer.i18n import _

SLACK = 2**20  # bytes by which small tensors may exceed the file

_MOST_STEPS = 1_000_000  # of a pickle that are looked through for what it calls
_OLD_FORMAT = 4  # pickles before the numbers: mark, version, machine, content
_OLD_START = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # the mark, pickled
# What PyTorch itself allows; all else it names, and these lines only word what it has refused.
_HARMLESS = re.compile(
    r"collections\.(OrderedDict|Counter)|_codecs\.encode|builtins\.(set|bytearray|complex)|torch\._utils\._rebuild_\w+"
    r"|torch\._tensor\._rebuild_from_type_v2|torch\.storage\.\w+Storage|torch\.nn\.parameter\.Parameter"
    r"|torch\.serialization\._get_layout"
    r"|torch\.(\w*Storage|Size|device|Tensor|\w*int\d+\w*|b?float\w*|bool|complex\d+|double|half|per_\w+)"
)


class _Settings(dict[str, Any]):
    """In place of ``argparse.Namespace``: its values, and nothing that could run."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.update(state)


class _Opaque:
    """In place of a class whose values are of no use here."""

    def __new__(cls, *_values: object) -> "_Opaque":
        return super().__new__(cls)

    def __setstate__(self, _state: object) -> None:
        """Nothing of it is kept."""


class _Dtype:
    """In place of ``numpy.dtype``."""

    def __init__(self, code: str, *_options: object) -> None:
        self.code = code

    def __setstate__(self, _state: object) -> None:
        """Byte order and alignment of a single number of this machine's are known."""


def _number(dtype: _Dtype, content: bytes) -> float | int | bool:
    """In place of ``numpy.core.multiarray.scalar``: best accuracies are often NumPy's numbers."""
    if not isinstance(content, bytes) or dtype.code[:1] not in ("f", "i", "u", "b"):
        raise ValueError(_("a number of NumPy's is damaged"))
    number: float | int | bool = numpy.frombuffer(content, dtype.code)[0].item()
    return number


# What checkpoints hold often beside tensors, and PyTorch knows nothing of. Looked up by name alone: no module of the
# file's choice is ever imported.
_STAND_INS: list[tuple[Callable[..., Any], str]] = [
    (_Settings, "argparse.Namespace"),
    (_Dtype, "numpy.dtype"),
    (_number, "numpy.core.multiarray.scalar"),
    (_number, "numpy._core.multiarray.scalar"),
    (_Opaque, "numpy.core.multiarray._reconstruct"),
    (_Opaque, "numpy._core.multiarray._reconstruct"),
    (_Opaque, "numpy.ndarray"),
    (_Opaque, "torch.torch_version.TorchVersion"),
    (_Opaque, "pathlib.PosixPath"),
    (_Opaque, "pathlib._local.PosixPath"),
    (_Opaque, "pathlib.WindowsPath"),
]


def load(path: Path, pickle: str | None) -> object:
    """What a checkpoint holds, on the CPU, mapped from the file where that can be.

    Args:
        path: of the file.
        pickle: the archive's entry that says what the rest is; None for the format before PyTorch 1.6.

    Raises:
        InputError: saying why PyTorch refuses it; without the file's name.
    """
    # PyTorch takes a path with this ending for what the name says, and maps nothing but paths.
    source = path.open("rb") if path.suffix == ".safetensors" else path
    try:
        with torch.serialization.safe_globals([*_STAND_INS]):
            return torch.load(source, "cpu", weights_only=True, mmap=pickle is not None and source is path)
    except Exception as error:  # noqa: BLE001  a hostile file can make PyTorch raise anything
        raise InputError(_refusal(path, pickle, error)) from None


def whole(tensors: Mapping[str, Tensor], most: int) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The tensors, each with memory of its own, and the names of second copies: of the same memory seen the same way.

    Args:
        tensors: as PyTorch loaded them.
        most: bytes that all may have together.

    Raises:
        InputError: naming a tensor of a kind that the import doesn't read, or that is larger than the file.
    """
    kept: dict[str, Tensor] = {}
    copies: list[str] = []
    seen: set[object] = set()
    memories: set[int] = set()
    total = 0
    for name, tensor in tensors.items():
        check_kind(name, tensor)
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
        if total > most:
            raise InputError(
                _("the tensor {name} claims to be {shape}, and the file doesn't hold that many numbers").format(
                    name=shown(name), shape=shown(tuple(tensor.shape))
                )
            )
        tensor = tensor.detach()
        if view[0] in memories or not tensor.is_contiguous():
            tensor = tensor.clone(memory_format=torch.contiguous_format)
        memories.add(view[0])
        kept[name] = tensor
    return kept, tuple(copies)


def _refusal(path: Path, pickle: str | None, error: Exception) -> str:
    if isinstance(error, MemoryError) or "allocate memory" in str(error):
        return _("it asks for more memory than a file of its size needs: it is damaged, or built to do harm")
    called, ended = _called(path, pickle)
    listed = ", ".join(shown(name) for name in called[:3])
    if any(name.startswith(("torch.nn.modules.", "torchvision.models.")) for name in called):
        return _(
            "it is a whole pickled network, which can't be read without running code ({names}); where you trust it, "
            "load it with its own source and save its state_dict() with torch.save"
        ).format(names=listed)
    if called:
        return _(
            "reading it would run {names}, and the import runs nothing of a file; save the network's state_dict() "
            "alone with torch.save"
        ).format(names=listed)
    with _opened(path, pickle) as file:
        start = file.read(len(_OLD_START))
    if start[1:2] > b"\2":
        return _("it is a pickle of protocol {protocol}, and torch.save writes 2; save it anew with torch.save").format(
            protocol=start[1]
        )
    if pickle is None and start != _OLD_START:
        return _("it is a pickle that torch.save did not write; save the network's state_dict() with torch.save")
    if not ended or isinstance(error, EOFError) or "unexpected EOF" in str(error):
        return _("it ends too early: it was cut off; download or copy it again")
    reason = str(error).rpartition("WeightsUnpickler error:")[2].strip().partition("\n")[0]
    return _("PyTorch can't read it: {reason}").format(reason=reason[:200])


def _opened(path: Path, pickle: str | None) -> IO[bytes]:
    if pickle is None:
        return path.open("rb")
    return zipfile.ZipFile(path).open(pickle)


def _called(path: Path, pickle: str | None) -> tuple[list[str], bool]:
    """What a pickle asks for beyond plain data, in its order, and whether it has an end.

    Nothing is looked up by these names, and nothing runs.
    """
    known = {name for _made, name in _STAND_INS}
    names: dict[str, None] = {}
    with _opened(path, pickle) as file:
        try:
            for _part in range(_OLD_FORMAT if pickle is None else 1):
                for name in _globals(file):
                    if not _HARMLESS.fullmatch(name) and name not in known:
                        names[name] = None
        except Exception:  # noqa: BLE001  whatever pickletools raises on damage
            return list(names), False
    return list(names), True


def _globals(file: IO[bytes]) -> Iterator[str]:
    texts: list[str] = []  # the latest, as protocol 4 takes names from the stack
    memory: dict[int, str] = {}
    argument: Any
    for step, argument, _place in islice(pickletools.genops(file), _MOST_STEPS):
        if step.name in ("GLOBAL", "INST"):
            yield _name(*str(argument).split(" ", 1))
        elif step.name == "STACK_GLOBAL":
            yield _name(*texts)
        elif step.name == "MEMOIZE":
            memory[len(memory)] = texts[-1] if texts else ""
        elif step.name in ("BINPUT", "LONG_BINPUT", "PUT"):
            memory[int(argument)] = texts[-1] if texts else ""
        elif step.name in ("BINGET", "LONG_BINGET", "GET"):
            texts.append(memory.get(int(argument), ""))
        elif isinstance(argument, str):
            texts.append(argument)
        del texts[:-2]


def _name(module: str, name: str) -> str:
    """The full name as people know it: protocol 2 writes those of Python 2, and ``os.system`` has another module."""
    module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
    return f"{'os' if module in ('posix', 'nt') else module}.{name}"
