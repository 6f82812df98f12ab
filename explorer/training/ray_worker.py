"""Trains a job of several processes on a Ray cluster: ``python -m explorer.training.ray_worker JOB TICKET [--gpu]``.

Ray Jobs starts this process on the head. It asks Ray Train for the processes, which may be on several nodes, and each
of them trains as a rank does on one machine. Rank 0 writes the run directory. Ray comes with the extra ``ray``.
"""

import logging
import os
import signal
import sys
import tempfile
from contextlib import suppress
from datetime import timedelta
from threading import Event, Thread
from types import FrameType
from typing import Any, NoReturn

from filelock import FileLock, Timeout

from explorer.jobs.job import CPUS, Job
from explorer.jobs.ray_supervisor import LOCK_TIMEOUT, NodeRun, open_run
from explorer.jobs.run_directory import RunDirectory
from explorer.jobs.stop_request import StopRequest
from explorer.jobs.supervisor import STOP_TIMEOUT, forced_error
from explorer.settings import settings
from explorer.training.ray_rank import train_rank
from explorer.training.worker import PROCESS_TIMEOUT

POLL = 0.5  # seconds between two looks at the ticket

log = logging.getLogger(__name__)


def main(job: str, ticket: str, *, on_gpu: bool) -> int:
    """Trains a job, and returns the exit status."""
    logging.basicConfig(level=settings().log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    found = open_run(job, ticket, copies=False)
    if isinstance(found, int):
        return found
    directory = RunDirectory(found.folder)
    try:
        with FileLock(directory.lock).acquire(timeout=LOCK_TIMEOUT):
            return _drive(found, directory, ticket, on_gpu=on_gpu)
    except Timeout:
        return 1
    finally:
        found.close()


def _drive(run: NodeRun, directory: RunDirectory, ticket: str, *, on_gpu: bool) -> int:
    import ray
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    if directory.ticket() != ticket:
        return 0
    job = Job.read(directory.folder)
    ray.init(logging_level=logging.WARNING)
    request = ray.remote(num_cpus=0)(StopRequest).remote()
    over = Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        Thread(target=_request_stop, args=(request, directory, run, over), daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    Thread(target=_watch, args=(run, over), daemon=True).start()
    cpus = int(os.environ.get(CPUS, "1"))
    trainer = TorchTrainer(
        train_rank,
        train_loop_config={"job": job.id, "ticket": ticket, "request": request},
        torch_config=TorchConfig(
            backend="cpu:gloo,cuda:nccl" if on_gpu else "gloo",
            timeout_s=int(PROCESS_TIMEOUT / timedelta(seconds=1)),
        ),
        scaling_config=ScalingConfig(
            num_workers=job.resources.processes,
            use_gpu=on_gpu,
            resources_per_worker={"CPU": cpus, **({"GPU": 1} if on_gpu else {})},
        ),
        # Ray Train stores nothing: our checkpoints do. It starts nothing anew: resume does.
        run_config=RunConfig(
            name=f"{job.id}-{ticket}",
            storage_path=tempfile.gettempdir(),
            failure_config=FailureConfig(max_failures=0),
        ),
    )
    try:
        trainer.fit()
    except Exception:  # a rank failed, which has written why, or was lost with its node
        log.exception("job %s", job.id)
        return 1
    finally:
        over.set()
    return 0


def _request_stop(request: Any, directory: RunDirectory, run: NodeRun, over: Event) -> None:
    """Asks the ranks to stop after their batch. Ends everything if they take too long."""
    import ray

    with suppress(Exception):  # the ranks may be gone already
        ray.get(request.make.remote(), timeout=STOP_TIMEOUT)
    if over.wait(STOP_TIMEOUT):
        return
    if run.copier is None and directory.has_begun() and directory.read_end() is None:
        directory.end("stopped", error=forced_error())
    _exit(1)


def _watch(run: NodeRun, over: Event) -> None:
    """Ends everything if the job was started anew elsewhere."""
    while not over.wait(POLL):
        if run.is_lost() or not run.folder.is_dir():
            _exit(1)


def _exit(status: int) -> NoReturn:
    logging.shutdown()
    os._exit(status)


if __name__ == "__main__":
    _exit(main(sys.argv[1], sys.argv[2], on_gpu="--gpu" in sys.argv[3:]))
