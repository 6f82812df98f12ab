"""The process that trains one job: ``python -m explorer.training.worker RUN_DIRECTORY``.

It resumes from the directory's checkpoint if there is one. After SIGTERM or SIGINT it finishes the current batch,
writes a checkpoint and exits. ``torch.distributed.run`` starts several processes. Rank 0 writes the directory.
"""

import logging
import math
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import NoReturn

import torch
import torch.distributed

from explorer.data import Dataset, load
from explorer.errors import ExplorerError, InputError
from explorer.i18n import _
from explorer.jobs.job import Job
from explorer.jobs.processes import JOB_ID, identity
from explorer.jobs.run_directory import RunDirectory
from explorer.training import checkpoint, mistakes
from explorer.training.devices import choose_device
from explorer.training.evaluation import Scores, evaluate
from explorer.training.faults import Fault, not_finite, to_fault
from explorer.training.loop import Training, convert_points, epoch_means, train
from explorer.training.metrics_logger import LIVE_EVERY, MetricsLogger
from explorer.training.setup import PreparedTraining, prepare
from explorer.weights.files import load as load_weights
from explorer.weights.files import save
from explorer.weights.registry import find
from explorer.workers.protocol import end_with_parent

PROCESS_TIMEOUT = timedelta(hours=12)  # while rank 0 downloads the data; a lost process is noticed at once

log = logging.getLogger(__name__)


class Stopped(ExplorerError):  # noqa: N818  not an error
    """The run was stopped on request, after its checkpoint was written."""


class WorkerCallback:
    """Decides when to write live numbers, when to write a checkpoint and when to stop. All processes decide alike."""

    def __init__(self, logger: MetricsLogger | None = None) -> None:
        self.logger = logger  # None except in rank 0
        self.stop = False

    def request_stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Handles a signal: asks for a stop after the current batch."""
        self.stop = True

    def after_step(self, training: Training) -> None:
        """Writes live numbers, writes a checkpoint or stops, if one of these is due.

        Raises:
            Stopped: If a stop was requested.
            Fault: If the loss is not finite.
        """
        logger = self.logger
        stop, save, live = self._any_process(
            self.stop, bool(logger and logger.save_is_due(epoch_done=False)), bool(logger and logger.live_is_due())
        )
        epoch_is_done = training.batch == training.batches.steps  # then after_epoch follows and saves
        if live or save or stop:
            loss, top1 = epoch_means(training)
            convert_points(training)
            if logger:
                logger.live(training, loss, top1)
        if (save or stop) and not epoch_is_done:
            self._save(training)
            if stop:
                raise Stopped

    def validating(self, training: Training, done: int, total: int) -> None:
        """Reports the progress of the validation."""
        if self.logger:
            self.logger.validating(training, done, total)

    def after_epoch(self, training: Training, *, improved: bool) -> None:
        """Writes the metrics of the epoch. Writes a checkpoint if one is due, and after the last epoch.

        Raises:
            Stopped: If a stop was requested.
        """
        if self.logger:
            self.logger.after_epoch(training, improved=improved)
        due = bool(self.logger and self.logger.save_is_due(epoch_done=True))
        stop, save, _live = self._any_process(self.stop, due, due)
        is_last = training.epoch == training.recipe.epochs
        if stop or save or is_last:
            self._save(training)
        if stop and not is_last:
            raise Stopped

    def _save(self, training: Training) -> None:
        if not all(weight.isfinite().all() for weight in training.network.parameters()):
            raise not_finite(training.epoch + 1, training.schedule.rate)
        state = checkpoint.capture(training)
        if self.logger:
            self.logger.save(training, state)

    @staticmethod
    def _any_process(*flags: bool) -> list[bool]:
        """Returns for each wish whether any process has it, so that all processes take the same branch."""
        if not torch.distributed.is_initialized():
            return list(flags)
        votes = torch.tensor(flags, dtype=torch.int32)
        torch.distributed.all_reduce(votes, torch.distributed.ReduceOp.MAX)
        return [bool(vote) for vote in votes.tolist()]


def main(folder: Path) -> int:
    """Trains the job of a run directory until it has ended or a signal arrives, and returns the exit status."""
    callback = WorkerCallback()
    signal.signal(signal.SIGTERM, callback.request_stop)
    signal.signal(signal.SIGINT, callback.request_stop)
    return train_job(folder, callback)


def train_job(folder: Path, callback: WorkerCallback) -> int:
    """Trains the job of a run directory, and returns the exit status.

    Args:
        folder: Run directory.
        callback: Callback of this process. Its ``stop`` may be set at any moment.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    directory = RunDirectory(folder)
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    batch_size = 0
    try:
        if rank == 0:
            directory.begin()
        job = Job.read(folder)
        batch_size = job.recipe.batch_size
        torch.set_flush_denormal(True)  # a CPU computes with numbers below 1e-38 a hundred times slower
        if world > 1 and not torch.distributed.is_initialized():  # Ray has done it
            cuda = choose_device(job.resources.device).type == "cuda"
            torch.distributed.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=PROCESS_TIMEOUT)
        result = _run(directory, prepare(job, _load(job, directory, rank, callback), rank, world), callback)
        if rank == 0:
            directory.end("finished", result=result)
    except Stopped:
        if rank == 0:
            directory.end("stopped")
        return 0
    except BaseException as error:
        fault = to_fault(error, batch_size)
        if directory.read_end() is None:  # keep the first error: the other ranks only report that a process is gone
            directory.end("failed", error={"code": fault.code, "message": str(fault)})
        log.exception("%s", fault)
        return 1
    return 0


