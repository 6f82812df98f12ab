"""Writes what a run reports while it trains: live numbers, metrics, TensorBoard events and checkpoints."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from explorer.i18n import _
from explorer.jobs.run_directory import POINT, RunDirectory
from explorer.training import checkpoint
from explorer.training.loop import Training
from explorer.training.provenance import hardware
from explorer.weights.files import Card, save

STEPS = "steps"  # folder of the events within epochs
LIVE_EVERY = 1.0  # seconds between two updates of the live numbers: each makes the CPU wait for the device
SAVE_EVERY = 2.0  # least seconds between two checkpoints
SAVE_SHARE = 0.02  # largest share of the time for checkpoints
SAVE_AT_LEAST = 60.0  # seconds after which a checkpoint is written within an epoch


class MetricsLogger:
    """Writes the run directory. Used by rank 0 only."""

    def __init__(self, directory: RunDirectory, about: dict[str, Any], card: Card) -> None:
        """Prepares the logger.

        Args:
            directory: Directory of the run.
            about: Constant part of the live numbers: processes, spec, recipe and notes.
            card: Card of the weights, without metrics.
        """
        self.directory = directory
        self.about = about
        self.card = card
        self.rows_written = 0
        self.begin = self.last_live = self.last_saved = time.monotonic()
        self.start = 0.0  # progress at the beginning
        self.saving = 0.0  # seconds for the last checkpoint
        self.unsaved_best: dict[str, Any] | None = None
        self.events: SummaryWriter | None = None
        # Separate from events: it counts steps, and purge_step hides everything in a file after a step.
        self.points: SummaryWriter | None = None

    def open(self, training: Training, classes: Sequence[str]) -> None:
        """Starts the files, or continues them after a checkpoint."""
        self.start = training.progress
        self.directory.open(training.rows, classes)
        self.rows_written = len(training.rows)
        # TensorBoard hides events from after the checkpoint, because those epochs run again.
        self.events = SummaryWriter(str(self.directory.folder), purge_step=training.epoch + 1)
        self.steps = training.batches.steps
        done = training.epoch * self.steps + training.batch
        self.points = SummaryWriter(str(self.directory.folder / STEPS), purge_step=done + 1)
        self.live(training)

    def live_is_due(self) -> bool:
        """Returns whether the live numbers are out of date."""
        return time.monotonic() - self.last_live >= LIVE_EVERY

    def save_is_due(self, *, epoch_done: bool) -> bool:
        """Returns whether a checkpoint is due: rarely enough to cost little, often enough to lose little."""
        since = time.monotonic() - self.last_saved
        return since >= max(SAVE_EVERY if epoch_done else SAVE_AT_LEAST, self.saving / SAVE_SHARE)

    def live(self, training: Training, loss: float | None = None, top1: float | None = None) -> None:
        """Replaces the live numbers, and writes new rows. ``loss`` and ``top1`` belong to the current epoch."""
        self._write_rows(training)
        self.last_live = time.monotonic()
        done = training.progress
        gained = done - self.start
        images = training.batches.images * training.batch / training.batches.steps
        self.directory.write_progress(
            self.about
            | {
                "progress": done,
                "live": {
                    "epoch": min(training.epoch + 1, training.recipe.epochs),
                    "epochs": training.recipe.epochs,
                    "batch": training.batch,
                    "batches": training.batches.steps,
                    "rate": training.schedule.rate,
                    "loss": loss,
                    "top1": top1,
                    "images_per_second": images / training.seconds if training.seconds else None,
                    "seconds_left": (self.last_live - self.begin) * (1 - done) / gained if gained > 0 else None,
                },
            }
        )

    def validating(self, training: Training, done: int, total: int) -> None:
        """Reports the progress of the validation."""
        if not self.live_is_due():
            return
        self.last_live = time.monotonic()
        live = {"step": _("evaluating the epoch"), "done": done, "total": total}
        live |= {"epoch": training.epoch + 1, "epochs": training.recipe.epochs}
        self.directory.write_progress(self.about | {"progress": training.progress, "live": live})

    def testing(self) -> None:
        """Reports that all epochs are done and the test has started."""
        live = {"step": _("testing the best epoch"), "done": 0, "total": 0}
        self.directory.write_progress(self.about | {"progress": 1.0, "live": live})

    def after_epoch(self, training: Training, *, improved: bool) -> None:
        """Writes the epoch's metrics. Keeps a copy of the weights if they are the best so far."""
        if improved:
            self.unsaved_best = {
                name: tensor.to("cpu", copy=True) for name, tensor in training.evaluated_network.state_dict().items()
            }
        self.live(training)

    def _write_rows(self, training: Training) -> None:
        """Writes the new metrics to the run directory and to TensorBoard."""
        rows, self.rows_written = training.rows[self.rows_written :], len(training.rows)
        if not rows:
            return
        self.directory.append(rows)
        assert self.events is not None  # noqa: S101  for the type checker
        assert self.points is not None  # noqa: S101
        for row in rows:
            if row.name.startswith(POINT):
                self.points.add_scalar(row.name, row.value, round(row.epoch * self.steps))
            else:
                self.events.add_scalar(row.name, row.value, int(row.epoch))
        self.events.flush()
        self.points.flush()

    def save(self, training: Training, state: dict[str, Any]) -> None:
        """Writes the best weights, then the checkpoint that refers to them."""
        begin = time.monotonic()
        if self.unsaved_best is not None and training.best is not None:
            save(self.directory.best, self.unsaved_best, self._card(training.best.epoch, training))
            self.unsaved_best = None
        if training.epoch and not training.batch:
            save(self.directory.last, training.evaluated_network.state_dict(), self._card(training.epoch, training))
        checkpoint.write(self.directory.resume, state)
        self.last_saved = time.monotonic()
        self.saving = self.last_saved - begin

    def _card(self, epoch: int, training: Training) -> Card:
        of_epoch = [row for row in training.rows if row.epoch == epoch and not row.name.startswith(POINT)]
        # Read now, because a resumed run takes the number of threads from its checkpoint.
        made_by = {"date": datetime.now(UTC).strftime("%Y-%m-%d"), "hardware": hardware(training.plan.device)}
        return self.card.model_copy(
            update={
                "metrics": {"epoch": epoch, **{row.name: row.value for row in of_epoch}},
                "made_by": self.card.made_by | made_by,
            }
        )

    def close(self) -> None:
        """Closes the TensorBoard files."""
        for events in (self.events, self.points):
            if events is not None:
                events.close()
