"""Alignment of the layers of two networks.

The layers in execution order are aligned globally (Needleman and Wunsch 1970) with affine gaps (Gotoh 1982), so a block
that one network lacks is one gap. The score of two layers depends on kind, window, channels and size of the map; names
don't count. The layers that follow a convolution or linear layer are matched only with those that follow its match.
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

# Cost of a gap, which does not depend on its length, because networks differ by blocks.
GAP = 6
NO_MATCH = -1_000_000
# Scores of a pair. Those of convolutions, linear layers and pools count twice.
SAME_KIND, SAME_GROUP, BOTH_WEIGHTED = 6, 2, 1
KERNEL, STRIDE, SOURCE = (4, -2), (2, -2), (4, 0)  # equal, different
IN_CHANNELS, OUT_CHANNELS = (2, 1, -1), (3, 1, -2)  # equal, up to twice as many, more
HALVINGS = (4, -1, -6, -12)  # by difference: none, 1, 2, 3 or more
FOLLOWER_GROUPS = frozenset([Group.NORMALISATION, Group.ACTIVATION])
INDEPENDENT_NORM = "LocalResponseNorm"  # may match behind any convolution
LEADER_GROUPS = WEIGHTED | {Group.POOLING}
# Left out: it computes nothing, and many networks of torchvision flatten without a layer.
FLATTEN = "Flatten"


class Status(StrEnum):
    """Status of a layer in the change from the left network to the right one."""

    SAME = "same"
    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class AlignmentRow:
    """A layer of the left network, a layer of the right one, or two matched layers."""

    left: Layer | None
    right: Layer | None
    changes: tuple[Change, ...] = ()

    @property
    def status(self) -> Status:
        """Status of the layer."""
        if self.left is None:
            return Status.ADDED
        if self.right is None:
            return Status.REMOVED
        return Status.CHANGED if self.changes else Status.SAME


def align(left: Sequence[Layer], right: Sequence[Layer], sides: tuple[int, int]) -> tuple[AlignmentRow, ...]:
    """Aligns the layers of two networks.

    Every layer except flatten is in one row, in order; at the same position, removed layers come before added ones. Of
    equally good alignments, the one with the last gaps is returned. Swapping the networks swaps the sides of every row.

    Args:
        left: Layers of the first network.
        right: Layers of the second network.
        sides: Heights of the two networks' images in pixels.
    """
    features = _features(left, sides[0]), _features(right, sides[1])
    owners = _owners(left), _owners(right)
    left, right = ([layer for layer in layers if layer.kind != FLATTEN] for layers in (left, right))
    rows, i, j = [], 0, 0
    for next_i, next_j in [*_matches(*features, *owners), (len(left), len(right))]:
        rows += [AlignmentRow(layer, None) for layer in left[i:next_i]]
        rows += [AlignmentRow(None, layer) for layer in right[j:next_j]]
        if next_i < len(left):
            rows.append(AlignmentRow(left[next_i], right[next_j], changes(left[next_i], right[next_j])))
        i, j = next_i + 1, next_j + 1
    return tuple(rows)


class StageRows(NamedTuple):
    """Consecutive rows of a stage; ``stages`` are its names in the left and in the right network."""

    stages: tuple[str, ...]
    rows: tuple[AlignmentRow, ...]


def rows_by_stage(rows: Sequence[AlignmentRow]) -> list[StageRows]:
    """Groups rows by the left network's stages; added layers belong to the stage of matched layers next to them."""
    pairs = [(row.left.stage, row.right.stage) if row.left and row.right else None for row in rows]
    before = list(accumulate(pairs, _latest))
    after = list(accumulate(reversed(pairs), _latest))[::-1]

    def stage(position: int) -> str:
        row = rows[position]
        own = row.right.stage if row.right else ""
        neighbours = [pair[0] for pair in (before[position], after[position]) if pair and pair[1] == own]
        return row.left.stage if row.left else [*neighbours, own][0]

    groups = []
    for name, positions in groupby(range(len(rows)), stage):
        rows_of_stage = tuple(rows[position] for position in positions)
        right_names = [row.right.stage for row in rows_of_stage if row.right]
        groups.append(StageRows(tuple(dict.fromkeys([name, *right_names])), rows_of_stage))
    return groups


