"""Several processes of one training, forked from this one, so that torch is already imported."""

import logging
import os
import socket
import sys
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch
import torch.multiprocessing as mp
from torch.multiprocessing.spawn import start_processes

from explorer.jobs.run_directory import RunDirectory
from explorer.training import worker
from tests.helpers.documents import ROOT
from tests.helpers.fork_server import ForkServer


def _rank(rank: int, world: int, folder: Path, task: Callable[..., Any]) -> None:
    torch.set_num_threads(1)  # a pool of threads does not survive a fork
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting{world}", rank=rank, world_size=world
    )
    torch.save(task(rank, world), folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


def in_ranks(world: int, folder: Path, task: Callable[..., Any]) -> list[Any]:
    """Run a task in several forked processes; returns the result of each."""
    start_processes(_rank, (world, folder, task), nprocs=world, start_method="fork")
    return [torch.load(folder / f"{rank}.pt") for rank in range(world)]


def statuses(workers: Sequence[BaseProcess]) -> list[int | None]:
    """Exit statuses of the processes; waits at most ten minutes for each."""
    for process in workers:
        process.join(600)
    return [process.exitcode for process in workers]


def forked_workers(run: RunDirectory) -> list[BaseProcess]:
    """Start both processes of a run as torch.distributed.run does, but as forks, which have torch already."""
    context = mp.get_context("fork")
    workers = [context.Process(target=_work, args=(place, run.folder)) for place in _places()]
    for process in workers:
        process.start()
    return [*workers]


def run_in_ranks(run: RunDirectory, server: ForkServer) -> list[int]:
    """Train a run in two processes, which are no forks of this one; returns their exit statuses."""
    command = [sys.executable, "-m", "explorer.training.worker", str(run.folder)]
    with run.log.open("wb") as log:
        ranks = [server.start(command, cwd=ROOT, env=os.environ | place, stdout=log, stderr=log) for place in _places()]
    return [rank.wait(600) for rank in ranks]


def _places() -> list[dict[str, str]]:
    """Environment variables that torch.distributed.run sets for each of two ranks."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    meeting = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    return [meeting | {"RANK": str(rank)} for rank in range(2)]


def _work(place: dict[str, str], folder: Path) -> None:
    os.environ.update(place)
    logging.basicConfig(filename=RunDirectory(folder).log, force=True)  # in place of pytest's own handlers
    os._exit(worker.main(folder))
