"""A worker that has torch imported before it knows its job: ``python -m explorer.training.warm_worker``.

It waits for a line on standard input that names run directory and environment. What the first run of a process is slow
at, it does once in advance. Also while it does so, it shows its job on its command line as soon as it has one.
"""

import json
import os
import sys
from pathlib import Path
from threading import Thread

from setproctitle import getproctitle, setproctitle

WORKER = "explorer.training.worker"
order: list[str] = []


def listen() -> None:
    """Wait for the order."""
    if line := sys.stdin.readline():
        folder, _environment = json.loads(line)
        setproctitle(f"{sys.executable} -m {WORKER} {folder}")
        order.append(line)


getproctitle()  # finds where the command line lies, which it can't any more once torch has changed the environment
listener = Thread(target=listen)
listener.start()


from explorer.families import resolve  # noqa: E402
from explorer.jobs.run_directory import RunDirectory  # noqa: E402
from explorer.training import worker  # noqa: E402
from explorer.training.dry_run import forward_macs  # noqa: E402


def main() -> None:
    """Train the job that comes; where none comes any more, end."""
    forward_macs(resolve("digits-cnn"))
    listener.join()
    if order:
        folder, environment = json.loads(order[0])
        os.environ.update(environment)
        RunDirectory(Path(folder)).redirect_output()
        worker.run(Path(folder))


if __name__ == "__main__":
    main()
