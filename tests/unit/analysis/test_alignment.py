"""Alignments with known results, and properties of all alignments."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from explorer.analysis import Analysis, Layer, analyse
from explorer.analysis.alignment import GAP, AlignmentRow, Status, _best_matches, _features, align, rows_by_stage
from explorer.analysis.changes import Aspect
from explorer.errors import SpecError
from explorer.families import PRESETS, Spec, parse_spec, resolve
from tests.helpers.call_counts import run_within
from tests.helpers.specs import any_raw, parse_or_none

pytestmark = pytest.mark.exhaustive


def aligned(left: Spec | str, right: Spec | str) -> tuple[AlignmentRow, ...]:
    one, other = (analyse(resolve(spec) if isinstance(spec, str) else spec) for spec in (left, right))
    return align(one.layers, other.layers, (one.image.height, other.image.height))


def aligned_layers(network: Analysis) -> list[Layer]:
    """Returns the layers that are aligned."""
    return [layer for layer in network.layers if layer.kind != "Flatten"]


def kinds(rows: tuple[AlignmentRow, ...], status: Status) -> Counter[str]:
    """Counts the kinds of layers with one status."""
    layers = [row.right or row.left for row in rows if row.status is status]
    return Counter(layer.kind for layer in layers if layer)


def aspects(rows: tuple[AlignmentRow, ...]) -> set[Aspect]:
    return {change.aspect for row in rows for change in row.changes}


def test_vgg19_has_one_more_convolution_in_each_of_the_last_three_stages() -> None:
    rows = aligned("vgg16", "vgg19")
    assert kinds(rows, Status.ADDED) == {"Conv2d": 3, "ReLU": 3}
    assert [row.right.stage for row in rows if row.status is Status.ADDED and row.right] == [
        "56×56", "56×56", "28×28", "28×28", "14×14", "14×14",
    ]  # fmt: skip
    assert kinds(rows, Status.SAME).total() == 39
    assert len(rows) == 45


def test_batch_norm_adds_one_layer_to_each_convolution() -> None:
    rows = aligned("vgg16", "vgg16-bn")
    assert kinds(rows, Status.ADDED) == {"BatchNorm2d": 13}
    assert kinds(rows, Status.SAME).total() == len(rows) - 13


def test_a_plain_network_lacks_additions_and_projections() -> None:
    rows = aligned("resnet34", "plain34")
    assert kinds(rows, Status.REMOVED) == {"Add": 16, "Conv2d": 3, "BatchNorm2d": 3}
    removed = [row.left.name for row in rows if row.left and row.status is Status.REMOVED]
    assert all(name.endswith(".add") or ".downsample." in name for name in removed)
    assert kinds(rows, Status.SAME).total() == len(rows) - 22


def test_stride_on_another_convolution_changes_strides_and_the_maps_between() -> None:
    rows = aligned("resnet50", "resnet50-v1")
    assert kinds(rows, Status.ADDED).total() == kinds(rows, Status.REMOVED).total() == 0
    assert aspects(rows) == {Aspect.STRIDE, Aspect.MAP}
    # In each of three stages: the 1x1, its batch norm and ReLU on smaller maps, and the 3x3 that no longer strides.
    assert kinds(rows, Status.CHANGED) == {"Conv2d": 6, "BatchNorm2d": 3, "ReLU": 3}


def test_one_7x7_against_three_3x3() -> None:
    after = ["M:3/2p1", 128]
    one, three = (
        parse_spec({"family": "vgg", "cfg": [*stem, *after], "pool_to": 1, "classifier": []})
        for stem in (["64:7/2"], [64, 64, "64:3/2"])
    )
    rows = aligned(one, three)
    assert kinds(rows, Status.ADDED) == {"Conv2d": 2, "ReLU": 2}
    (changed,) = [row for row in rows if row.status is Status.CHANGED]
    assert {str(change) for change in changed.changes} == {
        "kernel 7×7 → 3×3", "padding 3 → 1", "channels in 3 → 64",
    }  # fmt: skip


def test_deeper_resnets_add_blocks() -> None:
    rows = aligned("resnet101", "resnet152")
    # 8 - 4 blocks in the second stage and 36 - 23 in the third (He et al. 2016, Table 1), ten layers each.
    assert kinds(rows, Status.ADDED) == {"Conv2d": 51, "BatchNorm2d": 51, "ReLU": 51, "Add": 17}
    assert kinds(rows, Status.SAME).total() == len(analyse(resolve("resnet101")).layers) - 1  # Flatten
    added = [row.right for row in rows if row.status is Status.ADDED and row.right]
    blocks = [tuple(layer.name.split(".")[:2]) for layer in added]
    assert set(Counter(blocks).values()) == {10}


def test_the_convolutional_head_matches_the_linear_one() -> None:
    rows = aligned("vgg16", "vgg16-conv")
    changed = [row for row in rows if row.left and row.left.kind == "Linear" and row.right]
    assert [row.right.kind for row in changed if row.right] == ["Conv2d"] * 3
    assert kinds(rows, Status.REMOVED) == kinds(rows, Status.ADDED) == {"AdaptiveAvgPool2d": 1}


def test_a_missing_bias_is_a_change() -> None:
    rows = aligned(resolve("resnet18").changed(batch_norm=False, residual=False), "plain18")
    convolutions = [row for row in rows if row.left and row.left.kind == "Conv2d"]
    assert all({change.aspect for change in row.changes} == {Aspect.PARAMS} for row in convolutions)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("vgg16", "torchvision:vgg16"),
        ("alexnet", "torchvision:alexnet"),
        ("resnet50", "torchvision:resnet50"),
        ("googlenet-torchvision", "torchvision:googlenet"),
    ],
)
def test_names_and_flatten_layers_do_not_matter(ours: str, theirs: str) -> None:
    assert {row.status for row in aligned(ours, theirs)} == {Status.SAME}


def owner(layers: tuple[Layer, ...], layer: Layer) -> Layer | None:
    """Returns the convolution or linear layer that an activation or norm follows."""
    while layer.kind.startswith(("ReLU", "BatchNorm", "LocalResponseNorm", "Flatten")):
        layer = layers[layer.inputs[0]]
    return layer if layer.kind in ("Conv2d", "Linear") else None


def test_followers_match_only_if_their_owners_match_in_any_pair_of_presets() -> None:
    networks = [network for preset in PRESETS.values() if len((network := analyse(preset.spec)).layers) < 60]
    assert len(networks) > 10
    for one, other in combinations(networks, 2):
        rows = align(one.layers, other.layers, (one.image.height, other.image.height))
        partners = {row.left.name: row.right.name for row in rows if row.left and row.right}
        assert [row.left for row in rows if row.left] == aligned_layers(one)
        assert [row.right for row in rows if row.right] == aligned_layers(other)
        for row in rows:
            if not (row.left and row.right) or row.left.kind == row.right.kind == "LocalResponseNorm":
                continue
            mine, theirs = owner(one.layers, row.left), owner(other.layers, row.right)
            if mine and theirs:
                assert partners.get(mine.name) == theirs.name, f"{row.left.name} and {row.right.name}"


def test_convolution_and_activation_match_together_in_alexnet_and_vgg11() -> None:
    pairs = {row.left.name: row.right.name for row in aligned("alexnet", "vgg11") if row.left and row.right}
    assert (pairs["features.0"], pairs["features.1"]) == ("features.0", "features.1")


def test_the_source_of_a_layer_skips_flatten() -> None:
    network = analyse(resolve("alexnet"))
    sources = dict(zip([layer.name for layer in aligned_layers(network)], _features(network.layers, 224), strict=True))
    assert sources["classifier.0"].source == "AdaptiveAvgPool2d"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("torchvision:vit_b_16", "torchvision:vit_b_32"),
        ("torchvision:swin_t", '{"family": "torchvision", "name": "swin_t", "image_size": 448}'),
    ],
)
def test_every_change_has_different_values(left: str, right: str) -> None:
    found = [change for row in aligned(left, right) for change in row.changes]
    assert found
    assert not [str(change) for change in found if change.before == change.after]


def test_tokens_are_counted_with_and_without_a_batch_dimension() -> None:
    rows = {row.left.name: row for row in aligned("torchvision:vit_b_16", "torchvision:vit_b_32") if row.left}
    block = "encoder.layers.encoder_layer_0."
    for name in ("ln_1", "self_attention.linear"):  # 14² and 7² patches, and the class token
        assert [str(change) for change in rows[block + name].changes] == ["map 197 → 50"]


def test_added_layers_are_in_their_stage() -> None:
    found = rows_by_stage(aligned("vgg16", "vgg19"))
    assert [part.stages for part in found] == [
        ("224×224",), ("112×112",), ("56×56",), ("28×28",), ("14×14",), ("head",),
    ]  # fmt: skip
    added = [sum(row.status is Status.ADDED for row in part.rows) for part in found]
    assert added == [0, 0, 2, 2, 2, 0]


def test_stages_with_different_map_sizes_have_both_names() -> None:
    small = resolve("vgg11").changed(image_size=112)
    found = rows_by_stage(aligned("vgg11", small))
    assert found[0].stages == ("224×224", "112×112")
    assert found[-1].stages == ("head",)
    assert len(found) == 6


def test_deep_networks_take_less_than_a_call_for_every_pair_of_layers() -> None:
    one, other = analyse(resolve("resnet152")), analyse(resolve("torchvision:densenet121"))
    pairs = len(one.layers) * len(other.layers)
    assert run_within(pairs, lambda: align(one.layers, other.layers, (224, 224)))


def analysed(raw: dict[str, object]) -> Analysis | None:
    spec = parse_or_none(raw)
    try:
        return analyse(spec) if spec else None
    except SpecError:
        return None


@given(any_raw(), any_raw())
def test_any_two_networks(one: dict[str, object], other: dict[str, object]) -> None:
    left, right = analysed(one), analysed(other)
    assume(left is not None and right is not None)
    assert left is not None and right is not None  # noqa: PT018
    rows = align(left.layers, right.layers, (left.image.height, right.image.height))
    assert [row.left for row in rows if row.left] == aligned_layers(left)
    assert [row.right for row in rows if row.right] == aligned_layers(right)
    back = align(right.layers, left.layers, (right.image.height, left.image.height))
    paired = {(id(row.left), id(row.right)) for row in rows if row.left and row.right}
    assert paired == {(id(row.right), id(row.left)) for row in back if row.left and row.right}
    for row in rows:
        if row.left and row.right:
            facts = [(l.kind, l.window, l.input_shape, l.output_shape, l.params) for l in (row.left, row.right)]  # noqa: E741
            assert (row.status is Status.SAME) == (facts[0] == facts[1])
    assert tuple(row for part in rows_by_stage(rows) for row in part.rows) == rows


@given(any_raw())
def test_a_network_is_the_same_as_itself(raw: dict[str, object]) -> None:
    network = analysed(raw)
    assume(network is not None)
    assert network is not None
    side = network.image.height
    assert {row.status for row in align(network.layers, network.layers, (side, side))} == {Status.SAME}


WIDTHS = st.lists(st.sampled_from([16, 24, 32, 48, 64, 96]), min_size=1, max_size=5, unique=True)


TOKENS = (
    (40, ["Conv2d", "ReLU"]), ("40:1", ["Conv2d", "ReLU"]), ("M", ["MaxPool2d"]), ("L", ["LocalResponseNorm"]),
)  # fmt: skip


@given(WIDTHS, st.data())
def test_one_token_more_is_that_tokens_layers(widths: list[int], data: st.DataObject) -> None:
    cfg: list[int | str] = []
    for width in widths:
        cfg += data.draw(st.sampled_from([[width], [width, "M"], [width, width, "M"], [width, "L"]]))
    place = data.draw(st.integers(0, len(cfg)))
    token, layers = data.draw(st.sampled_from(TOKENS))
    both = [
        parse_spec({"family": "vgg", "cfg": tokens, "pool_to": 1, "classifier": [], "image_size": 256})
        for tokens in (cfg, [*cfg[:place], token, *cfg[place:]])
    ]
    more, less = aligned(*both), aligned(*both[::-1])
    assert kinds(more, Status.ADDED) == kinds(less, Status.REMOVED) == Counter(layers)
    assert kinds(more, Status.REMOVED) == kinds(less, Status.ADDED) == {}


def worth(scores: list[list[int]], matches: list[tuple[int, int]]) -> int:
    """The sum of the matches' scores less a gap for each run of unmatched rows or columns."""
    edges = [(-1, -1), *matches, (len(scores), len(scores[0]))]
    gaps = sum((b[0] - a[0] > 1) + (b[1] - a[1] > 1) for a, b in pairwise(edges))
    return sum(scores[i][j] for i, j in matches) - GAP * gaps


def every_matching(rows: int, columns: int, i: int = 0, j: int = 0) -> Iterator[list[tuple[int, int]]]:
    """All ways to match some rows with some columns in order."""
    yield []
    for k, m in product(range(i, rows), range(j, columns)):
        yield from ([(k, m), *rest] for rest in every_matching(rows, columns, k + 1, m + 1))


@given(st.integers(1, 4), st.integers(1, 4), st.data())
def test_no_matching_is_worth_more(rows: int, columns: int, data: st.DataObject) -> None:
    cells = st.integers(-20, 20)
    scores = data.draw(st.lists(st.lists(cells, min_size=columns, max_size=columns), min_size=rows, max_size=rows))
    found = _best_matches(np.array(scores, np.int32))
    assert worth(scores, found) == max(worth(scores, each) for each in every_matching(rows, columns))