def _load(job: Job, directory: RunDirectory, rank: int, callback: WorkerCallback) -> Dataset:
    """Loads the data. Rank 0 downloads and decodes data and starting weights first, while the other ranks wait."""
    own, last = identity(os.getpid()), -math.inf

    def report(step: str, done: int, total: int) -> None:
        nonlocal last
        if callback.stop:
            raise Stopped
        if rank == 0 and time.monotonic() - last > LIVE_EVERY:
            last = time.monotonic()
            directory.write_progress({"processes": [own], "live": {"step": step, "done": done, "total": total}})

    report(_("reading the data"), 0, 0)
    distributed = torch.distributed.is_initialized()
    if distributed and rank:
        torch.distributed.barrier()
    if job.recipe.weights is not None:
        find(job.recipe.weights, report)
    dataset = load(job.dataset, report)
    if distributed and not rank:
        torch.distributed.barrier()
    return dataset


def _run(directory: RunDirectory, prepared: PreparedTraining, callback: WorkerCallback) -> dict[str, object]:
    """Trains, then tests the best epoch once, and returns the test result as JSON-ready values."""
    training, dataset, rank = prepared.training, prepared.dataset, prepared.placement.rank
    processes = _processes()
    logger = MetricsLogger(directory, _run_facts(prepared, processes), prepared.card) if rank == 0 else None
    callback.logger = logger
    if state := checkpoint.read(directory.resume):
        checkpoint.restore(training, state)
    if logger:
        logger.open(training, dataset.classes)
    try:
        train(training, callback)
        if torch.distributed.is_initialized():
            torch.distributed.barrier()  # until rank 0 has written the best weights
        if logger:
            logger.testing()
        return _test(directory, prepared)
    except InputError as error:  # the file was readable when the training was prepared
        raise Fault(
            "vanished",
            _("a file was lost while the run needed it ({reason}): put it back and resume").format(reason=error),
        ) from None
    finally:
        if logger:
            logger.close()


def _test(directory: RunDirectory, prepared: PreparedTraining) -> dict[str, object]:
    network, card = load_weights(directory.best)
    device, tests = prepared.training.plan.device, prepared.test_batches()
    collector = mistakes.Mistakes(tests.shares(), device)
    scores: Scores = evaluate(network.to(device), tests.batches(), len(card.classes), device, [collector])
    result = scores.to_dict(card.classes)
    worst = collector.worst()
    if prepared.placement.rank == 0:
        mistakes.write(directory.mistakes, worst, prepared.dataset.test, card.classes)
        metrics = card.metrics | {f"test/{key}": result[key] for key in ("images", "correct", "top1", "topk")}
        save(directory.best, network.state_dict(), card.model_copy(update={"metrics": metrics}))
    return result


def _run_facts(prepared: PreparedTraining, processes: list[tuple[int, float]]) -> dict[str, object]:
    job = prepared.job
    return {
        "processes": processes,
        "spec": job.spec.to_dict(),
        "recipe": job.recipe.to_dict(),
        "notes": list(prepared.notes),
    }


def _processes() -> list[tuple[int, float]]:
    own = identity(os.getpid())
    if not torch.distributed.is_initialized():
        return [own]
    all_processes: list[tuple[int, float]] = [own] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(all_processes, own)
    return [identity(os.getppid()), *all_processes]


def run(folder: Path) -> NoReturn:
    """Trains the job of a run directory, and ends this process."""
    if JOB_ID in os.environ:  # a supervisor started this process; without it nobody would end the process
        end_with_parent()
    status = main(folder)
    logging.shutdown()
    os._exit(status)  # everything is written; an ordinary exit unloads torch and holds the job's slot for seconds


if __name__ == "__main__":
    run(Path(sys.argv[1]))
