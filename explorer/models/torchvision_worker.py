"""Makes a weights file of torchvision's weights, in a process of its own: what they come as is a pickle.

usage: python -m explorer.models.torchvision_worker WEIGHTS FILE        prints {"fault": why it can't be had, or null}
"""

import hashlib
import json
import socket
import sys
from contextlib import redirect_stdout
from http.client import HTTPException
from io import StringIO
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from urllib.error import URLError

from torch.hub import HASH_REGEX

from explorer.i18n import _
from explorer.models import AUXILIARY, build
from explorer.models.torchvision_weights import Source, choose
from explorer.models.weights import save

TIMEOUT = 30.0  # seconds without an answer


def main(name: str, file: str) -> None:
    """Write the file and say how it went."""
    source = choose(name)
    try:
        with redirect_stdout(StringIO()):  # the loader says there what it downloads
            tensors = _tensors(source)
    except (OSError, HTTPException, RuntimeError, UnpicklingError) as error:
        reason = error.reason if type(error) is URLError else error  # its own words are about a "urlopen error"
        print(json.dumps({"fault": str(reason) or type(error).__name__}))
        return
    ignored = tuple(key for key in tensors if AUXILIARY.fullmatch(key.partition(".")[0]))
    network = build(source.spec, "meta")
    # Counters of batches that old files lack are added here, as torchvision's networks do.
    network.load_state_dict({key: value for key, value in tensors.items() if key not in ignored}, assign=True)
    save(Path(file), network.state_dict(), source.card(ignored))
    print(json.dumps({"fault": None}))


def _tensors(source: Source) -> dict[str, Any]:
    socket.setdefaulttimeout(TIMEOUT)
    if source.download.exists():
        _check(source.download)  # the loader checks what it downloads, and not what is there
    found: dict[str, Any] = source.weights.get_state_dict(
        progress=False, check_hash=True, weights_only=True, map_location="cpu"
    )
    return found


def _check(file: Path) -> None:
    wanted = HASH_REGEX.search(file.name)
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if wanted and not found.startswith(wanted[1]):
        raise OSError(_("its checksum is wrong: it is cut short or another file"))


if __name__ == "__main__":
    main(*sys.argv[1:])
