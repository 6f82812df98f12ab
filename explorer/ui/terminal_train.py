"""A job on a terminal: a bar for the epoch under way, a line for each that is done, and the end."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event
from types import FrameType
from typing import Any

from tqdm import tqdm

from explorer.drawing.numbers import short
from explorer.i18n import _
from explorer.jobs.run_directory import RunDirectory
from explorer.ui.terminal import step

POLL = 0.2  # seconds
EPOCH = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{postfix}"  # tqdm's own estimate is for one epoch
LAST_NUMBER = "time/images_per_second"  # of an epoch that is written to its end


def follow(directory: RunDirectory, worker: "subprocess.Popen[bytes]") -> None:
    """Show a job on stderr until its processes end; Ctrl-C asks it to stop after the batch in hand."""
    told = 0
    with (
        _interruptions(partial(worker.send_signal, signal.SIGTERM)) as asked,
        tqdm(desc=_("starting"), bar_format="{desc}", leave=False, disable=None, dynamic_ncols=True) as bar,
    ):
        say = partial(bar.write, file=sys.stderr)
        answered, shown = False, None
        while worker.poll() is None:
            time.sleep(POLL)
            if asked.is_set() and not answered:
                say(_("stopping: a checkpoint is written first"))
                answered = True
            live = directory.live()
            if live and live != shown:
                if live.get("epoch", told + 2) > told + 1:  # all metrics are read again only when some have come
                    told = _lines(directory, told, say)
                _draw(bar, live)
                shown = live
        _lines(directory, told, say)
    _note_death(directory, worker.returncode, asked=asked.is_set())


@contextmanager
def _interruptions(act: Callable[[], None]) -> Iterator[Event]:
    """Act on Ctrl-C wherever it comes: as an exception it would leave the job running, and say nothing of it."""
    asked = Event()

    def take(_signal: int, _frame: FrameType | None) -> None:
        asked.set()
        act()

    former = signal.signal(signal.SIGINT, take)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, former)


def _lines(directory: RunDirectory, told: int, say: Callable[[str], None]) -> int:
    """Say the epochs that came after those told; the epochs told by now."""
    epochs: dict[int, dict[str, float]] = {}
    for row in directory.rows():
        epochs.setdefault(row.epoch, {})[row.name] = row.value
    for epoch in sorted(number for number, numbers in epochs.items() if number > told and LAST_NUMBER in numbers):
        say(epoch_line(epoch, epochs[epoch]))
        told = epoch
    return told


def epoch_line(epoch: int, numbers: dict[str, float]) -> str:
    """An epoch's numbers on one line."""
    held_out = (
        _("validation {top1:.2%}, loss {loss:.4f}").format(
            top1=numbers["validation/top1"], loss=numbers["validation/loss"]
        )
        if "validation/top1" in numbers
        else _("no validation")
    )
    return _(
        "epoch {epoch:>3}: train {top1:.2%}, loss {loss:.4f}; {held_out}; rate {rate:.3g}; {speed} images/s"
    ).format(
        epoch=epoch,
        top1=numbers["train/top1"],
        loss=numbers["train/loss"],
        held_out=held_out,
        rate=numbers["rate"],
        speed=short(round(numbers[LAST_NUMBER])),
    )


def _draw(bar: "tqdm[Any]", live: dict[str, Any]) -> None:
    """Show a step that has no batches by its name, an epoch as a bar."""
    if "step" in live:
        bar.bar_format = "{desc}"
        bar.set_description_str(step(live["step"], live["done"], live["total"]))
        return
    bar.bar_format, bar.total, bar.n = EPOCH, live["batches"], live["batch"]
    bar.set_description_str(
        _("epoch {epoch} of {epochs}").format(epoch=live["epoch"], epochs=live["epochs"]), refresh=False
    )
    bar.set_postfix_str(_live(live))


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
            f"  {name.ljust(width)}  " + ("–" if share is None else f"{share:.2%}")
            for name, share in result["per_class"].items()
        ),
    ]
    return "\n".join(lines)


def fail_status(job: dict[str, Any]) -> int:
    """The exit status of a command that waited for a job: 2 where the input is at fault."""
    if job["status"] in {"finished", "stopped"}:
        return 0
    return 2 if job["error"] and job["error"]["code"] in {"input", "vanished"} else 1


def _note_death(directory: RunDirectory, status: int, *, asked: bool) -> None:
    """Write the end of a job whose processes died without a word."""
    if directory.ended() is not None:
        return
    if asked and status != -signal.SIGKILL:  # before they had anything to save
        directory.end("stopped")
    else:
        directory.end(
            "interrupted",
            error={
                "code": "killed",
                "message": _(
                    "the processes ended with status {status} before the job did: the system may have been short of "
                    "memory (use a smaller batch_size), or somebody ended them; see {log}"
                ).format(status=status, log=directory.log),
            },
        )
