"""Comparison of several runs: curves, differing fields, seeds of one configuration, and axes of a sweep."""

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
    """A value and its epoch. Within an epoch, ``epoch`` is the fractional number of epochs done."""

    epoch: float
    value: float


class Spread(NamedTuple):
    """Mean and sample standard deviation of several seeds in an epoch."""

    epoch: float
    mean: float
    deviation: float
    seeds: int


class Difference(NamedTuple):
    """A field with its value in each run. None for a run without this field."""

    key: str
    values: tuple[Any, ...]


Curves = Mapping[str, Sequence[Point]]


def curves(rows: Iterable[Row]) -> dict[str, list[Point]]:
    """Returns the metrics by name, in the order of the epochs."""
    found: dict[str, list[Point]] = {}
    for row in sorted(rows):
        found.setdefault(row.name, []).append(Point(row.epoch, row.value))
    return found


def best(curve: Sequence[Point], *, least: bool = False) -> Point | None:
    """Returns the first point with the highest value, or the lowest if ``least``. None if no value is finite."""
    finite = [point for point in curve if math.isfinite(point.value)]
    return (min if least else max)(finite, key=lambda point: point.value) if finite else None


def last(curve: Sequence[Point]) -> Point | None:
    """Returns the point of the last epoch. None for an empty curve."""
    return curve[-1] if curve else None


def job_fields(record: Record) -> dict[str, Any]:
    """Returns all fields of a run: network, data, recipe and resources, by the keys of ``--set``."""
    network = {SPEC + key: value for key, value in record.spec.items()}
    return {"dataset": record.dataset, **network, **record.recipe, **record.resources}


def submitted_fields(record: Record) -> dict[str, Any]:
    """Returns the fields as submitted, without values measured on the images.

    If the submitted job is lost, returns the fields of the record.
    """
    job = service.submitted_job(record.id)
    return job_fields(record) | (job.recipe.to_dict() if job else {})


def compare_fields(records: Sequence[Record], *, everything: bool = False) -> list[Difference]:
    """Returns the fields in which runs differ, or all fields, in the order of their first appearance."""
    fields_of_runs = [job_fields(record) for record in records]
    keys = dict.fromkeys(key for one in fields_of_runs for key in one)
    rows = [Difference(key, tuple(one.get(key) for one in fields_of_runs)) for key in keys]
    return [row for row in rows if everything or any(value != row.values[0] for value in row.values)]


def by_configuration(records: Iterable[Record]) -> list[list[Record]]:
    """Groups runs that differ only in their seed. The groups are in the order of their first run.

    Fields that a run measures itself, such as the mean of its training images, don't separate groups.
    """
    groups: dict[str, list[Record]] = {}
    for record in records:
        configuration = submitted_fields(record) | {SEED: None}
        groups.setdefault(json.dumps(configuration, sort_keys=True), []).append(record)
    return list(groups.values())


def spread(lines: Iterable[Sequence[Point]]) -> list[Spread]:
    """Returns mean and deviation of several seeds in each epoch that any seed has reached. One seed has deviation 0."""
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
    """Returns the keys that a sweep varies, each with its values. Numbers are sorted, other values are as submitted."""
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
