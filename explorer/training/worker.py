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
from explorer.training.faults import Fault, explained, not_finite
from explorer.training.loop import Training, epoch_means, settle_points, train
from explorer.training.metrics_logger import LIVE_EVERY, MetricsLogger
from explorer.training.setup import Prepared, prepare
from explorer.weights.files import load as load_weights
from explorer.weights.files import save
from explorer.weights.registry import find
from explorer.workers.protocol import end_with_parent

LONGEST_WAIT = timedelta(hours=12)  # while rank 0 downloads the data; a lost process is noticed at once

log = logging.getLogger(__name__)


class Stopped(ExplorerError):  # noqa: N818  not an error
    """The run was stopped on request, after its checkpoint was written."""


class Watch:
    """Decides when to write live numbers, when to write a checkpoint and when to stop. All processes decide alike."""

    def __init__(self, journal: MetricsLogger | None = None) -> None:
        self.journal = journal  # None except in rank 0
        self.stop = False

    def ask_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Handles a signal: asks for a stop after the current batch."""
        self.stop = True

    def after_step(self, training: Training) -> None:
        """Writes live numbers, writes a checkpoint or stops, if one of these is due.

        Raises:
            Stopped: If a stop was requested.
            Fault: If the loss is not finite.
        """
        journal = self.journal
        stop, save, live = self._any_process(
            self.stop, bool(journal and journal.save_is_due(epoch_done=False)), bool(journal and journal.live_is_due())
        )
        epoch_is_done = training.batch == training.batches.steps  # then after_epoch follows and saves
        if live or save or stop:
            loss, top1 = epoch_means(training)
            settle_points(training)
            if journal:
                journal.live(training, loss, top1)
        if (save or stop) and not epoch_is_done:
            self._save(training)
            if stop:
                raise Stopped

    def judging(self, training: Training, done: int, total: int) -> None:
        """Reports the progress of the validation."""
        if self.journal:
            self.journal.judging(training, done, total)

    def after_epoch(self, training: Training, *, improved: bool) -> None:
        """Writes the metrics of the epoch. Writes a checkpoint if one is due, and after the last epoch.

        Raises:
            Stopped: If a stop was requested.
        """
        if self.journal:
            self.journal.after_epoch(training, improved=improved)
        due = bool(self.journal and self.journal.save_is_due(epoch_done=True))
        stop, save, _live = self._any_process(self.stop, due, due)
        over = training.epoch == training.recipe.epochs
        if stop or save or over:
            self._save(training)
        if stop and not over:
            raise Stopped

    def _save(self, training: Training) -> None:
        if not all(weight.isfinite().all() for weight in training.network.parameters()):
            raise not_finite(training.epoch + 1, training.schedule.rate)
        state = checkpoint.capture(training)
        if self.journal:
            self.journal.save(training, state)

    @staticmethod
    def _any_process(*flags: bool) -> list[bool]:
        """Returns for each wish whether any process has it, so that all processes take the same branch."""
        if not torch.distributed.is_initialized():
            return list(flags)
        votes = torch.tensor(flags, dtype=torch.int32)
        torch.distributed.all_reduce(votes, torch.distributed.ReduceOp.MAX)
        return [bool(vote) for vote in votes.tolist()]


def main(folder: Path) -> int:
    """Trains the job of a run directory, and returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    directory = RunDirectory(folder)
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    batch_size = 0
    watch = Watch()
    signal.signal(signal.SIGTERM, watch.ask_to_stop)
    signal.signal(signal.SIGINT, watch.ask_to_stop)
    try:
        if rank == 0:
            directory.begin()
        job = Job.read(folder)
        batch_size = job.recipe.batch_size
        torch.set_flush_denormal(True)  # a CPU computes with numbers below 1e-38 a hundred times slower
        if world > 1:
            cuda = choose_device(job.resources.device).type == "cuda"
            torch.distributed.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=LONGEST_WAIT)
        result = _run(directory, prepare(job, _load(job, directory, rank, watch), rank, world), watch)
        if rank == 0:
            directory.end("finished", result=result)
    except Stopped:
        if rank == 0:
            directory.end("stopped")
        return 0
    except BaseException as error:
        fault = explained(error, batch_size)
        if directory.read_end() is None:  # keep the first error: the other ranks only report that a process is gone
            directory.end("failed", error={"code": fault.code, "message": str(fault)})
        log.exception("%s", fault)
        return 1
    return 0


