"""A job on a terminal: a bar for the current epoch, a line for each finished epoch, and a summary."""

import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event
from types import FrameType
from typing import Any

from tqdm import tqdm

from explorer.cli.print_progress import step_text
from explorer.formatting import short
from explorer.i18n import _
from explorer.jobs.remarks import DROP, describe_drop
from explorer.jobs.run_directory import POINT
from explorer.jobs.service import check_runner, jobs_ahead
from explorer.jobs.store import ACTIVE, Record, Status, store

POLL = 0.2  # seconds
EPOCH = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{postfix}"  # tqdm would estimate one epoch
LAST_METRIC = "time/images_per_second"  # the metric of an epoch that is written last


def follow(job: str) -> Record:
    """Shows a job on stderr until it ends or the user presses Ctrl-C, which does not stop the job.

    Raises:
        InputError: If there is no job with this id.
    """
    printed = 0
    record = store().get(job)
    with (
        _catch_interrupts() as interrupted,
        tqdm(desc=_("starting"), bar_format="{desc}", leave=False, disable=None, dynamic_ncols=True) as bar,
    ):
        write = partial(bar.write, file=sys.stderr)
        shown: Record | None = None
        while record.status in ACTIVE and not interrupted.is_set():
            if record != shown:
                if not record.live or record.live.get("epoch", printed + 2) > printed + 1:  # there may be new metrics
                    printed = _print_epochs(job, printed, write)
                _update_bar(bar, record)
                shown = record
            check_runner()
            interrupted.wait(POLL)
            record = store().get(job)
        _print_epochs(job, printed, write)
        if interrupted.is_set():
            write(_("the job goes on: 'jobs follow {id}' shows it again, 'jobs stop {id}' ends it").format(id=job))
    return record


@contextmanager
def _catch_interrupts() -> Iterator[Event]:
    """Provides an event that Ctrl-C sets, because an exception could leave a half-written bar."""
    interrupted = Event()

    def handle(_signal: int, _frame: FrameType | None) -> None:
        interrupted.set()

    former = signal.signal(signal.SIGINT, handle)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, former)


def _print_epochs(job: str, printed: int, write: Callable[[str], None]) -> int:
    """Prints the epochs after the printed ones, and returns the number of the last printed epoch."""
    epochs: dict[int, dict[str, float]] = {}
    for row in store().rows(job):
        if row.name.startswith(POINT):
            continue
        epochs.setdefault(int(row.epoch), {})[row.name] = row.value
    for epoch in sorted(number for number, numbers in epochs.items() if number > printed and LAST_METRIC in numbers):
        numbers = epochs[epoch]
        write(epoch_line(epoch, numbers))
        if DROP in numbers:
            write(describe_drop(epoch, numbers["rate"], numbers[DROP], store().get(job).recipe))
        printed = epoch
    return printed


def epoch_line(epoch: int, numbers: dict[str, float]) -> str:
    """Returns a line with the metrics of an epoch."""
    held_out = _("no validation")
    if "validation/top1" in numbers:
        # Data sets with few classes have no top-3, or no top-2.
        k = next((k for k in (3, 2) if f"validation/top{k}" in numbers), None)
        words = (
            _("validation {top1:.2%}, top-{k} {topk:.2%}, loss {loss:.4f}")
            if k
            else _("validation {top1:.2%}, loss {loss:.4f}")
        )
        held_out = words.format(
            top1=numbers["validation/top1"],
            k=k,
            topk=numbers.get(f"validation/top{k}"),
            loss=numbers["validation/loss"],
        )
    return _(
        "epoch {epoch:>3}: train {top1:.2%}, loss {loss:.4f}; {held_out}; rate {rate:.3g}; {seconds:.1f} s, "
        "{speed} images/s"
    ).format(
        seconds=numbers["time/seconds"],
        epoch=epoch,
        top1=numbers["train/top1"],
        loss=numbers["train/loss"],
        held_out=held_out,
        rate=numbers["rate"],
        speed=short(round(numbers[LAST_METRIC])),
    )