def _latest(last: tuple[str, str] | None, pair: tuple[str, str] | None) -> tuple[str, str] | None:
    return pair or last


class _Features(NamedTuple):
    """The features of a layer that determine its score with another one.

    ``halvings`` is the logarithm of the ratio of the image's height to the map's, and ``source`` the kind of layer that
    computes the first input: a ReLU after an addition differs from one after a convolution.
    """

    kind: str
    kernel: tuple[int, int]
    stride: tuple[int, int]
    in_channels: int
    out_channels: int
    halvings: int
    source: str


def _features(layers: Sequence[Layer], side: int) -> list[_Features]:
    return [
        _Features(
            layer.kind,
            layer.window.kernel if layer.window else (0, 0),
            layer.window.stride if layer.window else (1, 1),
            channels(layer.input_shape),
            channels(layer.output_shape),
            round(log2(side / layer.volume[2] if len(layer.volume) == 4 else side)),
            _source(layers, layer),
        )
        for layer in layers
        if layer.kind != FLATTEN
    ]


def _owners(layers: Sequence[Layer]) -> list[int | None]:
    """Returns for each aligned layer the position of its owner.

    The owner of a convolution or linear layer is the layer itself. Norms, activations and dropouts have the owner of
    their input. Other layers have none.
    """
    owners: dict[int, int | None] = {}  # by index among all layers, including flatten
    aligned = 0
    for position, layer in enumerate(layers):
        group = group_of(layer.kind)
        before = owners.get(layer.inputs[0]) if layer.inputs else None
        if group in WEIGHTED:
            owners[position] = aligned
        else:
            follows = group in FOLLOWER_GROUPS or layer.kind.startswith(("Dropout", FLATTEN))
            owners[position] = before if follows else None
        aligned += layer.kind != FLATTEN
    return [owners[position] for position, layer in enumerate(layers) if layer.kind != FLATTEN]


def _rematch_followers(
    matches: list[Match], features: tuple[list["_Features"], list["_Features"]], owners: tuple[list[int | None], ...]
) -> list[Match]:
    """Replaces matches of followers whose owners don't match by matches of followers of matched owners.

    Args:
        matches: Positions of matched layers, in order.
        features: Features of both networks' layers.
        owners: Owners of both networks' layers, from :func:`_owners`.
    """
    pairs = dict(matches)
    matched = {}
    for one, other in matches:
        mine, theirs = owners[0][one], owners[1][other]
        independent = features[0][one].kind == features[1][other].kind == INDEPENDENT_NORM
        if mine is None or theirs is None or independent or pairs.get(mine) == theirs:
            matched[one] = other
    for mine, theirs in matches:  # match the followers of matched owners, in order
        if owners[0][mine] != mine or owners[1][theirs] != theirs:
            continue
        candidates = _followers(owners[1], theirs)
        for one in _followers(owners[0], mine):
            if one in matched:
                continue
            for other in candidates:
                if other not in matched.values() and _can_match(matched, features, one, other):
                    matched[one] = other
                    break
    return sorted(matched.items())


def _followers(owners: list[int | None], owner: int) -> list[int]:
    """Returns the positions of the layers directly after an owner that belong to it."""
    positions = []
    for position in range(owner + 1, len(owners)):
        if owners[position] != owner:
            break
        positions.append(position)
    return positions


def _can_match(
    matched: dict[int, int], features: tuple[list["_Features"], list["_Features"]], one: int, other: int
) -> bool:
    """Whether two layers have a score and their match crosses no other match."""
    crosses = any((i < one) != (j < other) for i, j in matched.items())
    return not crosses and _score(features[0][one], features[1][other]) > NO_MATCH


