"""Free ports."""

import secrets
import socket

FIRST, LAST = 20_000, 32_767  # below the ports that Linux gives to outgoing connections


def free_port() -> int:
    """A TCP port of this machine that nobody used a moment ago.

    The system's own choice would be one that it may give to a connection before a server that starts slowly takes it.
    """
    while True:
        port = FIRST + secrets.randbelow(LAST - FIRST + 1)
        with socket.socket() as listener:
            try:
                listener.bind(("", port))
            except OSError:
                continue
            return port
