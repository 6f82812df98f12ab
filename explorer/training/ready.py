"""A worker that has torch imported before it knows its job: ``python -m explorer.training.ready``.

It waits for a line on standard input that names run directory and environment. What the first run of a process is slow
at, it does once in advance.
"""

import json
import os
import sys
from pathlib import Path

from setproctitle import getproctitle, setproctitle

getproctitle()  # finds where the command line lies, which it can't any more once torch has changed the environment

import sklearn.datasets  # noqa: E402, F401  the bundled data set's, and slow to import

from explorer.jobs.run_directory import RunDirectory  # noqa: E402
from explorer.specs import resolve  # noqa: E402
from explorer.training import worker  # noqa: E402
from explorer.training.trial import forward_macs  # noqa: E402


def main() -> None:
    """Wait for a job and train it; where none comes any more, end."""
    forward_macs(resolve("digits-cnn"))
    if line := sys.stdin.readline():
        folder, environment = json.loads(line)
        os.environ.update(environment)
        setproctitle(f"{sys.executable} -m {worker.__name__} {folder}")
        RunDirectory(Path(folder)).log_here()
        worker.run(Path(folder))


if __name__ == "__main__":
    main()
