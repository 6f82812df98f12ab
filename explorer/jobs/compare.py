"""Several runs beside one another: their curves, what they have apart, seeds of one configuration, a sweep's axes."""

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from explorer.jobs import service
from explorer.jobs.run_directory import Row
from explorer.jobs.store import Record

SPEC = "spec."
SEED = "seed"


class Point(NamedTuple):
    """A number and the epoch that it belongs to; within an epoch, as many epochs as were done then."""

    epoch: float
    value: float


class Spread(NamedTuple):
    """What several seeds have in an epoch: their mean, and the sample's standard deviation around it."""

    epoch: float
    mean: float
    deviation: float
    seeds: int


class Difference(NamedTuple):
    """A setting with its value in each run; None where a run has no such setting."""

    key: str
    values: tuple[Any, ...]


Curves = Mapping[str, Sequence[Point]]


def curves(rows: Iterable[Row]) -> dict[str, list[Point]]:
    """Metrics by name, in the order of the epochs."""
    found: dict[str, list[Point]] = {}
    for row in sorted(rows):
        found.setdefault(row.name, []).append(Point(row.epoch, row.value))
    return found


def best(curve: Sequence[Point], *, least: bool = False) -> Point | None:
    """The first epoch with the highest number, or the lowest; None where there is no number."""
    finite = [point for point in curve if math.isfinite(point.value)]
    return (min if least else max)(finite, key=lambda point: point.value) if finite else None


def last(curve: Sequence[Point]) -> Point | None:
    """The last epoch."""
    return curve[-1] if curve else None


def settings(record: Record) -> dict[str, Any]:
    """All that a run has trained with, by the keys of ``--set``."""
    network = {SPEC + key: value for key, value in record.spec.items()}
    return {"dataset": record.dataset, **network, **record.recipe, **record.resources}


def submitted(record: Record) -> dict[str, Any]:
    """The same as it was submitted, where that is kept: without what was measured on the images."""
    job = service.submitted(record.id)
    return settings(record) | (job.recipe.to_dict() if job else {})


def table(records: Sequence[Record], *, everything: bool = False) -> list[Difference]:
    """The settings in which runs differ, or all of them, in the order in which they are first met."""
    told = [settings(record) for record in records]
    keys = dict.fromkeys(key for one in told for key in one)
    rows = [Difference(key, tuple(one.get(key) for one in told)) for key in keys]
    return [row for row in rows if everything or any(value != row.values[0] for value in row.values)]


def by_configuration(records: Iterable[Record]) -> list[list[Record]]:
    """Runs that differ in their seed alone, together; in the order in which each configuration is first met.

    What a run measures itself, such as the mean of its training images, goes with its seed.
    """
    groups: dict[str, list[Record]] = {}
    for record in records:
        told = submitted(record) | {SEED: None}
        groups.setdefault(json.dumps(told, sort_keys=True), []).append(record)
    return list(groups.values())


def spread(lines: Iterable[Sequence[Point]]) -> list[Spread]:
    """The mean of several seeds in each epoch that any of them has reached; one seed has no deviation."""
    epochs: dict[float, list[float]] = {}
    for line in lines:
        for point in line:
            if math.isfinite(point.value):
                epochs.setdefault(point.epoch, []).append(point.value)
    return [
        Spread(epoch, statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0, len(values))
        for epoch, values in sorted(epochs.items())
    ]


def axes(records: Iterable[Record]) -> dict[str, list[Any]]:
    """What a sweep varies: each key with its values, numbers by size and the rest as submitted."""
    found: dict[str, list[Any]] = {}
    for record in records:
        for key, value in record.varied.items():
            values = found.setdefault(key, [])
            if value not in values:
                values.append(value)
    for values in found.values():
        if all(isinstance(value, int | float) for value in values):
            values.sort()
    return found
