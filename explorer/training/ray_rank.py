"""One rank of a job on a Ray cluster, in a process of Ray Train."""

import os
import time
from contextlib import suppress
from threading import Event, Thread
from typing import Any

from explorer.jobs.processes import identity
from explorer.jobs.ray_supervisor import NodeRun
from explorer.jobs.run_directory import RunDirectory
from explorer.training.worker import WorkerCallback, train_job

POLL = 0.5  # seconds between two looks at the request to stop


def train_rank(config: dict[str, Any]) -> None:
    """Trains as one rank.

    Args:
        config: Id and ticket of the job, and the actor with the request to stop.

    Raises:
        RuntimeError: If the rank failed, so that Ray ends the others. The reason is in the run directory.
    """
    import ray
    import torch.distributed

    rank = torch.distributed.get_rank()
    run = NodeRun(config["job"], config["ticket"], copies=rank == 0)
    directory = RunDirectory(run.folder)
    if rank == 0:
        directory.redirect_output()
        directory.write_supervisor(identity(os.getpid()))
    callback, over = WorkerCallback(), Event()

    def listen() -> None:
        while not over.wait(POLL):
            if run.is_lost():
                os._exit(1)
            with suppress(ray.exceptions.RayError):  # the driver is gone, and Ray ends this process
                callback.stop = callback.stop or ray.get(config["request"].is_made.remote())

    Thread(target=listen, daemon=True).start()
    status = train_job(run.folder, callback)
    over.set()
    if rank and run.copier and directory.read_end() is not None:
        run.copier.copy()  # the reason why this rank failed, which rank 0 can't know
    if not run.close() or status:
        time.sleep(POLL)  # until the other ranks have seen by themselves that one is gone
        raise RuntimeError(config["job"])
