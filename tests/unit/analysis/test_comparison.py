"""Differences between networks, against published values and sums made here."""

import json

import pytest

from explorer.analysis import analyse
from explorer.analysis.comparison import Comparison, by_depth, compare, difference, ratio, totals
from explorer.analysis.comparison_words import all_same, format_ratio
from explorer.analysis.landmarks import landmarks
from explorer.analysis.measures import Measure, Place, Sum, measures_at
from explorer.errors import InputError
from explorer.families import PRESETS, resolve
from tests.helpers.command import run

COSTS = [measure for measure in measures_at(Place.STAGES) if isinstance(measure.definition.layers, Sum)]


def compared(*names: str) -> Comparison:
    return compare([analyse(resolve(name)) for name in names])


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        ("lenet5", 5), ("alexnet", 8), ("vgg11", 11), ("vgg16", 16), ("vgg19-bn", 19), ("vgg16-conv", 16),
        ("resnet18", 18), ("resnet34", 34), ("plain34", 34), ("resnet50", 50), ("resnet101", 101), ("resnet152", 152),
        ("resnet20", 20), ("resnet110", 110), ("googlenet", 22), ("torchvision:densenet121", 121),
    ],
)  # fmt: skip
def test_depth_is_the_number_in_the_networks_name(name: str, depth: int) -> None:
    # Projections stand beside the path, so they don't count (He et al. 2016); GoogLeNet's 22: Szegedy et al. 2015.
    assert totals(analyse(resolve(name)))[Measure.DEPTH] == depth


def test_published_differences() -> None:
    comparison = compared("vgg16", "googlenet", "vgg19")
    first, second, third = comparison.totals
    assert difference(first, third, Measure.PARAMS) == 143_667_240 - 138_357_544
    assert difference(first, second, Measure.DEPTH) == 6
    assert ratio(first, third, Measure.PARAMS) == pytest.approx(143_667_240 / 138_357_544)
    assert [numbers[Measure.RECEPTIVE_FIELD] for numbers in (first, second)] == [212, 715]


def test_batch_norm_costs_two_numbers_a_channel_and_no_macs() -> None:
    first, second = compared("vgg16", "vgg16-bn").totals
    channels = 2 * 64 + 2 * 128 + 3 * 256 + 6 * 512
    assert difference(first, second, Measure.PARAMS) == 2 * channels
    assert difference(first, second, Measure.MACS) == 0


def test_stages_sum_to_the_totals() -> None:
    comparison = compared("resnet50", "vgg16", "googlenet", "cifar-resnet18")
    assert [stage.name for stage in comparison.stages] == [
        "224×224", "112×112", "56×56", "32×32", "28×28", "16×16", "14×14", "8×8", "7×7", "4×4", "head",
    ]  # fmt: skip
    for position, numbers in enumerate(comparison.totals):
        for measure in COSTS:
            parts = [stage.numbers[position] for stage in comparison.stages]
            assert sum(part[measure] or 0 for part in parts if part) == numbers[measure]
    assert comparison.stages[0].numbers[0] is None


def test_stages_go_from_the_largest_map_to_the_head() -> None:
    small = resolve("resnet50").changed(image_size=32)
    comparison = compare([analyse(spec) for spec in (resolve("resnet50"), small, resolve("torchvision:vit_b_16"))])
    names = [stage.name for stage in comparison.stages]
    *maps, tokens, head = names
    areas = [int(name.split("×")[0]) ** 2 for name in maps]
    assert areas == sorted(areas, reverse=True)
    assert (tokens, head) == ("tokens", "head")


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "googlenet", "torchvision:mobilenet_v3_small"])
def test_the_curves_end_at_the_totals(name: str) -> None:
    network = analyse(resolve(name))
    points = by_depth(network)
    assert all(points[-1].numbers[measure] == totals(network)[measure] for measure in COSTS)
    assert [point.depth for point in points] == sorted({point.depth for point in points})


def test_the_curve_of_receptive_fields_is_published() -> None:
    # VGG-16: after each pool (Araujo et al. 2019), at the convolutions' depths.
    fields = {point.depth: point.numbers[Measure.RECEPTIVE_FIELD] for point in by_depth(analyse(resolve("vgg16")))}
    assert [fields[depth] for depth in (2, 4, 7, 10, 13)] == [6, 16, 44, 100, 212]


