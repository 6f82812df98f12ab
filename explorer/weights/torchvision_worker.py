"""Downloads torchvision's weights, in a process of its own that reads nothing of them.

usage: python -m explorer.weights.torchvision_worker        see explorer.workers.protocol
"""

import socket
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

from torch.hub import download_url_to_file

from explorer.errors import InputError
from explorer.weights.torchvision import digest
from explorer.workers.progress import Progress
from explorer.workers.protocol import serve

TIMEOUT = 30.0  # seconds without an answer


def download(request: dict[str, str], _progress: Progress) -> None:
    """Fetch a file as torchvision's loader does, checksum included, and leave it unread.

    Args:
        request: The ``address``, and the ``file`` to write.

    Raises:
        InputError: The file can't be had.
    """
    socket.setdefaulttimeout(TIMEOUT)
    file = Path(request["file"])
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        download_url_to_file(request["address"], str(file), digest(file) or None, progress=False)
    except (OSError, HTTPException, RuntimeError) as error:
        reason = error.reason if type(error) is URLError else error  # its own words are about a "urlopen error"
        raise InputError(str(reason) or type(error).__name__) from None


if __name__ == "__main__":
    serve(download)
