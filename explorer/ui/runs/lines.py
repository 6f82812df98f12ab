"""Lines of the charts: one for each run, or one for the mean of several seeds with their spread."""

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.i18n import _, ngettext
from explorer.jobs.compare import SEED, Curves, by_configuration, spread
from explorer.jobs.run_directory import POINT
from explorer.jobs.store import ACTIVE, Record
from explorer.ui.runs import curves, shared
from explorer.ui.runs.curves import Curve

TRAINING, VALIDATION = "train", "validation"


@dataclass(frozen=True)
class RunGroup:
    """A run, or several runs that differ only in their seed. A group has one colour."""

    position: int
    name: str
    records: tuple[Record, ...]
    curves: tuple[Curves, ...]


def group_runs(records: Sequence[Record], *, together: bool) -> list[RunGroup]:
    """Groups the chosen runs. Returns at most as many groups as there are different lines."""
    groups = by_configuration(records) if together else [[record] for record in records]
    return [
        RunGroup(position, _name(group), tuple(group), tuple(shared.curves_of(record) for record in group))
        for position, group in enumerate(groups[: curves.MAX_LINES])
    ]


def _name(group: Sequence[Record]) -> str:
    if len(group) == 1:
        return group[0].name
    name = (
        group[0].name.replace(f" · {SEED}={group[0].recipe[SEED]}", "").replace(f" {SEED}={group[0].recipe[SEED]}", "")
    )
    return ngettext("{name}, {count} seed", "{name}, {count} seeds", len(group)).format(name=name, count=len(group))


def lines(groups: Sequence[RunGroup], metric: str) -> list[Curve]:
    """Returns the lines of a metric: ``loss`` or ``top1`` of training and validation, or another such as ``rate``.

    Only a single run has points within epochs. Those of several seeds would cover their spread.
    """
    kinds = {f"{VALIDATION}/{metric}": False, f"{TRAINING}/{metric}": True, metric: False, POINT + metric: True}
    found = []
    for group in groups:
        for name, training in kinds.items():
            within = name.startswith(POINT)
            curves_of_metric = [line for curves_of_run in group.curves if (line := curves_of_run.get(name))]
            if curves_of_metric and not (within and len(group.curves) > 1):
                points = curves_of_metric[0] if len(group.curves) == 1 else spread(curves_of_metric)
                found.append(
                    Curve(group.position, _line_name(group, name, len(groups)), training, points, group.name, within)
                )
    return found


def _line_name(group: RunGroup, metric: str, count: int) -> str:
    images = {TRAINING: _("training"), VALIDATION: _("validation"), "step": _("training, within epochs")}.get(
        metric.partition("/")[0], ""
    )
    if count == 1:
        return images or group.name
    return f"{group.name} · {images}" if images else group.name


def last_epoch(groups: Sequence[RunGroup]) -> float:
    """Returns the last epoch of the axis: the end of an active run, or the last epoch reached."""
    return max(
        (
            max(
                max((line[-1].epoch for line in curves_of_run.values()), default=0),
                record.recipe["epochs"] if record.status in ACTIVE else 0,
            )
            for group in groups
            for record, curves_of_run in zip(group.records, group.curves, strict=True)
        ),
        default=0,
    )
