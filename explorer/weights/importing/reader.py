"""Converts a pickled checkpoint to a safetensors file, in a process that has given up all rights that it doesn't need.

usage: python -m explorer.workers.sandbox explorer.weights.importing.reader        see explorer.workers.protocol

The request has the arguments of :func:`convert`, the result the fields of ``conversion.Answer``.
"""

import os
import sys
from pathlib import Path
from typing import Any

import explorer
from explorer.errors import InputError
from explorer.i18n import _
from explorer.weights.importing.file_formats import MAX_HEADER, archive_pickle
from explorer.weights.importing.wrappers import unwrap
from explorer.workers import sandbox
from explorer.workers.progress import Progress
from explorer.workers.protocol import serve

BEGUN = "begun"  # name of an empty file next to the output


def convert(path: Path, output: Path, archive: bool, memory: int, seconds: int) -> dict[str, Any]:
    """Converts a checkpoint. Afterwards this process can't do anything else.

    It creates the file :data:`BEGUN` before it reads the checkpoint. Later failures are the fault of the checkpoint.

    Args:
        path: Path of the checkpoint.
        output: Path of the new file.
        archive: Whether the checkpoint is a zip archive.
        memory: Limit of memory in bytes, on top of the present use.
        seconds: Limit of CPU time.

    Raises:
        InputError: If something is wrong with the file. Says what, but does not name the file.
    """
    try:
        path.open("rb").close()
    except OSError as error:  # without the network, root can't open files of others
        raise InputError(
            _("the process that reads it can't open it: {reason}; copy it, so that you own it").format(
                reason=error.strerror
            )
        ) from None
    pickle = archive_pickle(path) if archive else None
    # Imported here because they are slow, and not needed for other archives.
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    from explorer.weights.importing import pickles, tied_weights

    size = path.stat().st_size
    limit = 2 * size + pickles.SLACK
    sandbox.limit(memory=memory, written=limit + MAX_HEADER, seconds=seconds)
    code = (explorer.__file__, torch.__file__)  # more modules are imported later
    sandbox.confine(
        readable=(path, Path(sys.prefix), Path(sys.base_prefix), *(Path(file).parent for file in code)),
        writable=output.parent,
    )
    output.with_name(BEGUN).touch()
    unwrapped = unwrap(pickles.load(path, pickle))
    tensors, copies = pickles.unshare(unwrapped.tensors, limit)
    try:
        save_file(tensors, output)
    except (OSError, SafetensorError) as error:
        raise InputError(_("its copy as safetensors can't be written: {reason}").format(reason=error)) from None
    return {
        "names": list(tensors),
        "beside": unwrapped.metadata,
        "ignored": [*unwrapped.ignored, *copies],
        "notes": [*unwrapped.notes, *([tied_weights.tied_note(len(copies))] if copies else [])],
    }


def work(request: dict[str, Any], _progress: Progress) -> dict[str, Any]:
    """Answers a request. Any error during reading becomes an error of the checkpoint.

    Raises:
        InputError: As for :func:`convert`.
    """
    output = Path(request["output"])
    try:
        return convert(**request | {"path": Path(request["path"]), "output": output})
    except InputError:
        raise
    except MemoryError:
        if not output.with_name(BEGUN).exists():
            raise
        raise InputError(_("it asks for more memory than a file of its size needs")) from None
    except Exception as error:
        if not output.with_name(BEGUN).exists():
            raise
        kind = type(error).__name__
        raise InputError(
            _("PyTorch makes no tensors of it ({kind}): it is damaged or malicious").format(kind=kind)
        ) from None


if __name__ == "__main__":
    serve(work)
    os._exit(0)  # without freeing a million objects one by one
