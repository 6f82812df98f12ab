"""The processes that fetch torchvision's weights, for entries whose file comes from an address in the environment.

``python -m tests.helpers.fake_torchvision_worker`` is ``explorer.weights.torchvision_worker`` with two changes: the
address, and that the process that reads puts on the card what else it could do. Loader, cache, checksum and unpickling
are torchvision's and PyTorch's own.
"""

import os
import socket
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlparse

from torch import Tensor

from explorer.weights import torchvision, torchvision_worker
from explorer.weights.files import Card

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
    for name, attempt in {
        "read": file.with_name(NEIGHBOUR).read_bytes,
        "write": output.parent.with_name("elsewhere").touch,
        "change": lambda: file.write_bytes(b""),
        "link": lambda: output.with_name("link").symlink_to(file),
        "send": lambda: socket.create_connection((address.hostname, address.port), 1).close(),
        "run": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),  # noqa: S606
    }.items():
        try:
            attempt()
            outcomes[name] = "done"
        except OSError as error:
            outcomes[name] = type(error).__name__
    return outcomes


if __name__ == "__main__":
    save = torchvision_worker.save

    def told(output: Path, tensors: dict[str, Tensor], card: Card) -> None:
        """Write it with what was tried."""
        save(output, tensors, card.model_copy(update={"recipe": attempts(Path(sys.argv[3]), output)}))

    torchvision_worker.save = told
    redirect(sys.argv[2], os.environ[ADDRESS])
    torchvision_worker.main(*sys.argv[1:])
