"""The command that starts the processes of a job, and their largest number on this machine."""

import os
import sys
from pathlib import Path

from explorer.errors import InputError
from explorer.i18n import _
from explorer.jobs.job import Resources
from explorer.settings import settings

WORKER, WARM_WORKER = "explorer.training.worker", "explorer.training.warm_worker"
PER_CORE = 4  # most processes per core; many more block the machine for minutes


def check(resources: Resources) -> None:
    """Refuses a job that would overload this machine.

    Raises:
        InputError: If the job has too many processes.
    """
    if settings().backend != "local":  # the cluster places the processes
        return
    most = PER_CORE * (os.cpu_count() or 1)
    if resources.processes > most:
        raise InputError(
            _(
                "processes: {value} are more than the {most} that this machine allows: {each} for each of its cores"
            ).format(value=resources.processes, most=most, each=PER_CORE)
        )


def worker_command(folder: Path | None, processes: int = 1) -> list[str]:
    """Returns the command that trains the job of a run directory.

    Args:
        folder: Run directory. None for a warm worker, which waits for its job.
        processes: Number of processes.
    """
    worker = ["-m", WARM_WORKER] if folder is None else ["-m", WORKER, str(folder)]
    if processes > 1:
        worker = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), *worker]
    return [sys.executable, *worker]
