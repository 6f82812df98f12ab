"""Comparison of runs: best values, differing fields, and seeds of one configuration."""

import math
import statistics
from typing import Any

from explorer.jobs import compare, service
from explorer.jobs.compare import Point
from explorer.jobs.run_directory import Row
from explorer.jobs.store import Record, Status, Store
from explorer.recipes import Recipe
from tests.helpers import made_runs


def record(jobs: Store, name: str, **recipe: Any) -> Record:
    return jobs.get(made_runs.add(jobs, name, Status.FINISHED, **recipe))


def test_best_takes_the_first_of_equal_values_and_ignores_nan() -> None:
    line = [Point(1, 0.5), Point(2, math.nan), Point(3, 0.9), Point(4, 0.9), Point(5, 0.1)]
    assert compare.best(line) == (3, 0.9)
    assert compare.best(line, least=True) == (5, 0.1)
    assert compare.last(line) == (5, 0.1)
    assert compare.best([Point(1, math.nan)]) is compare.last([]) is None


def test_curves_are_ordered_by_epoch() -> None:
    rows = [Row(2, "rate", 0.1), Row(1, "rate", 0.2), Row(1, "train/loss", 3.0)]
    assert compare.curves(rows) == {"rate": [(1, 0.2), (2, 0.1)], "train/loss": [(1, 3.0)]}


def test_only_different_fields_are_listed(jobs: Store) -> None:
    plain, other = record(jobs, "a"), record(jobs, "b", lr=0.5, seed=3)
    assert compare.compare_fields([plain, other]) == [("lr", (Recipe().lr, 0.5)), ("seed", (0, 3))]
    assert compare.compare_fields([plain, plain]) == []
    everything = {row.key for row in compare.compare_fields([plain, other], everything=True)}
    assert {"spec.cfg", "dataset", "lr", "device"} <= everything


def test_a_field_of_one_family_only_is_a_difference(jobs: Store) -> None:
    from explorer.families import resolve

    [vgg], [resnet] = made_runs.jobs(), made_runs.jobs(spec=resolve("resnet18"))
    jobs.add([vgg, resnet])
    found = dict(compare.compare_fields([jobs.get(vgg.id), jobs.get(resnet.id)]))
    assert found["spec.family"] == ("vgg", "resnet")
    assert found["spec.cfg"][1] is found["spec.blocks"][0] is None


def test_seeds_of_one_configuration_are_grouped(jobs: Store) -> None:
    runs = [record(jobs, f"{lr} {seed}", lr=lr, seed=seed) for seed in (0, 1) for lr in (0.1, 0.2)]
    groups = [[run.name for run in group] for group in compare.by_configuration(runs)]
    assert groups == [["0.1 0", "0.1 1"], ["0.2 0", "0.2 1"]]


def test_values_measured_by_a_run_do_not_separate_seeds(jobs: Store) -> None:
    """The seed determines the held-out images, so the mean of the others differs slightly."""
    made = [job for seed in (0, 1) for job in made_runs.jobs(str(seed), seed=seed)]
    assert {job.recipe.mean for job in made} == {None}
    runs = service.submit(made)
    for number, run in enumerate(runs):
        fitted = run.recipe | {"mean": [0.3054 + number / 1000], "std": [0.3757]}
        assert jobs.change(run.id, Status, recipe=fitted)
    records = [jobs.get(run.id) for run in runs]
    assert [[run.name for run in group] for group in compare.by_configuration(records)] == [["0", "1"]]
    assert dict(compare.compare_fields(records))["mean"] == ([0.3054], [0.3064])


def test_spread_equals_the_statistics_module() -> None:
    lines = [[Point(1, 0.1), Point(2, 0.5)], [Point(1, 0.3), Point(2, 0.6)], [Point(1, 0.2), Point(2, math.nan)]]
    first, second = compare.spread(lines)
    assert first == (1, statistics.fmean([0.1, 0.3, 0.2]), statistics.stdev([0.1, 0.3, 0.2]), 3)
    assert second == (2, 0.55, statistics.stdev([0.5, 0.6]), 2)
    assert compare.spread([[Point(1, 0.4)]]) == [(1, 0.4, 0.0, 1)]


def test_axes_of_a_sweep_are_sorted(jobs: Store) -> None:
    made_runs.add_sweep(jobs, "s", ["lr=0.1,0.01", "optimizer=sgd,adam"])
    assert compare.axes(jobs.records()) == {"lr": [0.01, 0.1], "optimizer": ["sgd", "adam"]}
