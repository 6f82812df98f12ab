"""torchvision's weights in two steps, a process each: they come as pickles, and what reads those has no network.

usage: python -m explorer.weights.torchvision_worker download WEIGHTS FILE
       python -m explorer.workers.sandbox explorer.weights.torchvision_worker read WEIGHTS FILE OUTPUT

Both print {"fault": why it can't be had, or null}.
"""

import json
import socket
import sys
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError
from urllib.error import URLError

import torch
import torchvision
from torch.hub import HASH_REGEX, download_url_to_file

import explorer
from explorer.families.building import AUXILIARY, build
from explorer.files import sha256
from explorer.i18n import _
from explorer.weights.files import save
from explorer.weights.torchvision import COPIES, LONGEST_READING, Source, choose
from explorer.workers import sandbox

TIMEOUT = 30.0  # seconds without an answer
SLACK = 512 * 2**20  # bytes beyond what has been imported and the file's copies


def main(step: str, name: str, *paths: str) -> None:
    """Do one of the steps and say how it went."""
    fault = None
    try:
        source, (file, *rest) = choose(name), map(Path, paths)
        if step == "download":
            download(source, file)
        else:
            read(source, file, *rest)
    except (OSError, HTTPException, RuntimeError, UnpicklingError, MemoryError) as error:
        reason = error.reason if type(error) is URLError else error  # its own words are about a "urlopen error"
        fault = " ".join(str(reason).split())[:1000] or type(error).__name__
    print(json.dumps({"fault": fault}))


def download(source: Source, file: Path) -> None:
    """Fetch the file as torchvision's loader does, checksum included, and leave it unread."""
    socket.setdefaulttimeout(TIMEOUT)
    file.parent.mkdir(parents=True, exist_ok=True)
    download_url_to_file(source.weights.url, str(file), _digest(file), progress=False)


def read(source: Source, file: Path, output: Path) -> None:
    """Make a weights file of it; this process can't do anything else afterwards."""
    sandbox.limit(memory=SLACK + COPIES * source.size, written=2 * source.size, seconds=round(LONGEST_READING))
    code = (explorer.__file__, torch.__file__, torchvision.__file__)  # more of it is imported later
    sandbox.confine(
        readable=(file, Path(sys.prefix), Path(sys.base_prefix), *(Path(path).parent for path in code)),
        writable=output.parent,
    )
    if not sha256(file).startswith(_digest(file) or ""):  # the loader checks what it downloads, and not what is there
        raise OSError(_("its checksum is wrong: it is cut short or another file"))
    tensors = source.weights.get_state_dict(
        model_dir=str(file.parent), progress=False, check_hash=True, weights_only=True, map_location="cpu"
    )
    ignored = tuple(key for key in tensors if AUXILIARY.fullmatch(key.partition(".")[0]))
    network = build(source.spec, "meta")
    # Counters of batches that old files lack are added here, as torchvision's networks do.
    network.load_state_dict({key: value for key, value in tensors.items() if key not in ignored}, assign=True)
    save(output, network.state_dict(), source.card(ignored))


def _digest(file: Path) -> str | None:
    """What its checksum begins with, by its name."""
    found = HASH_REGEX.search(file.name)
    return found and found[1]


if __name__ == "__main__":
    main(*sys.argv[1:])
