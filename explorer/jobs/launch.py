"""Start the processes of a job, away from the one that asks for it."""

import os
import subprocess
import sys
from pathlib import Path

from explorer.beside import ROOT
from explorer.errors import InputError
from explorer.i18n import _
from explorer.jobs.job import Job, Resources
from explorer.jobs.run_directory import RunDirectory
from explorer.settings import settings

WORKER = "explorer.training.worker"
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


def start(folder: Path) -> "subprocess.Popen[bytes]":
    """Train the job of a run directory in processes that outlive this one; what they print goes to the log.

    Raises:
        InputError: where the folder holds no job, or one of more processes than this machine can bear.
    """
    resources = Job.read(folder).resources
    check(resources)
    command = ["-m", WORKER, str(folder)]
    if resources.processes > 1:
        command = [
            *("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(resources.processes)),
            *command,
        ]
    environment = settings().for_process() | {"OMP_NUM_THREADS": str(resources.share_of_cores())}
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
