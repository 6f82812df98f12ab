"""Comparison of two to four networks with the first: totals, layers, stages and curves along the depth."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from math import prod
from typing import Any

from explorer.analysis.alignment import AlignmentRow, Status, align
from explorer.analysis.measures import Measure, Number, Numbers, Place, by_stage, depths, measures_at
from explorer.analysis.result import Analysis
from explorer.errors import InputError
from explorer.i18n import _

MIN_NETWORKS, MAX_NETWORKS = 2, 4


@dataclass(frozen=True, slots=True)
class Stage:
    """The numbers of a stage in every network; None if a network has no such stage."""

    name: str
    numbers: tuple[Numbers | None, ...]


@dataclass(frozen=True, slots=True)
class DepthPoint:
    """A network up to a depth: its receptive field there, its costs so far, and the name of the last layer."""

    depth: int
    layer: str
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class Comparison:
    """Networks compared with the first; ``rows[k]`` aligns the layers of network k + 1 with those of the first."""

    networks: tuple[Analysis, ...]
    totals: tuple[Numbers, ...]
    rows: tuple[tuple[AlignmentRow, ...], ...]
    stages: tuple[Stage, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the ``compare --json`` document."""
        return {
            "networks": [
                {**network.identity(), "input_shape": list(network.input_shape), "totals": totals}
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
                    "layers": status_counts(rows),
                    "rows": [_row(row) for row in rows],
                }
                for position, (numbers, rows) in enumerate(zip(self.totals[1:], self.rows, strict=True), 1)
            ],
            "notes": [note] if (note := input_size_note(self.networks)) else [],
            "stages": [{"stage": stage.name, "networks": list(stage.numbers)} for stage in self.stages],
        }  # fmt: skip


def compare(networks: Sequence[Analysis]) -> Comparison:
    """Compares two to four networks.

    Raises:
        InputError: If there are fewer or more.
    """
    if not MIN_NETWORKS <= len(networks) <= MAX_NETWORKS:
        raise InputError(
            _("compare: takes {least} to {most} networks, not {count}").format(
                count=len(networks), least=MIN_NETWORKS, most=MAX_NETWORKS
            )
        )
    first = networks[0]
    return Comparison(
        networks=tuple(networks),
        totals=tuple(map(totals, networks)),
        rows=tuple(
            align(first.layers, other.layers, (first.image.height, other.image.height)) for other in networks[1:]
        ),
        stages=stages(networks),
    )


def input_size_note(networks: Sequence[Analysis]) -> str:
    """Returns a note if the sizes of the networks' images differ; otherwise an empty text."""
    inputs = [network.input_shape[1:] for network in networks]
    if len(set(inputs)) == 1:
        return ""
    each = ", ".join("×".join(f"{size:,}" for size in sizes) for sizes in inputs)
    return _(
        "These networks get images of different sizes ({inputs}), so costs and maps differ for that reason too. Set a "
        "common size to compare the networks alone."
    ).format(inputs=each)


def difference(first: Numbers, other: Numbers, measure: Measure) -> Number | None:
    """Returns the difference to the first network; None if one of the networks has no such number."""
    before, after = first[measure], other[measure]
    return None if before is None or after is None else after - before


def ratio(first: Numbers, other: Numbers, measure: Measure) -> float | None:
    """Returns the ratio to the first network; None if one has no such number or the first has 0."""
    before, after = first[measure], other[measure]
    return after / before if before and after is not None else None


def status_counts(rows: Sequence[AlignmentRow]) -> dict[Status, int]:
    """Returns the number of layers of each status."""
    return {status: sum(row.status is status for row in rows) for status in Status}


def totals(network: Analysis) -> Numbers:
    """Returns the totals of a network: costs for one image, training memory for the batch of the analysis."""
    return {measure: measure.definition.of_network(network) for measure in measures_at(Place.COMPARISON)}


def by_depth(network: Analysis) -> list[DepthPoint]:
    """Returns the numbers of a network at each depth, from the first layer to the last."""
    ordered = sorted(zip(depths(network.layers), network.layers, strict=True), key=lambda pair: pair[0])
    groups = [
        (depth, [layer for _depth, layer in group]) for depth, group in groupby(ordered, key=lambda pair: pair[0])
    ]
    by_group = {
        measure: measure.definition.layers.along_depth([layers for _depth, layers in groups])
        for measure in measures_at(Place.STAGES)
        if measure.definition.layers
    }
    return [
        DepthPoint(depth, layers[-1].name, {measure: numbers[position] for measure, numbers in by_group.items()})
        for position, (depth, layers) in enumerate(groups)
    ]


def stages(networks: Sequence[Analysis]) -> tuple[Stage, ...]:
    """Returns the stages of all networks: maps from large to small, then tokens, then the head."""
    parts = [_stage_numbers(network) for network in networks]
    names = sorted(dict.fromkeys(chain.from_iterable(parts)), key=_stage_order)
    return tuple(Stage(name, tuple(part.get(name) for part in parts)) for name in names)


def _stage_order(stage: str) -> tuple[bool, int]:
    return stage == "head", -prod(map(int, stage.split("×"))) if "×" in stage else 0


def _stage_numbers(network: Analysis) -> dict[str, Numbers]:
    return {
        name: {measure: measure.definition.amount(layers) for measure in measures_at(Place.STAGES)}
        for name, layers in by_stage(network.layers).items()
    }


def _row(row: AlignmentRow) -> dict[str, Any]:
    return {
        "status": row.status,
        "left": row.left.name if row.left else None,
        "right": row.right.name if row.right else None,
        "changes": [{"what": change.aspect, "before": change.before, "after": change.after} for change in row.changes],
    }
