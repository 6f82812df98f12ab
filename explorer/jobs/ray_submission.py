"""The submission of a job to Ray, and messages about the resources for which the job waits in Ray's queue."""

import shlex
import sys
from typing import Any

from explorer.i18n import _, ngettext
from explorer.jobs.job import CPUS, Job, Resources
from explorer.jobs.ray_cluster import Capacity
from explorer.settings import settings
from explorer.workers.subprocess_runner import ROOT

NODE_PROCESS, DRIVER = "explorer.jobs.ray_supervisor", "explorer.training.ray_worker"
RAY_STOP_SECONDS = 6  # from SIGTERM to SIGKILL; the job's own supervisor is done after 4.5
WAIT_SECONDS = 7 * 24 * 3600  # that a job of several processes may wait for its resources


def submission(job: Job, submission_id: str, ticket: str, *, on_gpu: bool) -> dict[str, Any]:
    """Returns what Ray's REST interface needs to run a job.

    A job of one process is itself the process that Ray starts, and has its resources. One of several processes starts
    them by Ray Train, which asks for the resources of each.
    """
    module = NODE_PROCESS if job.resources.processes == 1 else DRIVER
    python = settings().ray_python or sys.executable
    cpus = job.resources.threads or settings().ray_cpus
    words = [python, "-m", module, job.id, ticket, *(["--gpu"] if on_gpu and module == DRIVER else [])]
    variables = {
        "EXPLORER_RUNS_DIR": str(settings().runs_dir),
        "EXPLORER_RUNS_STORAGE": settings().runs_storage,
        "EXPLORER_DATA_DIR": str(settings().data_dir),
        "EXPLORER_WEIGHTS_DIR": str(settings().weights_dir),
        "EXPLORER_LOG_LEVEL": settings().log_level,
        CPUS: str(cpus),
        "OMP_NUM_THREADS": str(cpus),
        "OMP_WAIT_POLICY": "PASSIVE",
        "RAY_JOB_STOP_WAIT_TIME_S": str(RAY_STOP_SECONDS),
        "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": str(WAIT_SECONDS),
    }
    if not settings().ray_python:  # an equal machine has the checkout in the same place
        variables["PYTHONPATH"] = str(ROOT)
    made: dict[str, Any] = {
        "entrypoint": f"exec {shlex.join(words)}",
        "submission_id": submission_id,
        "runtime_env": {"env_vars": variables},
        "metadata": {"explorer_job": job.id, "name": job.name},
    }
    if module == NODE_PROCESS:
        made |= {"entrypoint_num_cpus": cpus, "entrypoint_num_gpus": int(on_gpu)}
    return made


def waiting_words(resources: Resources, capacity: Capacity, *, on_gpu: bool) -> str:
    """Returns where a job waits that Ray has not started, and for what."""
    cpus, gpus = resources.threads or settings().ray_cpus, int(on_gpu)
    processes = ngettext("{count} process", "{count} processes", resources.processes).format(count=resources.processes)
    wanted = _("CPUs: {cpus}, GPUs: {gpus}").format(cpus=cpus, gpus=gpus)
    if capacity.nodes and not any(node["CPU"] >= cpus and node["GPU"] >= gpus for node in capacity.nodes):
        return _(
            "waiting in the cluster's queue: no node has what each process needs ({wanted}); it starts when one joins"
        ).format(wanted=wanted)
    if not capacity.free:  # the head has just started, or another version of Ray says it otherwise
        return _("waiting in the cluster's queue; the cluster does not say yet what is free")
    free = capacity.free
    enough = free.get("CPU", 0) >= cpus * resources.processes and free.get("GPU", 0) >= gpus * resources.processes
    if enough:
        return _("the cluster starts it")
    return _(
        "waiting in the cluster's queue for {processes} with {wanted} each; free: {cpus:g} CPUs, {gpus:g} GPUs"
    ).format(processes=processes, wanted=wanted, cpus=free.get("CPU", 0), gpus=free.get("GPU", 0))
