"""Kills workers: ``python -m tests.helpers.killer FOLDER writers|workers|memory`` prints the outcome as JSON.

This is a separate process, because a process that has computed with several threads must not fork. It imports torch
once, and kills forks of itself, which have data and network already.
"""

import gc
import itertools
import json
import os
import random
import resource
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
import torch

from explorer.data import load
from explorer.jobs.job import Job
from explorer.jobs.run_directory import RunDirectory
from explorer.training import checkpoint, worker
from explorer.training import metrics_logger as logger
from explorer.training.loop import Training, train
from explorer.training.setup import PreparedTraining, prepare
from explorer.weights import files
from tests.helpers.training import difference, keep_final_states

SHORT = 8  # starts that are ended early
STARTS = 100  # most starts until a run that is stopped and killed has to finish

chance = random.Random(0)  # noqa: S311  random times, no secrets


class Killer:
    """Lets forks write the checkpoints of a training, and kills each fork at a random time."""

    def __init__(self, logger: logger.MetricsLogger) -> None:
        self.logger = logger
        self.checkpoints = self.kills = self.hits = self.written = 0
        self.before: dict[str, Any] = {}
        self.seconds = 0.0  # duration of a checkpoint

    def after_step(self, training: Training) -> None:
        if training.batch < training.batches.steps:
            self.kill(training)

    def validating(self, training: Training, done: int, total: int) -> None:
        pass

    def after_epoch(self, training: Training, *, improved: bool) -> None:
        self.logger.after_epoch(training, improved=improved)
        self.kill(training)

    def kill(self, training: Training) -> None:
        """Kill the writer of a checkpoint; check that each file is complete, from this checkpoint or the one before."""
        state = checkpoint.capture(training)
        ready, go = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.write(go, b"!")
            self.logger.save(training, state)
            os._exit(0)
        os.read(ready, 1)
        begin = time.monotonic()
        os.close(ready)
        os.close(go)
        if spared := (self.checkpoints % 5 == 0):  # measures how long a checkpoint takes
            os.waitpid(pid, 0)
            self.seconds = time.monotonic() - begin
        else:
            time.sleep(chance.uniform(0, self.seconds))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            self.kills += 1
        self.checkpoints += 1
        parts = list(self.logger.directory.folder.glob(".*.part"))
        self.hits += bool(parts)
        for part in parts:  # as the next worker does
            part.unlink()

        found = contents(self.logger.directory)
        wanted = {"resume": state, "best": training.best and training.best.epoch, "last": training.epoch}
        for name, value in found.items():
            new = difference(value, wanted[name]) is None
            self.written += new and not spared
            assert new or difference(value, self.before[name]) is None, name
        assert found.keys() >= self.before.keys()
        self.before = found


def contents(directory: RunDirectory) -> dict[str, Any]:
    """The state, and the epochs of the weights; fails if a file is broken."""
    found: dict[str, Any] = {"resume": checkpoint.read(directory.resume)}
    for name, path in (("best", directory.best), ("last", directory.last)):
        if path.exists():
            _network, card = files.load(path)
            found[name] = card.metrics["epoch"]
            assert card.metrics["train/loss"] > 0
            if (card_alone := path.with_suffix(".json")).exists():  # a first one is written after the weights
                json.loads(card_alone.read_text())
    return found


def kill_writers(folder: Path, prepared: PreparedTraining) -> dict[str, Any]:
    """Train, and kill the writer of each checkpoint."""
    directory = RunDirectory(folder)
    killer = Killer(logger.MetricsLogger(directory, {}, prepared.card))
    directory.begin()
    killer.logger.open(prepared.training, prepared.dataset.classes)
    train(prepared.training, killer)
    compiler = "torch._dynamo" in sys.modules
    return {"kills": killer.kills, "hits": killer.hits, "written": killer.written, "compiler": compiler}


def kill_workers(folder: Path, prepared: PreparedTraining) -> dict[str, Any]:
    """Stop and kill workers at random times until one ends by itself; returns how often each end occurred."""
    setattr(worker, "load", lambda *_arguments: prepared.dataset)  # noqa: B010  where it is called
    setattr(worker, "prepare", lambda *_arguments: prepared)  # noqa: B010
    logger.SAVE_EVERY, logger.SAVE_SHARE = 0.0, 1.0
    ends: Counter[str] = Counter()
    signals = itertools.cycle([signal.SIGTERM, signal.SIGKILL])
    while sum(ends.values()) < STARTS and not ends["finished"]:
        pid = os.fork()
        if pid == 0:
            log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 2)
            with keep_final_states():
                os._exit(worker.main(folder))
        # The first starts are too short to finish on any machine; the last ones are long enough on any machine.
        starts = sum(ends.values())
        time.sleep(chance.uniform(0.02, 0.05 if starts < SHORT else 0.25 * 1.05 ** (starts - SHORT)))
        if os.waitpid(pid, os.WNOHANG) == (0, 0):
            os.kill(pid, next(signals))
            os.waitpid(pid, 0)
        end = RunDirectory(folder).read_end()
        ends[end["status"] if end else "killed"] += 1
    return dict(ends)


def starve(folder: Path, prepared: PreparedTraining) -> dict[str, Any]:
    """Give workers less memory than a batch takes, in several amounts; returns how each ended."""
    setattr(worker, "load", lambda *_arguments: prepared.dataset)  # noqa: B010  where it is called
    ends: dict[str, Any] = {}
    for megabytes in (5, 100):
        pid = os.fork()
        if pid == 0:
            log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 2)
            limit = psutil.Process().memory_info().vms + megabytes * 2**20
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            os._exit(worker.main(folder))
        os.waitpid(pid, 0)
        ends[str(megabytes)] = RunDirectory(folder).read_end()
    return ends


def main(folder: Path, what: str) -> None:
    """Print the outcome."""
    patch("os.fsync").start()  # not needed: the system has what a killed process wrote, and there is no power cut
    gc.freeze()  # without it, the garbage collector of each fork would copy all objects
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    job = Job.read(folder)
    prepared = prepare(job, load(job.dataset))
    kill = {"writers": kill_writers, "workers": kill_workers, "memory": starve}[what]
    print(json.dumps(kill(folder, prepared)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
