"""Two to four networks in numbers: differences to the first, in total, by stage and by depth."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from math import prod
from typing import Any

from explorer.analysis.alignment import Row, Status, align
from explorer.analysis.measures import Measure, Number, Numbers, Place, by_stage, depths, measures_at
from explorer.analysis.result import Analysis
from explorer.errors import InputError
from explorer.i18n import _

LEAST, MOST = 2, 4


@dataclass(frozen=True, slots=True)
class Stage:
    """Layers on maps of one size, in every network; None where a network has no such stage."""

    name: str
    numbers: tuple[Numbers | None, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """A network up to a depth: the field of the units there, costs of all layers so far; the last layer's name."""

    depth: int
    layer: str
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class Comparison:
    """Networks, each compared with the first; ``rows[k]`` aligns the layers of network k + 1 with the first's."""

    networks: tuple[Analysis, ...]
    totals: tuple[Numbers, ...]
    rows: tuple[tuple[Row, ...], ...]
    stages: tuple[Stage, ...]

    def to_dict(self) -> dict[str, Any]:
        """The ``compare --json`` document."""
        return {
            "networks": [
                {"spec": network.spec.to_dict(), "input_shape": list(network.input_shape), "totals": totals}
                for network, totals in zip(self.networks, self.totals, strict=True)
            ],
            "differences": [
                {
                    "network": position,
                    "totals": {
                        measure: {"difference": difference(self.totals[0], numbers, measure),
                                  "ratio": ratio(self.totals[0], numbers, measure)}
                        for measure in measures_at(Place.COMPARISON)
                    },
                    "layers": counts(rows),
                    "rows": [_row(row) for row in rows],
                }
                for position, (numbers, rows) in enumerate(zip(self.totals[1:], self.rows, strict=True), 1)
            ],
            "notes": [note] if (note := unlike_inputs(self.networks)) else [],
            "stages": [{"stage": stage.name, "networks": list(stage.numbers)} for stage in self.stages],
        }  # fmt: skip


def compare(networks: Sequence[Analysis]) -> Comparison:
    """Everything about two to four networks side by side.

    Raises:
        InputError: where there are fewer or more.
    """
    if not LEAST <= len(networks) <= MOST:
        raise InputError(
            _("compare: takes {least} to {most} networks, not {count}").format(
                count=len(networks), least=LEAST, most=MOST
            )
        )
    first = networks[0]
    return Comparison(
        networks=tuple(networks),
        totals=tuple(map(totals, networks)),
        rows=tuple(
            align(first.layers, other.layers, (first.spec.image_size, other.spec.image_size)) for other in networks[1:]
        ),
        stages=stages(networks),
    )


def unlike_inputs(networks: Sequence[Analysis]) -> str:
    """What is to be said where the networks' images differ; empty where they are alike."""
    inputs = [network.input_shape[1:] for network in networks]
    if len(set(inputs)) == 1:
        return ""
    each = ", ".join("×".join(f"{size:,}" for size in sizes) for sizes in inputs)
    return _(
        "These networks get images of different sizes ({inputs}), so costs and maps differ for that reason too. Set a "
        "common size to compare the networks alone."
    ).format(inputs=each)


def difference(first: Numbers, other: Numbers, measure: Measure) -> Number | None:
    """How much more a network has than the first; None where one of them has no such number."""
    before, after = first[measure], other[measure]
    return None if before is None or after is None else after - before


def ratio(first: Numbers, other: Numbers, measure: Measure) -> float | None:
    """How many times as much a network has; None where that can't be said."""
    before, after = first[measure], other[measure]
    return after / before if before and after is not None else None


def counts(rows: Sequence[Row]) -> dict[Status, int]:
    """How many layers stayed, changed, went and came."""
    return {status: sum(row.status is status for row in rows) for status in Status}


def totals(network: Analysis) -> Numbers:
    """A network's numbers; costs for one image, training for the analysis' batch."""
    return {measure: measure.definition.of_network(network) for measure in measures_at(Place.COMPARISON)}


def by_depth(network: Analysis) -> list[Point]:
    """What a network has reached and spent at each depth, from its first layer to its last."""
    ordered = sorted(zip(depths(network.layers), network.layers, strict=True), key=lambda pair: pair[0])
    groups = [
        (depth, [layer for _depth, layer in group]) for depth, group in groupby(ordered, key=lambda pair: pair[0])
    ]
    along = {
        measure: measure.definition.layers.along_depth([layers for _depth, layers in groups])
        for measure in measures_at(Place.STAGES)
        if measure.definition.layers
    }
    return [
        Point(depth, layers[-1].name, {measure: numbers[position] for measure, numbers in along.items()})
        for position, (depth, layers) in enumerate(groups)
    ]


def stages(networks: Sequence[Analysis]) -> tuple[Stage, ...]:
    """The stages of all networks by name: the sizes of their maps, the largest first, then tokens, then the head."""
    parts = [_by_stage(network) for network in networks]
    names = sorted(dict.fromkeys(chain.from_iterable(parts)), key=_place)
    return tuple(Stage(name, tuple(part.get(name) for part in parts)) for name in names)


def _place(stage: str) -> tuple[bool, int]:
    return stage == "head", -prod(map(int, stage.split("×"))) if "×" in stage else 0


def _by_stage(network: Analysis) -> dict[str, Numbers]:
    return {
        name: {measure: measure.definition.amount(layers) for measure in measures_at(Place.STAGES)}
        for name, layers in by_stage(network.layers).items()
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "status": row.status,
        "left": row.left.name if row.left else None,
        "right": row.right.name if row.right else None,
        "changes": [{"what": change.aspect, "before": change.before, "after": change.after} for change in row.changes],
    }
