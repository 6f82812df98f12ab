"""Builds jobs from a network, a data set, a recipe and the values of a sweep."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from explorer.errors import InputError, shown
from explorer.families import NamedNetwork, Spec
from explorer.i18n import _
from explorer.jobs.job import MAX_NAME, Job, Resources, new_id
from explorer.recipes import Recipe, assignments, parse_sweep
from explorer.recipes.changes import MAX_SWEEP, SPEC


def jobs(
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
    plain = Job.new(network, dataset, recipe, resources, name)
    if not varied and not rows:
        return [plain]
    grid = parse_sweep(varied)
    listed = [(number, row) for number, row in enumerate(rows, 1) if row] or [(0, {})]
    if twice := [key for key in grid[0] if any(key in row for _number, row in listed)]:
        raise InputError(_("sweep: {key} stands in the rows and beside them").format(key=shown(twice[0])))
    if len(listed) * len(grid) > MAX_SWEEP:
        raise InputError(
            _("sweep: {jobs:,} rows and combinations are more than the {limit} jobs of a sweep").format(
                jobs=len(listed) * len(grid), limit=MAX_SWEEP
            )
        )
    together, made = new_id(), list[Job]()
    keys = dict.fromkeys(key for _number, row in listed for key in row)
    for number, row in listed:
        for values in grid:
            try:
                one = _job(plain, {**row, **values}, [*keys, *values])
            except InputError as error:
                if not number:
                    raise
                raise InputError(_("row {number}: {fault}").format(number=number, fault=error)) from None
            made.append(replace(one, sweep=together))
    _check_apart(made, [number for number, _row in listed], len(grid))
    return made


def _job(plain: Job, values: Mapping[str, str], keys: Sequence[str]) -> Job:
    """Returns the job with these values. ``varied`` also gets the job's own values for the other keys of the sweep."""
    in_recipe, in_spec = assignments(f"{key}={value}" for key, value in values.items())
    words = " ".join(f"{key.removeprefix(SPEC)}={value}" for key, value in values.items())
    one = Job.new(
        plain.network.changed(**in_spec),
        plain.dataset,
        plain.recipe.changed(**in_recipe),
        plain.resources,
        f"{plain.name} · {words}"[:MAX_NAME].strip(),
    )
    chosen = in_recipe | {f"{SPEC}{key}": value for key, value in in_spec.items()}
    has = one.recipe.to_dict() | {f"{SPEC}{key}": value for key, value in one.spec.to_dict().items()}
    return replace(one, varied=chosen | {key: has[key] for key in keys if key not in chosen and key in has})


def _check_apart(made: Sequence[Job], numbers: Sequence[int], each: int) -> None:
    """Refuses a sweep that contains the same job twice.

    Raises:
        InputError: If two jobs are equal. Names their rows, if there are any.
    """
    seen: dict[str, int] = {}
    for place, job in enumerate(made):
        number = numbers[place // each]
        former = seen.setdefault(str((job.spec, job.recipe)), place)
        if former < place and number and numbers[former // each] != number:
            raise InputError(
                _("sweep: the rows {first} and {second} are the same job").format(
                    first=numbers[former // each], second=number
                )
            )
        if former < place:
            raise InputError(_("sweep: two of the combinations are the same job"))
