"""Downloads with progress: a quick attempt to reach the server, then a process that fetches the file."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import NamedTuple
from urllib.parse import urlparse
from urllib.request import getproxies, proxy_bypass

from explorer.errors import InputError
from explorer.i18n import _
from explorer.workers import sandbox, subprocess_runner
from explorer.workers.progress import Progress
from explorer.workers.subprocess_runner import Limits

WORKER = "explorer.weights.download_worker"
TIMEOUT = 86_400.0  # seconds; a stalled download ends much earlier
CONNECT_TIMEOUT = 8.0  # seconds; without a network the lookup of a name may take a minute
# Environment variables of the server that downloads need.
VARIABLES = {"SSL_CERT_FILE", "SSL_CERT_DIR"} | {
    name for proxy in ("http_proxy", "https_proxy", "no_proxy") for name in (proxy, proxy.upper())
}


class Download(NamedTuple):
    """A file to download.

    Attributes:
        address: URL.
        file: Path of the new file.
        size: About its bytes, for the progress.
        checksum: Beginning of its SHA-256 in hexadecimal digits; empty if the caller verifies it.
    """

    address: str
    file: Path
    size: int
    checksum: str = ""


def fetch(download: Download, folder: Path, progress: Progress) -> str | None:
    """Downloads a file.

    Args:
        download: The file.
        folder: Folder for temporary files.
        progress: Callback for the number of bytes.

    Returns:
        The reason if it fails. None if it succeeds.
    """
    return connection_error(download.address, progress) or _run_worker(download, folder, progress)


def connection_error(url: str, progress: Progress) -> str | None:
    """Returns the reason why the server of an address can't be reached. None if it can.

    This is faster than to start a process for the download.
    """
    address = urlparse(url)
    host, port = address.hostname or "", address.port or (443 if address.scheme == "https" else 80)
    progress(_("connecting to {host}").format(host=host), 0, 0)
    if (text := getproxies().get(address.scheme)) and not proxy_bypass(host):
        proxy = urlparse(text if "://" in text else f"//{text}")
        host, port = proxy.hostname or "", proxy.port or (443 if proxy.scheme == "https" else 80)
    reasons = [_("{host} did not answer within {limit:.0f} seconds").format(host=host, limit=CONNECT_TIMEOUT)]

    def connect() -> None:
        try:
            socket.create_connection((host, port), CONNECT_TIMEOUT).close()
        except OSError as error:
            reasons.append(_("{host} can't be reached: {reason}").format(host=host, reason=error.strerror or error))
        else:
            reasons.append("")

    # The lookup of a name has no timeout, so a thread does it, and continues alone if it takes too long.
    attempt = Thread(target=connect, daemon=True)
    attempt.start()
    attempt.join(CONNECT_TIMEOUT)
    return reasons[-1] or None


def _run_worker(download: Download, folder: Path, progress: Progress) -> str | None:
    file, before = download.file, set(_partial_files(download.file))

    def watch(_step: str, _done: int, _total: int) -> None:
        done = max((_size(part) for part in set(_partial_files(file)) - before), default=0)
        progress(_("downloading {file}").format(file=file.name), min(done, download.size), download.size)

    inherited = {name: value for name, value in os.environ.items() if name in VARIABLES}
    request = {"address": download.address, "file": str(file.absolute()), "checksum": download.checksum}
    try:
        subprocess_runner.call(
            WORKER, request, Limits(TIMEOUT), watch, environment=sandbox.environment(folder) | inherited
        )
    except InputError as error:
        return str(error)
    finally:
        for part in set(_partial_files(file)) - before:  # left by a stopped process
            part.unlink(missing_ok=True)
    return None


def _partial_files(file: Path) -> Iterator[Path]:
    """Yields the files into which the loader downloads this file."""
    return (path for path in file.parent.glob("*.partial") if path.name.startswith(f"{file.name}."))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it is complete now, and has its final name
        return 0
