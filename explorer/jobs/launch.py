"""How the processes of a job are started, and how many of them this machine can bear."""

import os
import sys
from pathlib import Path

from explorer.errors import InputError
from explorer.i18n import _
from explorer.jobs.job import Resources

WORKER, READY = "explorer.training.worker", "explorer.training.warm_worker"
PER_CORE = 4  # processes that share a core; with many more the machine does nothing else for minutes


def check(resources: Resources) -> None:
    """Refuse what would bring this machine to a halt.

    Raises:
        InputError: where there are more processes than it can bear.
    """
    most = PER_CORE * (os.cpu_count() or 1)
    if resources.processes > most:
        raise InputError(
            _("processes: {value} are more than this machine takes, {most}: {each} for each of its cores").format(
                value=resources.processes, most=most, each=PER_CORE
            )
        )


def command(folder: Path | None, processes: int = 1) -> list[str]:
    """The command that trains the job of a run directory; without one, it waits to be told."""
    worker = ["-m", READY] if folder is None else ["-m", WORKER, str(folder)]
    if processes > 1:
        worker = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), *worker]
    return [sys.executable, *worker]
