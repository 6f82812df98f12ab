"""Jobs from what people chose: a network, a data set, a recipe, and what a sweep varies."""

from collections.abc import Sequence
from dataclasses import replace

from explorer.errors import InputError
from explorer.i18n import _
from explorer.jobs.job import MAX_NAME, Job, Resources, new_id
from explorer.recipes import Recipe, assignments, sweep
from explorer.specs import Spec


def jobs(
    spec: Spec, dataset: str, recipe: Recipe, resources: Resources, *, name: str = "", varied: Sequence[str] = ()
) -> list[Job]:
    """One job, or one for each combination of what is varied.

    Args:
        spec: of the network.
        dataset: name or path.
        recipe: how to train.
        resources: where.
        name: of the job; those of a sweep have their values added.
        varied: ``KEY=V1,V2,…`` texts; ``spec.KEY`` varies the network.

    Raises:
        InputError: where a value makes no sense; names it.
    """
    if not varied:
        return [Job.new(spec, dataset, recipe, resources, name)]
    together, made = new_id(), []
    for values in sweep(varied):
        in_recipe, in_spec = assignments(f"{key}={value}" for key, value in values.items())
        stem = Job.new(spec, dataset, recipe, resources, name).name
        words = " ".join(f"{key.removeprefix('spec.')}={value}" for key, value in values.items())
        one = Job.new(
            spec.changed(**in_spec),
            dataset,
            recipe.changed(**in_recipe),
            resources,
            f"{stem} · {words}"[:MAX_NAME].strip(),
        )
        chosen = in_recipe | {f"spec.{key}": value for key, value in in_spec.items()}
        made.append(replace(one, sweep=together, varied=chosen))
    if len({str((job.spec, job.recipe)) for job in made}) < len(made):
        raise InputError(_("sweep: two of the combinations are the same job"))
    return made
