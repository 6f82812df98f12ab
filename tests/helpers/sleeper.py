"""A process that reports its id and waits until it is ended."""

import os
import time

from explorer.workers.progress import Progress
from explorer.workers.protocol import PERIOD, serve


def sleep(_request: object, progress: Progress) -> None:
    """Wait a minute."""
    for _step in range(300):
        progress("sleeping", os.getpid(), 0)
        time.sleep(PERIOD)


if __name__ == "__main__":
    serve(sleep)
