"""Finds the globals of a pickle, its classes and functions, from its opcodes without running any."""

import pickletools
import re
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from explorer.weights.importing.safe_stubs import STUBS

_MAX_OPCODES = 1_000_000  # opcodes of a pickle to search
_OLD_PICKLES = 4  # pickles of the old format before the numbers: magic number, version, machine, content
OLD_MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # pickle of the magic number of the old format
# Globals that PyTorch allows. PyTorch decides; this list only serves the message about a refusal.
_HARMLESS = re.compile(
    r"collections\.(OrderedDict|Counter)|_codecs\.encode|builtins\.(set|bytearray|complex)|torch\._utils\._rebuild_\w+"
    r"|torch\._tensor\._rebuild_from_type_v2|torch\.storage\.\w+Storage|torch\.nn\.parameter\.Parameter"
    r"|torch\.serialization\._get_layout"
    r"|torch\.(\w*Storage|Size|device|Tensor|\w*int\d+\w*|b?float\w*|bool|complex\d+|double|half|per_\w+)"
)


def open_pickle(path: Path, pickle: str | None) -> IO[bytes]:
    """Opens a checkpoint's pickle at its beginning.

    Args:
        path: Path of the checkpoint.
        pickle: Name of the archive's pickle entry. None for the format before PyTorch 1.6.
    """
    if pickle is None:
        return path.open("rb")
    return zipfile.ZipFile(path).open(pickle)


def unusual_globals(path: Path, pickle: str | None) -> tuple[dict[str, str], bool]:
    """Returns the globals of a pickle other than plain data, in order, and whether the pickle is complete.

    It does not look up these names, and runs nothing.

    Args:
        path: Path of the checkpoint.
        pickle: Name of the archive's pickle entry, as in :func:`open_pickle`.

    Returns:
        The names in the file, each with its usual name, and True if the pickle is complete.
    """
    stubbed = {name for _stub, name in STUBS}
    names: dict[str, str] = {}
    with open_pickle(path, pickle) as file:
        try:
            for _part in range(_OLD_PICKLES if pickle is None else 1):
                for module, name in _globals(file):
                    full = _name(module, name)
                    if not _HARMLESS.fullmatch(full) and full not in stubbed:
                        names[f"{module}.{name}"] = full
        except Exception:  # noqa: BLE001  pickletools raises many kinds on damage
            return names, False
    return names, True


def _globals(file: IO[bytes]) -> Iterator[tuple[str, str]]:
    texts: list[str] = []  # the last two texts, because protocol 4 takes names from the stack
    memory: dict[int, str] = {}
    argument: Any
    for step, argument, _place in islice(pickletools.genops(file), _MAX_OPCODES):
        if step.name in ("GLOBAL", "INST"):
            module, name = str(argument).split(" ", 1)
            yield module, name
        elif step.name == "STACK_GLOBAL":
            module, name = texts
            yield module, name
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
    """Returns the usual full name.

    Protocol 2 uses names of Python 2, and ``os.system`` is ``posix.system`` or ``nt.system`` in a pickle.
    """
    module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
    return f"{'os' if module in ('posix', 'nt') else module}.{name}"
