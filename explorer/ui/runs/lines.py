"""The lines that the curves of the chosen runs consist of: each run's, or the mean of seeds with their spread."""

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
class Drawn:
    """What has one colour: a run, or several that differ in their seed alone."""

    place: int
    name: str
    records: tuple[Record, ...]
    curves: tuple[Curves, ...]


def drawn(records: Sequence[Record], *, together: bool) -> list[Drawn]:
    """What is drawn of the chosen runs, as many as can be told apart."""
    groups = by_configuration(records) if together else [[record] for record in records]
    return [
        Drawn(place, _name(group), tuple(group), tuple(shared.curves_of(record) for record in group))
        for place, group in enumerate(groups[: curves.MOST])
    ]


def _name(group: Sequence[Record]) -> str:
    if len(group) == 1:
        return group[0].name
    name = (
        group[0].name.replace(f" · {SEED}={group[0].recipe[SEED]}", "").replace(f" {SEED}={group[0].recipe[SEED]}", "")
    )
    return ngettext("{name}, {count} seed", "{name}, {count} seeds", len(group)).format(name=name, count=len(group))


def lines(shown: Sequence[Drawn], metric: str) -> list[Curve]:
    """The lines of ``loss`` or ``top1``, of training and validation images, or of another metric such as ``rate``.

    Points within epochs are drawn of single runs: those of several seeds would cover their spread.
    """
    kinds = {f"{VALIDATION}/{metric}": False, f"{TRAINING}/{metric}": True, metric: False, POINT + metric: True}
    found = []
    for each in shown:
        for name, training in kinds.items():
            within = name.startswith(POINT)
            of_runs = [line for one in each.curves if (line := one.get(name))]
            if of_runs and not (within and len(each.curves) > 1):
                points = of_runs[0] if len(each.curves) == 1 else spread(of_runs)
                found.append(Curve(each.place, _line_name(each, name, len(shown)), training, points, within))
    return found


def _line_name(each: Drawn, metric: str, count: int) -> str:
    images = {TRAINING: _("training"), VALIDATION: _("validation"), "step": _("training, within epochs")}.get(
        metric.partition("/")[0], ""
    )
    if count == 1:
        return images or each.name
    return f"{each.name} · {images}" if images else each.name


def last_epoch(shown: Sequence[Drawn]) -> float:
    """Up to which the axis goes: to the end of a run that is at work, else as far as they came."""
    return max(
        (
            max(
                max((line[-1].epoch for line in one.values()), default=0),
                record.recipe["epochs"] if record.status in ACTIVE else 0,
            )
            for each in shown
            for record, one in zip(each.records, each.curves, strict=True)
        ),
        default=0,
    )