def _source(layers: Sequence[Layer], layer: Layer) -> str:
    """Returns the kind of layer that computes the first input; empty for the image."""
    if not layer.inputs:
        return ""
    before = layers[layer.inputs[0]]
    return before.kind if before.kind != FLATTEN else _source(layers, before)


def _score(one: _Features, other: _Features) -> int:
    """Returns the score of two layers; NO_MATCH if their functions differ."""
    group, others_group = group_of(one.kind), group_of(other.kind)
    if one.kind == other.kind:
        score = SAME_KIND
    elif group is others_group is not Group.OTHER:
        score = SAME_GROUP
    elif {group, others_group} == WEIGHTED:  # the convolutional form of a linear layer
        score = BOTH_WEIGHTED
    else:
        return NO_MATCH
    score += KERNEL[one.kernel != other.kernel] + STRIDE[one.stride != other.stride]
    score += (
        IN_CHANNELS[_channel_difference(one.in_channels, other.in_channels)]
        if group in WEIGHTED
        else SOURCE[one.source != other.source]
    )
    score += OUT_CHANNELS[_channel_difference(one.out_channels, other.out_channels)]
    score += HALVINGS[min(abs(one.halvings - other.halvings), len(HALVINGS) - 1)]
    return 2 * score if group in LEADER_GROUPS else score


def _channel_difference(one: int, other: int) -> int:
    """Returns 0 for equal counts, 1 for up to twice as many, otherwise 2."""
    return 0 if one == other else 1 if max(one, other) <= 2 * min(one, other) else 2


def _matches(
    left: list[_Features], right: list[_Features], left_owners: list[int | None], right_owners: list[int | None]
) -> list[Match]:
    """Returns the positions of matched layers.

    Among equally good alignments the choice depends on the order of the networks, so they are sorted first.
    """
    if (len(right), right) < (len(left), left):
        return [(i, j) for j, i in _matches(right, left, right_owners, left_owners)]
    return _rematch_followers(_best_matches(_scores(left, right)), (left, right), (left_owners, right_owners))


def _scores(left: list[_Features], right: list[_Features]) -> Scores:
    """Returns the score of every layer of one network with every layer of the other."""
    rows, columns = list(dict.fromkeys(left)), list(dict.fromkeys(right))  # layers repeat
    table = np.array([[_score(one, other) for other in columns] for one in rows], np.int32)
    table = table.reshape(len(rows), len(columns))
    row, column = ({features: index for index, features in enumerate(side)} for side in (rows, columns))
    return table[np.ix_([row[features] for features in left], [column[features] for features in right])]


def _best_matches(scores: Scores) -> list[Match]:
    """Returns the matches with the largest sum of scores minus GAP for every gap in either network.

    ``paired[i, j]``, ``removed[i, j]`` and ``added[i, j]`` are the best sums for the first i and j layers that end with
    a pair, with a layer of the left and with a layer of the right network.
    """
    rows, columns = scores.shape
    paired = np.full((rows + 1, columns + 1), NO_MATCH, np.int32)
    removed, added = paired.copy(), paired.copy()
    paired[0, 0] = 0
    for i in range(rows + 1):
        if i:
            best = np.maximum(np.maximum(paired[i - 1], removed[i - 1]), added[i - 1])
            paired[i, 1:] = best[:-1] + scores[i - 1]
            removed[i] = np.maximum(removed[i - 1], paired[i - 1] - GAP)
        # Removed layers come before added ones, so only these two can precede an added layer.
        before = np.maximum(paired[i], removed[i]) - GAP
        added[i, 1:] = np.maximum.accumulate(before)[:-1]
    return _backtrack(scores, paired, removed, added)


def _backtrack(scores: Scores, paired: Scores, removed: Scores, added: Scores) -> list[Match]:
    """Follows the sums back from the end and takes gaps first, so that gaps come last."""
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
