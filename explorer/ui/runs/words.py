"""Texts about runs: status, current step, duration and settings."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from explorer.families import NamedNetwork
from explorer.formatting import bytes_short, duration
from explorer.i18n import _, language, ngettext
from explorer.jobs import service
from explorer.jobs.slots import CLUSTER
from explorer.jobs.store import AT_WORK, Record, Status, store
from explorer.ui.shared.networks import title


def elapsed_seconds(record: Record) -> float | None:
    """Returns the seconds from the last start of a run to its end, or until now. None while it waits."""
    if record.started is None or record.status is Status.QUEUED:
        return None
    return max(0.0, (record.ended or (store().time() if record.status in AT_WORK else record.changed)) - record.started)


def current_step(record: Record, ahead: int | None) -> str:
    """Returns the position of a run in the queue, its current step, or its remaining time.

    Args:
        record: Record of the run.
        ahead: Number of queued jobs before it. None if it is not queued.
    """
    live = record.live or {}
    match record.status:
        case Status.QUEUED:
            return _("next") if not ahead else _("{ahead} ahead of it").format(ahead=ahead)
        case Status.RUNNING if live.get("step"):
            done, total = live.get("done"), live.get("total")
            return f"{live['step']} {done:,}/{total:,}" if total else str(live["step"])
        case Status.RUNNING if live.get("seconds_left") is not None:
            return _("{time} left").format(time=duration(live["seconds_left"]))
        case Status.RUNNING:
            return _("starting")
        case Status.STOPPING:
            return _("writes a checkpoint")
        case _:
            return ""


def machine(record: Record) -> str:
    """Returns where a run trains, or trained last. Empty if it was not started."""
    if record.started is None or not record.machine:
        return ""
    return _("Ray cluster") if is_clustered(record) else record.machine


def is_clustered(record: Record) -> bool:
    """Returns whether a cluster runs a run, or ran it last. The run's machine is then that of the runner."""
    return CLUSTER in record.slots or service.directory(record.id).cluster_start() is not None


def epochs(record: Record) -> str:
    """Returns the current epoch of a run. Empty before the first one."""
    live = record.live or {}
    if "epoch" not in live:
        return ""
    return _("epoch {epoch:,} of {epochs:,}").format(epoch=live["epoch"], epochs=live["epochs"])


def network(record: Record) -> str:
    """Returns the title of a run's network."""
    return _network(json.dumps(record.spec), record.base, language())


def network_title(network: tuple[str | None, str]) -> str:
    """Returns the title of a network, given by preset and spec as the store has them."""
    base, spec = network
    return _network(spec, base, language())


@lru_cache(maxsize=5000)
def _network(spec: str, base: str | None, _language: str) -> str:
    return title(NamedNetwork.from_record(json.loads(spec), base))


def data(record: Record) -> str:
    """Returns the name of a run's data set."""
    return Path(record.dataset).name or record.dataset


def recipe(record: Record) -> str:
    """Returns a summary of a run's recipe."""
    fields = record.recipe
    return ngettext(
        "{optimizer}, lr {lr:g}, batch {batch}, {epochs} epoch",
        "{optimizer}, lr {lr:g}, batch {batch}, {epochs} epochs",
        fields["epochs"],
    ).format(optimizer=fields["optimizer"], lr=fields["lr"], batch=fields["batch_size"], epochs=fields["epochs"])


def with_sizes(frame: pd.DataFrame) -> Styler:
    """Formats the ``size`` column as text with units. The table still sorts it by bytes."""
    text: Any = bytes_short
    return frame.style.format(text, subset=["size"])


def value(setting: Any) -> str:
    """Returns a setting as text, in the form in which it is typed."""
    return setting if isinstance(setting, str) else json.dumps(setting, ensure_ascii=False)