def _update_bar(bar: "tqdm[Any]", record: Record) -> None:
    """Shows the current step, or an epoch as a bar."""
    live = record.live
    if live is not None and live.get("step") and live["total"]:
        bar.bar_format, bar.total, bar.n = EPOCH, live["total"], live["done"]
        bar.set_postfix_str("", refresh=False)
        bar.set_description_str(_epoch_step_text(live))
        return
    if live is None or "step" in live:
        bar.bar_format = "{desc}"
        bar.set_description_str(step_text(live["step"], live["done"], live["total"]) if live else _waiting_text(record))
        return
    bar.bar_format, bar.total, bar.n = EPOCH, live["batches"], live["batch"]
    bar.set_description_str(
        _("epoch {epoch} of {epochs}").format(epoch=live["epoch"], epochs=live["epochs"]), refresh=False
    )
    bar.set_postfix_str(_live_text(live))


def _epoch_step_text(live: dict[str, Any]) -> str:
    """Returns the name of a step, with its epoch if it has one."""
    if "epoch" not in live:
        return str(live["step"])
    return _("epoch {epoch} of {epochs}, {step}").format(epoch=live["epoch"], epochs=live["epochs"], step=live["step"])


def _waiting_text(record: Record) -> str:
    if record.status is not Status.QUEUED:
        return _("starting")
    before = jobs_ahead(record.id, store().records([Status.QUEUED]))
    return _("queued, jobs before it: {count}").format(count=before)


def _live_text(live: dict[str, Any]) -> str:
    """Returns remaining time and metrics; the most important first, because a narrow terminal cuts off the rest."""
    if live["seconds_left"] is None:
        return ""
    left = tqdm.format_interval(live["seconds_left"])
    if live["loss"] is None:  # between two epochs
        return _("{left} left").format(left=left)
    return _("{left} left, loss {loss:.3f}, {top1:.1%}, {speed:,.0f} images/s").format(
        loss=live["loss"],
        top1=live["top1"],
        speed=live["images_per_second"],
        left=left,
    )


def table(records: Iterable[Record]) -> list[str]:
    """Returns a line for each job."""
    return [
        f"{record.id}  {record.status:<11}  {record.progress:4.0%}  {_best(record):>7}  {record.name}"
        for record in records
    ]


def _best(record: Record) -> str:
    return f"{record.result['top1']:.2%}" if record.result else ""


def headline(job: dict[str, Any]) -> str:
    """Returns the state of a job in one line."""
    if job["error"]:
        return _("{name} ({id}) {status}: {reason}").format(**job, reason=job["error"]["message"])
    return _("{name} ({id}) {status}").format(**job)


def summary(job: dict[str, Any]) -> str:
    """Returns the state of a job with scores, weights and notes."""
    lines = [headline(job)]
    if job["live"] and job["live"].get("step"):
        lines.append(_("now: {step}").format(step=job["live"]["step"]))
    if job["result"]:
        lines += [scores(job["result"])]
    if job["machine"]:
        lines.append(_("machine: {name}").format(name=job["machine"]))
    if job["weights"]:
        lines.append(_("weights: {file}").format(file=job["weights"]))
    return "\n".join(lines + notes(job))


def notes(described: dict[str, Any]) -> list[str]:
    """Returns the notes of a job or an evaluation, one line each."""
    return [_("note: {note}").format(note=note) for note in described["notes"]]


def scores(result: dict[str, Any]) -> str:
    """Returns the accuracies of a test set."""
    width = max(map(len, result["per_class"]))
    tops = {"1": result["top1"], **result["topk"]}
    lines = [
        _("{correct:,} of {images:,} right").format(correct=result["correct"], images=result["images"]),
        *(_("top-{k}: {share:.2%}").format(k=k, share=share) for k, share in tops.items()),
        *(
            [_("expected calibration error: {share:.2%}").format(share=result["calibration"]["ece"])]
            if "calibration" in result  # only of an evaluation
            else []
        ),
        *(
            f"  {name.ljust(width)}  " + ("–" if share is None else f"{share:.2%}")
            for name, share in result["per_class"].items()
        ),
    ]
    return "\n".join(lines)


def exit_status(job: dict[str, Any]) -> int:
    """Returns the exit status of a command that waited for a job: 2 for an error of the input."""
    if job["status"] not in {Status.FAILED, Status.INTERRUPTED}:
        return 0
    return 2 if job["error"] and job["error"]["code"] in {"input", "vanished"} else 1