def test_a_missing_number_has_no_difference() -> None:
    first, second = compared("torchvision:vit_b_32", "lenet5").totals
    assert first[Measure.RECEPTIVE_FIELD] is None
    assert difference(first, second, Measure.RECEPTIVE_FIELD) is None
    assert format_ratio(first, second, Measure.RECEPTIVE_FIELD) == ""


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (100, 100, "the same"), (100, 250, "+150.0%"), (100, 300, "×3.0"), (1000, 50, "−95.0%"),
        (100_000, 100_006, "+0.006%"), (0, 0, ""), (0, 5, ""),
    ],
)  # fmt: skip
def test_relative_differences_in_words(before: int, after: int, words: str) -> None:
    assert format_ratio({Measure.PARAMS: before}, {Measure.PARAMS: after}, Measure.PARAMS) == words


@pytest.mark.parametrize("count", [0, 1, 5])
def test_two_to_four_networks(count: int) -> None:
    with pytest.raises(InputError, match=f"compare: takes 2 to 4 networks, not {count}"):
        compared(*["lenet5"] * count)


def test_landmarks_are_published_values() -> None:
    points = {point.name: point for point in landmarks()}
    assert points["vgg16"].params == 138_357_544
    assert points["vgg16"].macs == 15_470_000_000
    assert points["resnet50"].macs == 4_089_000_000
    assert points[PRESETS["vgg16-c"].title].params == 133_638_952
    assert len(points) > 80


def test_the_command_prints_one_document(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    status, out, err = run(capsys, monkeypatch, "compare", "vgg16", "vgg19", "resnet18", "--json")
    document = json.loads(out)
    assert (status, err) == (0, "")
    assert [network["totals"]["params"] for network in document["networks"]] == [138_357_544, 143_667_240, 11_689_512]
    deeper, other = document["differences"]
    assert deeper["layers"] == {"same": 39, "changed": 0, "removed": 0, "added": 6}
    assert deeper["totals"]["params"] == {"difference": 5_309_696, "ratio": pytest.approx(1.0384, abs=1e-4)}
    added = [row for row in deeper["rows"] if row["status"] == "added"]
    assert added[0] == {"status": "added", "left": None, "right": "features.16", "changes": []}
    assert other["network"] == 2
    assert document["stages"][0]["stage"] == "224×224"
    assert document["stages"][0]["networks"][2] is None


def test_the_command_prints_text(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    status, out, _err = run(capsys, monkeypatch, "compare", "resnet50", "resnet50-v1")
    assert status == 0
    assert "A → B: 0 added, 0 removed, 12 changed, 162 the same" in out
    assert "stride 1 → 2; map 56×56 → 28×28" in out
    assert run(capsys, monkeypatch, "compare", "lenet5", "lenet5")[1].count("the same") >= 8
    other = resolve("vgg16").changed(dropout=0.1).to_json()
    assert "but the specs differ: dropout: 0.5 → 0.1." in run(capsys, monkeypatch, "compare", "vgg16", other)[1]


def test_equal_layers_of_different_specs() -> None:
    vgg = resolve("vgg16")
    same = "Layers, shapes and parameters are the same."
    assert all_same(vgg, vgg) == all_same(vgg, resolve("torchvision:vgg16")) == same
    other = vgg.changed(dropout=0.1, dropout_position="before")
    assert all_same(vgg, other) == (
        "Layers, shapes and parameters are the same, but the specs differ: dropout: 0.5 → 0.1, "
        'dropout_position: "after" → "before".'
    )


@pytest.mark.parametrize("arguments", [(), ("vgg16",), ("vgg16",) * 5, ("vgg16", "nonesuch"), ("vgg16", "{")])
def test_errors_of_the_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    status, out, err = run(capsys, monkeypatch, "compare", *arguments, "--json")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: ")


def test_a_note_on_different_input_sizes() -> None:
    small = resolve("resnet20")
    unlike = compare([analyse(resolve("vgg11")), analyse(small)]).to_dict()
    assert len(unlike["notes"]) == 1
    assert "3×224×224, 3×32×32" in unlike["notes"][0]
    assert unlike["networks"][1]["totals"]["peak_activation_bytes"] == 274_432
    assert compare([analyse(resolve("plain20")), analyse(small)]).to_dict()["notes"] == []
