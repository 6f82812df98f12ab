"""Turns a pickled checkpoint into a safetensors file, in a process of its own that has given up all it doesn't need.

usage: python -m explorer.weights.importing.reader        what to read, and where to, as JSON on standard input

On standard output: ``{"fault": …}``, or what ``conversion.Answer`` lists.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import explorer
from explorer.errors import InputError
from explorer.i18n import _, use_language
from explorer.weights.importing.kinds import MAX_HEADER, archive_pickle
from explorer.weights.importing.wrappers import unwrap
from explorer.workers import sandbox

BEGUN = "begun"  # an empty file beside the output


def answer(path: Path, output: Path, archive: bool, memory: int, seconds: int) -> dict[str, Any]:
    """Convert; this process can't do anything else afterwards.

    From the moment on that the checkpoint is read there is a file :data:`BEGUN`: what fails then is its fault.

    Raises:
        InputError: saying what is wrong with the file, without its name.
    """
    sandbox.leave_network()
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


def main() -> None:
    """Answer one request."""
    asked = json.load(sys.stdin)
    use_language(asked.pop("language"))
    path, output = Path(asked.pop("path")), Path(asked.pop("output"))
    try:
        done = answer(path, output, **asked)
    except InputError as error:
        done = {"fault": str(error)}
    except MemoryError:
        if not output.with_name(BEGUN).exists():
            raise
        done = {"fault": _("it asks for more memory than a file of its size needs")}
    except Exception as error:
        if not output.with_name(BEGUN).exists():
            raise
        kind = type(error).__name__
        done = {
            "fault": _("PyTorch makes no tensors of it ({kind}): it is damaged, or built to do harm").format(kind=kind)
        }
    print(json.dumps(done), flush=True)
    os._exit(0)  # a million objects would be taken apart one by one


if __name__ == "__main__":
    main()
