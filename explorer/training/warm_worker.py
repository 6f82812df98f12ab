"""A worker that imports torch before it has a job: ``python -m explorer.training.warm_worker``.

It waits for a line on standard input with run directory and environment. Meanwhile it runs what is slow for the first
time in a process. A thread reads the line, so that the command line shows the job as soon as there is one.
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
    """Waits for the job, and shows it on the command line."""
    if line := sys.stdin.readline():
        folder, _environment = json.loads(line)
        setproctitle(f"{sys.executable} -m {WORKER} {folder}")
        order.append(line)


getproctitle()  # finds the command line in memory, which fails after torch has changed the environment
listener = Thread(target=listen)
listener.start()


from explorer.families import resolve  # noqa: E402
from explorer.jobs.run_directory import RunDirectory  # noqa: E402
from explorer.training import worker  # noqa: E402
from explorer.training.dry_run import forward_macs  # noqa: E402


def main() -> None:
    """Trains the job. Returns if standard input is closed without a job."""
    forward_macs(resolve("digits-cnn"))
    listener.join()
    if order:
        folder, environment = json.loads(order[0])
        os.environ.update(environment)
        RunDirectory(Path(folder)).redirect_output()
        worker.run(Path(folder))


if __name__ == "__main__":
    main()
