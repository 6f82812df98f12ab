"""The process that fetches torchvision's weights, for entries whose file comes from an address in the environment.

``python -m tests.unit.torchvision_stand_in WEIGHTS FILE`` is ``explorer.models.torchvision_worker`` with one change:
loader, cache, checksum and unpickling are torchvision's and PyTorch's own.
"""

import os
import sys
from dataclasses import replace

from explorer.models import torchvision_weights, torchvision_worker

ADDRESS = "STAND_IN_ADDRESS"


def redirect(name: str, address: str) -> None:
    """Let an entry's file come from another address."""
    weights = torchvision_weights.choose(name).weights
    weights._value_ = replace(weights.value, url=address)


if __name__ == "__main__":
    redirect(sys.argv[1], os.environ[ADDRESS])
    torchvision_worker.main(*sys.argv[1:])
