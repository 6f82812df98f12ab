"""A job on a terminal: a bar for the epoch under way, a line for each that is done, and the end."""

import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event
from types import FrameType
from typing import Any

from tqdm import tqdm

from explorer.cli.print_progress import step
from explorer.formatting import short
from explorer.i18n import _
from explorer.jobs.remarks import DROP, drop
from explorer.jobs.run_directory import POINT
from explorer.jobs.service import ahead, keep_awake
from explorer.jobs.store import ACTIVE, Record, Status, store

POLL = 0.2  # seconds
EPOCH = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{postfix}"  # tqdm's own estimate is for one epoch
LAST_NUMBER = "time/images_per_second"  # of an epoch that is written to its end


def follow(job: str) -> Record:
    """Show a job on stderr until it has ended; Ctrl-C leaves it to go on.

    Raises:
        InputError: where there is none of this id.
    """
    told = 0
    record = store().get(job)
    with (
        _interruptions() as left,
        tqdm(desc=_("starting"), bar_format="{desc}", leave=False, disable=None, dynamic_ncols=True) as bar,
    ):
        say = partial(bar.write, file=sys.stderr)
        shown: Record | None = None
        while record.status in ACTIVE and not left.is_set():
            if record != shown:
                if not record.live or record.live.get("epoch", told + 2) > told + 1:  # metrics may have come
                    told = _lines(job, told, say)
                _draw(bar, record)
                shown = record
            keep_awake()
            left.wait(POLL)
            record = store().get(job)
        _lines(job, told, say)
        if left.is_set():
            say(_("the job goes on: 'jobs follow {id}' shows it again, 'jobs stop {id}' ends it").format(id=job))
    return record


@contextmanager
def _interruptions() -> Iterator[Event]:
    """Take Ctrl-C wherever it comes, where an exception might leave a half-drawn bar and say nothing."""
    asked = Event()

    def take(_signal: int, _frame: FrameType | None) -> None:
        asked.set()

    former = signal.signal(signal.SIGINT, take)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, former)


def _lines(job: str, told: int, say: Callable[[str], None]) -> int:
    """Say the epochs that came after those told; the epochs told by now."""
    epochs: dict[int, dict[str, float]] = {}
    for row in store().rows(job):
        if row.name.startswith(POINT):
            continue
        epochs.setdefault(int(row.epoch), {})[row.name] = row.value
    for epoch in sorted(number for number, numbers in epochs.items() if number > told and LAST_NUMBER in numbers):
        numbers = epochs[epoch]
        say(epoch_line(epoch, numbers))
        if DROP in numbers:
            say(drop(epoch, numbers["rate"], numbers[DROP], store().get(job).recipe))
        told = epoch
    return told


def epoch_line(epoch: int, numbers: dict[str, float]) -> str:
    """An epoch's numbers on one line."""
    held_out = _("no validation")
    if "validation/top1" in numbers:
        # Three classes have a second place, and two not even that.
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
        speed=short(round(numbers[LAST_NUMBER])),
    )


def _draw(bar: "tqdm[Any]", record: Record) -> None:
    """Show what has no batches by its name, an epoch as a bar."""
    live = record.live
    if live is not None and live.get("step") and live["total"]:
        bar.bar_format, bar.total, bar.n = EPOCH, live["total"], live["done"]
        bar.set_postfix_str("", refresh=False)
        bar.set_description_str(_step(live))
        return
    if live is None or "step" in live:
        bar.bar_format = "{desc}"
        bar.set_description_str(step(live["step"], live["done"], live["total"]) if live else _waiting(record))
        return
    bar.bar_format, bar.total, bar.n = EPOCH, live["batches"], live["batch"]
    bar.set_description_str(
        _("epoch {epoch} of {epochs}").format(epoch=live["epoch"], epochs=live["epochs"]), refresh=False
    )
    bar.set_postfix_str(_live(live))


def _step(live: dict[str, Any]) -> str:
    """What is done that has no batches: an epoch that is judged says which."""
    if "epoch" not in live:
        return str(live["step"])
    return _("epoch {epoch} of {epochs}, {step}").format(epoch=live["epoch"], epochs=live["epochs"], step=live["step"])


def _waiting(record: Record) -> str:
    if record.status is not Status.QUEUED:
        return _("starting")
    before = ahead(record.id, store().records([Status.QUEUED]))
    return _("queued, jobs before it: {count}").format(count=before)


def _live(live: dict[str, Any]) -> str:
    """What matters most comes first: a narrow terminal cuts off the rest."""
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
    """Jobs, a line each."""
    return [
        f"{record.id}  {record.status:<11}  {record.progress:4.0%}  {_best(record):>7}  {record.name}"
        for record in records
    ]


def _best(record: Record) -> str:
    return f"{record.result['top1']:.2%}" if record.result else ""


def headline(job: dict[str, Any]) -> str:
    """How a job ended, in one line."""
    if job["error"]:
        return _("{name} ({id}) {status}: {reason}").format(**job, reason=job["error"]["message"])
    return _("{name} ({id}) {status}").format(**job)


def ending(job: dict[str, Any]) -> str:
    """How a job ended, for people."""
    lines = [headline(job)]
    if job["result"]:
        lines += [scores(job["result"])]
    if job["weights"]:
        lines.append(_("weights: {file}").format(file=job["weights"]))
    return "\n".join(lines + notes(job))


def notes(told: dict[str, Any]) -> list[str]:
    """What a job or an evaluation has assumed or changed, for people."""
    return [_("note: {note}").format(note=note) for note in told["notes"]]


def scores(result: dict[str, Any]) -> str:
    """Accuracies on the test set, for people."""
    width = max(map(len, result["per_class"]))
    tops = {"1": result["top1"], **result["topk"]}
    lines = [
        _("{correct:,} of {images:,} right").format(correct=result["correct"], images=result["images"]),
        *(_("top-{k}: {share:.2%}").format(k=k, share=share) for k, share in tops.items()),
        *(
            [_("expected calibration error: {share:.2%}").format(share=result["calibration"]["ece"])]
            if "calibration" in result  # not of a run
            else []
        ),
        *(
            f"  {name.ljust(width)}  " + ("–" if share is None else f"{share:.2%}")
            for name, share in result["per_class"].items()
        ),
    ]
    return "\n".join(lines)


def fail_status(job: dict[str, Any]) -> int:
    """The exit status of a command that waited for a job: 2 where the input is at fault."""
    if job["status"] not in {Status.FAILED, Status.INTERRUPTED}:
        return 0
    return 2 if job["error"] and job["error"]["code"] in {"input", "vanished"} else 1
