"""Weights as options of a select box, with their accuracy and size; downloads of torchvision's weights."""

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import streamlit as st

from explorer.analysis import analyse
from explorer.families import Spec
from explorer.formatting import bytes_short, short
from explorer.i18n import _
from explorer.ui.shared.task_queue import TaskQueue
from explorer.weights import registry
from explorer.weights.files import Card
from explorer.weights.torchvision import catalogue
from explorer.workers.progress import Progress

TOP1_METRICS = ("test/top1", "torchvision/top1", "validation/top1")  # of a card, the most reliable one first


def _download_weights(name: str, progress: Progress) -> registry.RegistryEntry:
    registry.find(name, progress)
    return next(entry for entry in registry.entries() if entry.name == name)


downloads = TaskQueue(_download_weights)


def option_label(entry: registry.RegistryEntry | None, name: str, run_name: str = "") -> str:
    """Return the label of weights in a select box. ``run_name`` is the current name of their run."""
    if entry is None or entry.card is None:
        return _("{name} (not here)").format(name=name)
    parts = [f"{_icon(entry.origin)} {name.removeprefix(registry.TORCHVISION)}"]
    if entry.origin is registry.Origin.JOB:
        parts = [f"{_icon(entry.origin)} {run_name or entry.card.name}", *written_at(entry)]
    if top1 := accuracy(entry.card):
        words = {"validation/top1": _("{share:.2%} on validation images"), "": _("{share:.2%}, as its card says")}
        parts.append(words.get(accuracy_metric(entry), "{share:.2%}").format(share=top1))
    parts.append(short(parameter_count(name, entry.card.network_spec)))
    if not entry.is_there:
        parts.append(_("download of {size}").format(size=bytes_short(download_size(name))))
    return " · ".join(parts)


def written_at(entry: registry.RegistryEntry) -> list[str]:
    """Return the minute in which the weights of a run were written, which tells runs of one name apart."""
    try:
        seconds = entry.path.stat().st_mtime
    except OSError:  # removed after the list was made
        return []
    return [f"{datetime.fromtimestamp(seconds, ZoneInfo(st.context.timezone or 'UTC')):%Y-%m-%d %H:%M}"]


def _icon(origin: registry.Origin) -> str:
    # The options of a select box are plain text, without Material icons.
    return {
        registry.Origin.PRETRAINED: "★",
        registry.Origin.IMPORTED: "⇥",
        registry.Origin.JOB: "▶",
        registry.Origin.TORCHVISION: "◆",
    }[origin]


def accuracy(card: Card) -> float | None:
    """Return the most reliable top-1 accuracy of a card, from 0 to 1."""
    return card.metrics.get(_best_metric(card))


def _best_metric(card: Card) -> str:
    return next((key for key in TOP1_METRICS if isinstance(card.metrics.get(key), float)), "")


def accuracy_metric(entry: registry.RegistryEntry) -> str:
    """Return the metric of :func:`accuracy`. Empty if the author of an imported file may have made it up."""
    card = entry.card
    if card is None or (entry.origin is registry.Origin.IMPORTED and "job" not in card.made_by):
        return ""
    return _best_metric(card)


@lru_cache(maxsize=2000)
def parameter_count(name: str, spec: Spec) -> int:
    """Return the number of parameters of a network. torchvision states its own, which saves an analysis."""
    if torchvision_entry := catalogue().get(name):
        return int(torchvision_entry.weights.meta["num_params"])
    params: int = analyse(spec).totals.params
    return params


def download_size(name: str) -> int:
    """Return the size of a torchvision file in bytes."""
    size: float = catalogue()[name].weights.meta["_file_size"]
    return round(size * 2**20)
