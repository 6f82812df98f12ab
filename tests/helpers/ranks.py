"""Several processes of one training, forked from this one: they have torch at once."""

import os
import socket
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch
import torch.multiprocessing as mp
from torch.multiprocessing.spawn import start_processes

from explorer.jobs.run_directory import RunDirectory
from explorer.training import worker


def _rank(rank: int, world: int, folder: Path, task: Callable[..., Any]) -> None:
    torch.set_num_threads(1)  # a pool of threads does not survive a fork
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting{world}", rank=rank, world_size=world
    )
    torch.save(task(rank, world), folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


def in_ranks(world: int, folder: Path, task: Callable[..., Any]) -> list[Any]:
    """What the task returns in each of several processes, forked from this one: they have torch at once."""
    start_processes(_rank, (world, folder, task), nprocs=world, start_method="fork")
    return [torch.load(folder / f"{rank}.pt") for rank in range(world)]


def statuses(workers: Sequence[BaseProcess]) -> list[int | None]:
    """How the processes end, for each of which it waits at most three minutes."""
    for process in workers:
        process.join(180)
    return [process.exitcode for process in workers]


def forked_workers(run: RunDirectory) -> list[BaseProcess]:
    """Both processes of a run as torch.distributed.run would start them, but with torch at once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = mp.get_context("fork")
    workers = [context.Process(target=_work, args=(rank, port, run.folder)) for rank in range(2)]
    for process in workers:
        process.start()
    return [*workers]


def _work(rank: int, port: int, folder: Path) -> None:
    places = {"RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in places.items()})
    RunDirectory(folder).log_here()
    os._exit(worker.main(folder))
