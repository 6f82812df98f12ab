"""Start the processes of a job, away from the one that asks for it."""

import os
import subprocess
import sys
from pathlib import Path

from explorer.beside import ROOT
from explorer.jobs.job import Job
from explorer.jobs.run_directory import RunDirectory
from explorer.settings import settings

WORKER = "explorer.training.worker"


def start(folder: Path) -> "subprocess.Popen[bytes]":
    """Train the job of a run directory in processes that outlive this one; what they print goes to the log.

    Raises:
        InputError: where the folder holds no job.
    """
    resources = Job.read(folder).resources
    command = ["-m", WORKER, str(folder)]
    if resources.processes > 1:
        command = [
            *("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(resources.processes)),
            *command,
        ]
    environment = os.environ | settings().environment() | {"OMP_NUM_THREADS": str(resources.share_of_cores())}
    with RunDirectory(folder).log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603  our own module, and a folder of our own
            [sys.executable, *command],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C in the terminal is for the one who watches
        )
