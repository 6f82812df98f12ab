"""Pickle globals: the classes and functions that a pickle refers to, found from its opcodes without running any."""

import pickletools
import re
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from explorer.weights.importing.safe_stubs import KNOWN

_MOST_STEPS = 1_000_000  # most opcodes of a pickle to search
_OLD_FORMAT = 4  # pickles before the numbers: magic number, version, machine, content
OLD_START = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # the magic number, pickled
# Globals that PyTorch allows. PyTorch makes the decision; this list only serves the message about a refusal.
_HARMLESS = re.compile(
    r"collections\.(OrderedDict|Counter)|_codecs\.encode|builtins\.(set|bytearray|complex)|torch\._utils\._rebuild_\w+"
    r"|torch\._tensor\._rebuild_from_type_v2|torch\.storage\.\w+Storage|torch\.nn\.parameter\.Parameter"
    r"|torch\.serialization\._get_layout"
    r"|torch\.(\w*Storage|Size|device|Tensor|\w*int\d+\w*|b?float\w*|bool|complex\d+|double|half|per_\w+)"
)


def content(path: Path, pickle: str | None) -> IO[bytes]:
    """Opens a checkpoint's pickle at its beginning.

    Args:
        path: Path of the checkpoint.
        pickle: Name of the archive's pickle entry. None for the format before PyTorch 1.6.
    """
    if pickle is None:
        return path.open("rb")
    return zipfile.ZipFile(path).open(pickle)


def unusual(path: Path, pickle: str | None) -> tuple[dict[str, str], bool]:
    """Returns the globals of a pickle beyond plain data, in order, and whether the pickle is complete.

    Nothing is looked up by these names, and nothing runs.

    Args:
        path: Path of the checkpoint.
        pickle: Name of the archive's pickle entry, as in :func:`content`.

    Returns:
        The names in the file, each with its usual name, and True if the pickle is complete.
    """
    known = {name for _made, name in KNOWN}
    names: dict[str, str] = {}
    with content(path, pickle) as file:
        try:
            for _part in range(_OLD_FORMAT if pickle is None else 1):
                for module, name in _globals(file):
                    full = _name(module, name)
                    if not _HARMLESS.fullmatch(full) and full not in known:
                        names[f"{module}.{name}"] = full
        except Exception:  # noqa: BLE001  whatever pickletools raises on damage
            return names, False
    return names, True


def _globals(file: IO[bytes]) -> Iterator[tuple[str, str]]:
    texts: list[str] = []  # the latest texts, because protocol 4 takes names from the stack
    memory: dict[int, str] = {}
    argument: Any
    for step, argument, _place in islice(pickletools.genops(file), _MOST_STEPS):
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

    Protocol 2 writes names of Python 2, and ``os.system`` is written as ``posix.system`` or ``nt.system``.
    """
    module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
    return f"{'os' if module in ('posix', 'nt') else module}.{name}"
