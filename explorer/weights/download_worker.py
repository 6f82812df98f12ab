"""Downloads a file in a separate process, without reading it.

usage: python -m explorer.weights.download_worker        see explorer.workers.protocol
"""

import socket
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

from torch.hub import download_url_to_file

from explorer.errors import InputError
from explorer.workers.progress import Progress
from explorer.workers.protocol import serve

TIMEOUT = 30.0  # seconds without data


def download(request: dict[str, str], _progress: Progress) -> None:
    """Downloads a file with torchvision's loader, which replaces the file when it is complete.

    Args:
        request: ``address`` of the download, path of the new ``file``, and the beginning of its SHA-256 in hexadecimal
            digits (``checksum``), which is verified; ``""`` for none.

    Raises:
        InputError: If the download fails.
    """
    socket.setdefaulttimeout(TIMEOUT)
    file = Path(request["file"])
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        download_url_to_file(request["address"], str(file), request["checksum"] or None, progress=False)
    except (OSError, HTTPException, RuntimeError) as error:
        reason = error.reason if type(error) is URLError else error  # its own message is only "urlopen error"
        raise InputError(str(reason) or type(error).__name__) from None


if __name__ == "__main__":
    serve(download)
