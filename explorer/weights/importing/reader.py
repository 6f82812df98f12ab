"""Turns a pickled checkpoint into a safetensors file, in a process of its own that has given up all it doesn't need.

usage: python -m explorer.workers.sandbox explorer.weights.importing.reader        see explorer.workers.protocol

The request is what :func:`answer` takes, the result what ``conversion.Answer`` lists.
"""

import os
import sys
from pathlib import Path
from typing import Any

import explorer
from explorer.errors import InputError
from explorer.i18n import _
from explorer.weights.importing.kinds import MAX_HEADER, archive_pickle
from explorer.weights.importing.wrappers import unwrap
from explorer.workers import sandbox
from explorer.workers.progress import Progress
from explorer.workers.protocol import serve

BEGUN = "begun"  # an empty file beside the output


def answer(path: Path, output: Path, archive: bool, memory: int, seconds: int) -> dict[str, Any]:
    """Convert; this process can't do anything else afterwards.

    From the moment on that the checkpoint is read there is a file :data:`BEGUN`: what fails then is its fault.

    Raises:
        InputError: saying what is wrong with the file, without its name.
    """
    try:
        path.open("rb").close()
    except OSError as error:  # with the network went root's right to open the files of others
        raise InputError(
            _("the process that reads it can't open it: {reason}; copy it, so that it is yours").format(
                reason=error.strerror
            )
        ) from None
    pickle = archive_pickle(path) if archive else None
    # Slow to import, and archives that are no checkpoints don't need it.
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    from explorer.weights.importing import pickles, tied_weights

    size = path.stat().st_size
    most = 2 * size + pickles.SLACK
    sandbox.limit(memory=memory, written=most + MAX_HEADER, seconds=seconds)
    code = (explorer.__file__, torch.__file__)  # more of it is imported later
    sandbox.confine(
        readable=(path, Path(sys.prefix), Path(sys.base_prefix), *(Path(file).parent for file in code)),
        writable=output.parent,
    )
    output.with_name(BEGUN).touch()
    found = unwrap(pickles.load(path, pickle))
    tensors, second = pickles.whole(found.tensors, most)
    try:
        save_file(tensors, output)
    except (OSError, SafetensorError) as error:
        raise InputError(_("its copy as safetensors can't be written: {reason}").format(reason=error)) from None
    return {
        "names": list(tensors),
        "beside": found.beside,
        "ignored": [*found.ignored, *second],
        "notes": [*found.notes, *([tied_weights.second_names(len(second))] if second else [])],
    }


def work(request: dict[str, Any], _progress: Progress) -> dict[str, Any]:
    """Answer one request; what breaks down once the checkpoint is being read is a fault of the checkpoint.

    Raises:
        InputError: As of :func:`answer`.
    """
    output = Path(request["output"])
    try:
        return answer(**request | {"path": Path(request["path"]), "output": output})
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
            _("PyTorch makes no tensors of it ({kind}): it is damaged, or built to do harm").format(kind=kind)
        ) from None


if __name__ == "__main__":
    serve(work)
    os._exit(0)  # a million objects would be taken apart one by one
