"""The process that reads checkpoints, which says in its notes what else it could do.

``python -m explorer.workers.sandbox tests.helpers.fake_reader`` is ``explorer.weights.importing.reader`` with these
attempts. Unpickling and limits are the product's own.
"""

import json
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from explorer.weights import torchvision
from explorer.weights.importing import reader
from explorer.workers.progress import Progress
from explorer.workers.protocol import serve

ADDRESS = "STAND_IN_ADDRESS"
NEIGHBOUR = "neighbour"  # a file beside the one that is read
NAMESPACE = Path("/proc/self/ns/net")  # which network a process of Linux's is in


def redirect(name: str, address: str) -> None:
    """Let an entry's file come from another address."""
    weights = torchvision.choose(name).weights
    weights._value_ = replace(weights.value, url=address)


def attempts(file: Path, output: Path) -> dict[str, str]:
    """What came of what this process has no need of."""
    address = urlparse(os.environ[ADDRESS])
    outcomes = {"namespace": str(NAMESPACE.readlink()) if NAMESPACE.exists() else ""}
    tried: dict[str, Callable[[], object]] = {
        "read": file.with_name(NEIGHBOUR).read_bytes,
        "write": output.parent.with_name("elsewhere").touch,
        "change": lambda: file.write_bytes(b""),
        "link": lambda: output.with_name("link").symlink_to(file),
        "send": lambda: socket.create_connection((address.hostname, address.port), 1).close(),
        "run": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),  # noqa: S606
    }
    for name, attempt in tried.items():
        try:
            attempt()
            outcomes[name] = "done"
        except OSError as error:
            outcomes[name] = type(error).__name__
    return outcomes


def work(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Read the checkpoint, and try what this process has no need of."""
    answer = reader.work(request, progress)
    return answer | {"notes": [json.dumps(attempts(Path(request["path"]), Path(request["output"])))]}


if __name__ == "__main__":
    serve(work)
    os._exit(0)