def _load(job: Job, directory: RunDirectory, rank: int, watch: Watch) -> Dataset:
    """Loads the data. Rank 0 downloads and decodes data and starting weights first, while the other ranks wait."""
    mine, last = identity(os.getpid()), -math.inf

    def tell(step: str, done: int, total: int) -> None:
        nonlocal last
        if watch.stop:
            raise Stopped
        if rank == 0 and time.monotonic() - last > LIVE_EVERY:
            last = time.monotonic()
            directory.write_progress({"processes": [mine], "live": {"step": step, "done": done, "total": total}})

    tell(_("reading the data"), 0, 0)
    distributed = torch.distributed.is_initialized()
    if distributed and rank:
        torch.distributed.barrier()
    if job.recipe.weights is not None:
        find(job.recipe.weights, tell)
    dataset = load(job.dataset, tell)
    if distributed and not rank:
        torch.distributed.barrier()
    return dataset


def _run(directory: RunDirectory, prepared: Prepared, watch: Watch) -> dict[str, object]:
    """Trains, then tests the best epoch once, and returns the test result as JSON-ready values."""
    training, dataset, rank = prepared.training, prepared.dataset, prepared.place.rank
    processes = _processes()
    journal = MetricsLogger(directory, _about(prepared, processes), prepared.card) if rank == 0 else None
    watch.journal = journal
    if state := checkpoint.read(directory.resume):
        checkpoint.restore(training, state)
    if journal:
        journal.open(training, dataset.classes)
    try:
        train(training, watch)
        if torch.distributed.is_initialized():
            torch.distributed.barrier()  # until rank 0 has written the best weights
        if journal:
            journal.testing()
        return _test(directory, prepared)
    except InputError as error:  # the file was readable when the training was prepared
        raise Fault(
            "vanished",
            _("a file was lost while the run needed it ({reason}): put it back and resume").format(reason=error),
        ) from None
    finally:
        if journal:
            journal.close()


def _test(directory: RunDirectory, prepared: Prepared) -> dict[str, object]:
    network, card = load_weights(directory.best)
    device, tests = prepared.training.plan.device, prepared.test_batches()
    seen = mistakes.Mistakes(tests.shares(), device)
    scores: Scores = evaluate(network.to(device), tests.batches(), len(card.classes), device, [seen])
    result = scores.to_dict(card.classes)
    worst = seen.worst()
    if prepared.place.rank == 0:
        mistakes.write(directory.mistakes, worst, prepared.dataset.test, card.classes)
        metrics = card.metrics | {f"test/{key}": result[key] for key in ("images", "correct", "top1", "topk")}
        save(directory.best, network.state_dict(), card.model_copy(update={"metrics": metrics}))
    return result


def _about(prepared: Prepared, processes: list[tuple[int, float]]) -> dict[str, object]:
    job = prepared.job
    return {
        "processes": processes,
        "spec": job.spec.to_dict(),
        "recipe": job.recipe.to_dict(),
        "notes": list(prepared.notes),
    }


def _processes() -> list[tuple[int, float]]:
    mine = identity(os.getpid())
    if not torch.distributed.is_initialized():
        return [mine]
    every: list[tuple[int, float]] = [mine] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(every, mine)
    return [identity(os.getppid()), *every]


def run(folder: Path) -> NoReturn:
    """Trains the job of a run directory, and ends this process."""
    if JOB_ID in os.environ:  # a supervisor started this process; without it nobody would end the process
        end_with_parent()
    status = main(folder)
    logging.shutdown()
    os._exit(status)  # everything is written; an ordinary exit unloads torch and holds the job's slot for seconds


if __name__ == "__main__":
    run(Path(sys.argv[1]))
