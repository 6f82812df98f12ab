"""The process that reads checkpoints; it also tries forbidden actions and reports the outcomes in its notes.

``python -m explorer.workers.sandbox tests.helpers.fake_reader`` runs ``explorer.weights.importing.reader`` and these
attempts, with the real unpickler and the real limits.
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
NEIGHBOUR = "neighbour"  # a file next to the checkpoint
NAMESPACE = Path("/proc/self/ns/net")  # the network namespace of this process


def redirect(name: str, address: str) -> None:
    """Change the address from which a file of torchvision is downloaded."""
    weights = torchvision.find_weights(name).weights
    weights._value_ = replace(weights.value, url=address)


def attempts(file: Path, output: Path) -> dict[str, str]:
    """The outcome of each forbidden action: ``done``, or the name of the error."""
    address = urlparse(os.environ[ADDRESS])
    outcomes = {"namespace": str(NAMESPACE.readlink()) if NAMESPACE.exists() else ""}
    actions: dict[str, Callable[[], object]] = {
        "read": file.with_name(NEIGHBOUR).read_bytes,
        "write": output.parent.with_name("elsewhere").touch,
        "change": lambda: file.write_bytes(b""),
        "link": lambda: output.with_name("link").symlink_to(file),
        "send": lambda: socket.create_connection((address.hostname, address.port), 1).close(),
        "run": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),  # noqa: S606
    }
    for name, act in actions.items():
        try:
            act()
            outcomes[name] = "done"
        except OSError as error:
            outcomes[name] = type(error).__name__
    return outcomes


def work(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Read the checkpoint, and try the forbidden actions."""
    answer = reader.work(request, progress)
    return answer | {"notes": [json.dumps(attempts(Path(request["path"]), Path(request["output"])))]}


if __name__ == "__main__":
    serve(work)
    os._exit(0)
