"""Builds jobs from a network, a data set, a recipe and the values of a sweep."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from explorer.errors import InputError, shown
from explorer.families import NamedNetwork, Spec
from explorer.i18n import _
from explorer.jobs.job import MAX_NAME, Job, Resources, new_id
from explorer.recipes import Recipe, parse_assignments, parse_sweep
from explorer.recipes.changes import MAX_SWEEP, SPEC


def make_jobs(
    network: Spec | NamedNetwork,
    dataset: str,
    recipe: Recipe,
    resources: Resources,
    *,
    name: str = "",
    varied: Sequence[str] = (),
    rows: Sequence[Mapping[str, str]] = (),
) -> list[Job]:
    """Returns one job, or one for each combination of a sweep.

    Args:
        network: The network, with what it was made from if known.
        dataset: Name or path of the data set.
        recipe: Recipe of the training.
        resources: Resources of each job.
        name: Name of the job. The jobs of a sweep have their values added.
        varied: Grid as ``KEY=V1,V2,…`` texts. ``spec.KEY`` varies the network.
        rows: Table rows as values by key, which need not form a grid. With a grid, each row is combined with each of
            its cells.

    Raises:
        InputError: If a value is invalid. Names the value, and the row.
    """
    base = Job.new(network, dataset, recipe, resources, name)
    if not varied and not rows:
        return [base]
    grid = parse_sweep(varied)
    numbered_rows = [(number, row) for number, row in enumerate(rows, 1) if row] or [(0, {})]
    if repeated := [key for key in grid[0] if any(key in row for _number, row in numbered_rows)]:
        raise InputError(
            _("sweep: {key} has values in the rows and also outside of them").format(key=shown(repeated[0]))
        )
    if len(numbered_rows) * len(grid) > MAX_SWEEP:
        raise InputError(
            _("sweep: {jobs:,} rows and combinations are more than the {limit} jobs of a sweep").format(
                jobs=len(numbered_rows) * len(grid), limit=MAX_SWEEP
            )
        )
    sweep_id, jobs = new_id(), list[Job]()
    keys = dict.fromkeys(key for _number, row in numbered_rows for key in row)
    for number, row in numbered_rows:
        for values in grid:
            try:
                job = _job(base, {**row, **values}, [*keys, *values])
            except InputError as error:
                if not number:
                    raise
                raise InputError(_("row {number}: {fault}").format(number=number, fault=error)) from None
            jobs.append(replace(job, sweep=sweep_id))
    _check_unique(jobs, [number for number, _row in numbered_rows], len(grid))
    return jobs


def _job(base: Job, values: Mapping[str, str], keys: Sequence[str]) -> Job:
    """Returns the job with these values. ``varied`` also gets the job's own values for the other keys of the sweep."""
    in_recipe, in_spec = parse_assignments(f"{key}={value}" for key, value in values.items())
    words = " ".join(f"{key.removeprefix(SPEC)}={value}" for key, value in values.items())
    job = Job.new(
        base.network.changed(**in_spec),
        base.dataset,
        base.recipe.changed(**in_recipe),
        base.resources,
        f"{base.name} · {words}"[:MAX_NAME].strip(),
    )
    set_values = in_recipe | {f"{SPEC}{key}": value for key, value in in_spec.items()}
    all_values = job.recipe.to_dict() | {f"{SPEC}{key}": value for key, value in job.spec.to_dict().items()}
    others = {key: all_values[key] for key in keys if key not in set_values and key in all_values}
    return replace(job, varied=set_values | others)


def _check_unique(jobs: Sequence[Job], numbers: Sequence[int], each: int) -> None:
    """Refuses a sweep that contains the same job twice.

    Raises:
        InputError: If two jobs are equal. Names their rows, if there are any.
    """
    seen: dict[str, int] = {}
    for index, job in enumerate(jobs):
        number = numbers[index // each]
        first = seen.setdefault(str((job.spec, job.recipe)), index)
        if first < index and number and numbers[first // each] != number:
            raise InputError(
                _("sweep: the rows {first} and {second} are the same job").format(
                    first=numbers[first // each], second=number
                )
            )
        if first < index:
            raise InputError(_("sweep: two of the combinations are the same job"))
