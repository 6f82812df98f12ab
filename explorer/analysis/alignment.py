"""Two networks side by side: which layer of one stands for which layer of the other.

A global alignment of the layers in execution order (Needleman and Wunsch 1970) with affine gaps (Gotoh 1982), so
that a block that one network lacks stays in one piece. How well two layers fit follows from kind, window,
channels and how far the image has shrunk there; names don't count. What follows a convolution (or linear layer) goes
where that goes: its activation never stands for the activation of another one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, groupby
from math import log2
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.analysis.changes import Change, changes, channels
from explorer.analysis.kinds import WEIGHTED, Group, group_of
from explorer.analysis.result import Layer

Scores = NDArray[np.int32]
Match = tuple[int, int]

# A run of layers that only one network has. A longer run costs no more: blocks come and go as a whole.
GAP = 6
NEVER = -1_000_000
# Scores of a pair. Convolutions, linear layers and pools count twice: the others go where these go.
SAME_KIND, SAME_GROUP, BOTH_WEIGHTED = 6, 2, 1
KERNEL, STRIDE, SOURCE = (4, -2), (2, -2), (4, 0)  # the same, another
TAKEN, GIVEN = (2, 1, -1), (3, 1, -2)  # channels: the same, up to twice as many, more
SHRUNK = (4, -1, -6, -12)  # the same, by a factor of about 2, 4, 8 or more
FOLLOWING = frozenset([Group.NORMALISATION, Group.ACTIVATION])
APART = "LocalResponseNorm"  # one stands for another one behind any convolution
LEADING = WEIGHTED | {Group.POOLING}
# Computes nothing, and many networks (torchvision's) do it without a layer.
FLATTEN = "Flatten"


class Status(StrEnum):
    """What became of a layer on the way from the left network to the right one."""

    SAME = "same"
    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Row:
    """A layer of the left network, a layer of the right one, or two that stand for each other."""

    left: Layer | None
    right: Layer | None
    changes: tuple[Change, ...] = ()

    @property
    def status(self) -> Status:
        """What became of the layer."""
        if self.left is None:
            return Status.ADDED
        if self.right is None:
            return Status.REMOVED
        return Status.CHANGED if self.changes else Status.SAME


def align(left: Sequence[Layer], right: Sequence[Layer], sides: tuple[int, int]) -> tuple[Row, ...]:
    """Every layer of both networks once, in their order; removed layers before the added ones at the same place.

    Flatten is left out: one network has a layer for it where another calls a function. Of equally good alignments,
    the one whose gaps come last. Swapping the networks swaps the sides of every row.

    Args:
        left: layers of the network that the other is compared with.
        right: layers of the other network.
        sides: pixels along a side of both networks' images.
    """
    traits = _traits(left, sides[0]), _traits(right, sides[1])
    owners = _owners(left), _owners(right)
    left, right = ([layer for layer in layers if layer.kind != FLATTEN] for layers in (left, right))
    rows, i, j = [], 0, 0
    for next_i, next_j in [*_matches(*traits, *owners), (len(left), len(right))]:
        rows += [Row(layer, None) for layer in left[i:next_i]]
        rows += [Row(None, layer) for layer in right[j:next_j]]
        if next_i < len(left):
            rows.append(Row(left[next_i], right[next_j], changes(left[next_i], right[next_j])))
        i, j = next_i + 1, next_j + 1
    return tuple(rows)


class Part(NamedTuple):
    """Consecutive rows of one stage; ``stages`` are what the left and the right network call it."""

    stages: tuple[str, ...]
    rows: tuple[Row, ...]


def parts(rows: Sequence[Row]) -> list[Part]:
    """The rows by the left network's stages; a layer that was added goes where its stage's other layers are."""
    pairs = [(row.left.stage, row.right.stage) if row.left and row.right else None for row in rows]
    before = list(accumulate(pairs, _latest))
    after = list(accumulate(reversed(pairs), _latest))[::-1]

    def stage(position: int) -> str:
        row = rows[position]
        own = row.right.stage if row.right else ""
        beside = [pair[0] for pair in (before[position], after[position]) if pair and pair[1] == own]
        return row.left.stage if row.left else [*beside, own][0]

    found = []
    for name, positions in groupby(range(len(rows)), stage):
        part = tuple(rows[position] for position in positions)
        rights = [row.right.stage for row in part if row.right]
        found.append(Part(tuple(dict.fromkeys([name, *rights])), part))
    return found


def _latest(last: tuple[str, str] | None, pair: tuple[str, str] | None) -> tuple[str, str] | None:
    return pair or last


class _Traits(NamedTuple):
    """What counts when two layers are compared.

    Channels that are taken and given, by how many powers of two the image has shrunk, and the kind of layer that
    the (first) input comes from: a ReLU after an addition is another than one after a convolution.
    """

    kind: str
    kernel: tuple[int, int]
    stride: tuple[int, int]
    taken: int
    given: int
    shrunk: int
    source: str


def _traits(layers: Sequence[Layer], side: int) -> list[_Traits]:
    return [
        _Traits(
            layer.kind,
            layer.window.kernel if layer.window else (0, 0),
            layer.window.stride if layer.window else (1, 1),
            channels(layer.input_shape),
            channels(layer.output_shape),
            round(log2(side / layer.output_shape[2] if len(layer.output_shape) == 4 else side)),
            _source(layers, layer),
        )
        for layer in layers
        if layer.kind != FLATTEN
    ]


def _owners(layers: Sequence[Layer]) -> list[int | None]:
    """For each layer that is aligned, the position of the weighted layer that it belongs to.

    That is the layer itself, or for norms, activations and dropouts the one that they follow, through others of
    their kind alone; None for all other layers, and for what follows these.
    """
    found: dict[int, int | None] = {}  # by the position among all layers; flattened ones hand on
    aligned = 0
    for position, layer in enumerate(layers):
        group = group_of(layer.kind)
        before = found.get(layer.inputs[0]) if layer.inputs else None
        if group in WEIGHTED:
            found[position] = aligned
        else:
            follows = group in FOLLOWING or layer.kind.startswith(("Dropout", FLATTEN))
            found[position] = before if follows else None
        aligned += layer.kind != FLATTEN
    return [found[position] for position, layer in enumerate(layers) if layer.kind != FLATTEN]


def _whole_units(
    matches: list[Match], traits: tuple[list["_Traits"], list["_Traits"]], owners: tuple[list[int | None], ...]
) -> list[Match]:
    """The matches without those that tear a layer from its convolution, which are made anew beside it.

    Args:
        matches: positions of the layers that stand for each other, in order.
        traits: of both networks' layers.
        owners: of both, as of :func:`_owners`.
    """
    pairs = dict(matches)
    kept = {}
    for one, other in matches:
        mine, theirs = owners[0][one], owners[1][other]
        alone = traits[0][one].kind == traits[1][other].kind == APART
        if mine is None or theirs is None or alone or pairs.get(mine) == theirs:
            kept[one] = other
    for mine, theirs in matches:  # the followers of convolutions that stand for each other, in order
        if owners[0][mine] != mine or owners[1][theirs] != theirs:
            continue
        taken, free = set(kept.values()), _followers(owners[1], theirs)
        for one in _followers(owners[0], mine):
            if one in kept:
                continue
            found = next((other for other in free if other not in taken and _may(kept, traits, one, other)), None)
            if found is not None:
                kept[one] = found
                taken.add(found)
    return sorted(kept.items())


def _followers(owners: list[int | None], owner: int) -> list[int]:
    """The layers right after a weighted one that belong to it."""
    positions = []
    for position in range(owner + 1, len(owners)):
        if owners[position] != owner:
            break
        positions.append(position)
    return positions


def _may(kept: dict[int, int], traits: tuple[list["_Traits"], list["_Traits"]], one: int, other: int) -> bool:
    """Whether two layers do the same kind of thing, and no other match would be crossed."""
    crosses = any((i < one) != (j < other) for i, j in kept.items())
    return not crosses and _fit(traits[0][one], traits[1][other]) > NEVER


def _source(layers: Sequence[Layer], layer: Layer) -> str:
    """The kind of layer that the first input comes from; empty for the image."""
    if not layer.inputs:
        return ""
    before = layers[layer.inputs[0]]
    return before.kind if before.kind != FLATTEN else _source(layers, before)


def _fit(one: _Traits, other: _Traits) -> int:
    """How well two layers could stand for each other; NEVER where they do different things."""
    group, others_group = group_of(one.kind), group_of(other.kind)
    if one.kind == other.kind:
        score = SAME_KIND
    elif group is others_group is not Group.OTHER:
        score = SAME_GROUP
    elif {group, others_group} == WEIGHTED:  # the convolutional form of a linear layer
        score = BOTH_WEIGHTED
    else:
        return NEVER
    score += KERNEL[one.kernel != other.kernel] + STRIDE[one.stride != other.stride]
    score += TAKEN[_apart(one.taken, other.taken)] if group in WEIGHTED else SOURCE[one.source != other.source]
    score += GIVEN[_apart(one.given, other.given)]
    score += SHRUNK[min(abs(one.shrunk - other.shrunk), len(SHRUNK) - 1)]
    return 2 * score if group in LEADING else score


def _apart(one: int, other: int) -> int:
    """0 for equal counts, 1 for up to twice as many, else 2."""
    return 0 if one == other else 1 if max(one, other) <= 2 * min(one, other) else 2


def _matches(
    left: list[_Traits], right: list[_Traits], lefts_owners: list[int | None], rights_owners: list[int | None]
) -> list[Match]:
    """Positions of the layers that stand for each other.

    Equally good alignments are told apart by position, which is not symmetric; so the two networks are always put
    in the same order first.
    """
    if (len(right), right) < (len(left), left):
        return [(i, j) for j, i in _matches(right, left, rights_owners, lefts_owners)]
    return _whole_units(_best(_scores(left, right)), (left, right), (lefts_owners, rights_owners))


def _scores(left: list[_Traits], right: list[_Traits]) -> Scores:
    """The fit of every layer of one network with every layer of the other."""
    rows, columns = list(dict.fromkeys(left)), list(dict.fromkeys(right))  # networks repeat themselves
    table = np.array([[_fit(one, other) for other in columns] for one in rows], np.int32)
    table = table.reshape(len(rows), len(columns))
    row, column = ({traits: index for index, traits in enumerate(side)} for side in (rows, columns))
    return table[np.ix_([row[traits] for traits in left], [column[traits] for traits in right])]


def _best(scores: Scores) -> list[Match]:
    """The matches with the greatest sum of scores, less a GAP for every run of unmatched layers of either side.

    ``paired[i, j]``, ``removed[i, j]`` and ``added[i, j]`` are the best sums for the first i and j layers that end
    in a pair, in a layer of the left and in a layer of the right network.
    """
    rows, columns = scores.shape
    paired = np.full((rows + 1, columns + 1), NEVER, np.int32)
    removed, added = paired.copy(), paired.copy()
    paired[0, 0] = 0
    for i in range(rows + 1):
        if i:
            best = np.maximum(np.maximum(paired[i - 1], removed[i - 1]), added[i - 1])
            paired[i, 1:] = best[:-1] + scores[i - 1]
            removed[i] = np.maximum(removed[i - 1], paired[i - 1] - GAP)
        # What was removed comes before what was added, so only these two can precede an addition.
        before = np.maximum(paired[i], removed[i]) - GAP
        added[i, 1:] = np.maximum.accumulate(before)[:-1]
    return _trace(scores, paired, removed, added)


def _trace(scores: Scores, paired: Scores, removed: Scores, added: Scores) -> list[Match]:
    """The way back through the sums; gaps first, which puts them last."""
    matches: list[Match] = []
    i, j = scores.shape
    total = max(paired[i, j], removed[i, j], added[i, j])
    while i or j:
        if added[i, j] == total:
            while added[i, j - 1] == total:
                j -= 1
            j, total = j - 1, total + GAP
        if removed[i, j] == total:
            while removed[i - 1, j] == total:
                i -= 1
            i, total = i - 1, total + GAP
        if paired[i, j] == total and i and j:
            i, j = i - 1, j - 1
            total -= scores[i, j]
            matches.append((i, j))
    return matches[::-1]
