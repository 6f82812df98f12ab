"""Published figures compared with our numbers; agreement follows from decimal rounding."""

import dataclasses
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torchvision import models

from explorer.analysis import analyse
from explorer.analysis import published as module
from explorer.analysis.publications import metadata
from explorer.analysis.published import Agreement, PublishedFigure, agreement_of, published
from explorer.families import PRESETS, Spec, resolve
from explorer.families.claims import Metric
from explorer.families.naming import twin_of
from explorer.families.resnet.published import RESNET_EXACT
from tests.helpers.narrow import googlenet

pytestmark = pytest.mark.exhaustive

EXACT, ROUNDS, TRUNCATES, DIFFERS = Agreement


def find(spec: Spec, metric: Metric, source: str, part: str = "") -> PublishedFigure:
    [found] = [p for p in published(spec) if (p.metric, p.part) == (metric, part) and p.source.startswith(source)]
    return found


def implied(computed: int, printed: str, unit: int) -> Agreement:
    """Returns the agreement by decimal rounding to the printed digits."""
    figure = Decimal(printed)
    ours = Decimal(computed) / unit
    if ours == figure:
        return EXACT
    if ours.quantize(figure, ROUND_HALF_UP) == figure:
        return ROUNDS
    return TRUNCATES if ours.quantize(figure, ROUND_DOWN) == figure else DIFFERS


@given(st.integers(0, 10**7), st.integers(0, 999), st.sampled_from([0, 1, 2]), st.sampled_from([1, 1000, 1024]))
def test_agreement_is_decimal_rounding(computed: int, digits: int, places: int, unit: int) -> None:
    printed = Decimal(digits).scaleb(-places)
    value, step = printed * unit, Decimal(unit).scaleb(-places)
    assert agreement_of(computed, value, step) is implied(computed, str(printed), unit)


# Simonyan and Zisserman 2015, Table 2, in millions, and the exact counts.
@pytest.mark.parametrize(
    ("name", "printed", "computed"),
    [
        ("vgg11", "133", 132_863_336),
        ("vgg11-lrn", "133", 132_863_336),
        ("vgg13", "133", 133_047_848),
        ("vgg16-c", "134", 133_638_952),
        ("vgg16", "138", 138_357_544),
        ("vgg16-conv", "138", 138_357_544),
        ("vgg19", "144", 143_667_240),
    ],
)
def test_vgg_parameters(name: str, printed: str, computed: int) -> None:
    found = find(resolve(name), Metric.PARAMS, "Simonyan")
    assert (found.printed, found.computed, found.agreement) == (f"{printed} million", computed, ROUNDS)
    assert found.agreement is implied(computed, printed, 10**6)


# He et al. 2016, Table 1, in 10⁹ multiply-adds; exact counts with the stride where each network has it.
@pytest.mark.parametrize(
    ("name", "fields", "printed", "giga", "agreement"),
    [
        ("resnet18", {}, "1.8", 1.814, ROUNDS),
        ("resnet18", {"shortcut": "A"}, "1.8", 1.795, ROUNDS),
        ("plain18", {}, "1.8", 1.795, ROUNDS),
        ("resnet34", {}, "3.6", 3.664, TRUNCATES),
        ("resnet34", {"shortcut": "A"}, "3.6", 3.644, ROUNDS),
        ("plain34", {}, "3.6", 3.644, ROUNDS),
        ("resnet50-v1", {}, "3.8", 3.858, TRUNCATES),
        ("resnet50", {}, "3.8", 4.089, DIFFERS),
        ("resnet101", {"stride_on": "1x1"}, "7.6", 7.570, ROUNDS),
        ("resnet101", {}, "7.6", 7.801, DIFFERS),
        ("resnet152", {"stride_on": "1x1"}, "11.3", 11.282, ROUNDS),
        ("resnet152", {}, "11.3", 11.514, DIFFERS),
        ("torchvision:resnet50", {}, "3.8", 4.089, DIFFERS),
    ],
)
def test_resnet_macs(name: str, fields: dict[str, object], printed: str, giga: float, agreement: Agreement) -> None:
    found = find(resolve(name).changed(**fields), Metric.MACS, "He et al. 2016, Table 1")
    assert found.computed is not None
    assert (found.printed, round(found.computed / 1e9, 3), found.agreement) == (f"{printed} × 10⁹", giga, agreement)
    assert found.agreement is implied(found.computed, printed, 10**9)
    assert ("3×3" in found.reason) == (agreement is DIFFERS)


@pytest.mark.parametrize(("depth", "exact"), RESNET_EXACT.items())
def test_the_macs_in_a_reason(depth: int, exact: str) -> None:
    macs = analyse(resolve(f"resnet{depth}").changed(stride_on="1x1")).totals.macs
    assert exact == f"{macs / 1e9:.3f} G"


def test_torchvisions_resnet50_and_the_papers() -> None:
    found = find(resolve("resnet50-v1"), Metric.MACS, "torchvision")
    assert (found.printed, found.computed, found.agreement) == ("4.089 G", 3_857_973_248, DIFFERS)
    assert found.difference == pytest.approx(-0.0565, abs=0.0001)


def test_vgg19_in_the_resnet_paper() -> None:
    assert find(resolve("vgg19"), Metric.MACS, "He et al. 2016, section 3.3").agreement is ROUNDS


# He et al. 2016, Table 6.
@pytest.mark.parametrize(
    ("depth", "millions", "params", "error"),
    [
        (20, "0.27", 269_722, "8.75"),
        (32, "0.46", 464_154, "7.51"),
        (44, "0.66", 658_586, "7.17"),
        (56, "0.85", 853_018, "6.97"),
        (110, "1.7", 1_727_962, "6.43"),
    ],
)
def test_cifar_resnets(depth: int, millions: str, params: int, error: str) -> None:
    spec = resolve(f"resnet{depth}")
    found = find(spec, Metric.PARAMS, "He et al. 2016, Table 6")
    assert (found.printed, found.computed, found.agreement) == (
        f"{millions}M",
        params,
        implied(params, millions, 10**6),
    )
    test_error = find(spec, Metric.ERROR, "He et al. 2016, Table 6")
    assert (test_error.printed, test_error.computed, test_error.agreement) == (f"{error}%", None, None)


# Araujo et al. 2019 and the tables of its library: size, stride, padding.
@pytest.mark.parametrize(
    ("name", "fields", "part", "theirs", "ours"),
    [
        ("vgg16", {}, "pool1", (6, 2, 2), (6, 2, 2)),
        ("vgg16", {}, "pool2", (16, 4, 6), (16, 4, 6)),
        ("vgg16", {}, "pool3", (44, 8, 18), (44, 8, 18)),
        ("vgg16-bn", {}, "pool4", (100, 16, 42), (100, 16, 42)),
        ("vgg16", {}, "", (212, 32, 90), (212, 32, 90)),
        ("vgg16", {"num_classes": 10, "image_size": 256}, "", (212, 32, 90), (212, 32, 90)),
        ("vgg11", {}, "", (150, 32, 59), (150, 32, 59)),
        ("resnet50-v1", {}, "", (483, 32, 239), (483, 32, 241)),
        ("resnet50", {}, "", (483, 32, 239), (427, 32, 213)),
        ("resnet50", {}, "layer3", (291, 32), (267, 16)),
        ("resnet101", {"stride_on": "1x1"}, "", (1027, 32, 511), (1027, 32, 513)),
        ("resnet152", {"stride_on": "1x1"}, "", (1507, 32, 751), (1507, 32, 753)),
    ],
)
def test_receptive_fields(
    name: str, fields: dict[str, object], part: str, theirs: tuple[int, ...], ours: tuple[int, ...]
) -> None:
    spec = resolve(name).changed(**fields)
    for metric, printed, computed in zip((Metric.FIELD, Metric.STRIDE, Metric.PADDING), theirs, ours, strict=False):
        found = find(spec, metric, "Araujo", part)
        assert (found.printed, found.computed) == (str(printed), computed)
        assert found.agreement is (EXACT if printed == computed else DIFFERS)
        assert bool(found.reason) == (printed != computed)


# Szegedy et al. 2015, Table 1: parameters (K = 1024) and operations as printed, and our exact weights.
@pytest.mark.parametrize(
    ("part", "kilo", "weights", "mega", "macs_agreement"),
    [
        ("conv1", "2.7", 9_408, "34", DIFFERS),
        ("conv2 with reduce", "112", 114_688, "360", ROUNDS),
        ("3a", "159", 163_328, "128", ROUNDS),
        ("3b", "380", 388_096, "304", ROUNDS),
        ("4a", "364", 375_552, "73", TRUNCATES),
        ("4b", "437", 448_512, "88", ROUNDS),
        ("4c", "463", 509_440, "100", ROUNDS),
        ("4d", "580", 604_672, "119", ROUNDS),
        ("4e", "840", 867_328, "170", ROUNDS),
        ("5a", "1072", 1_042_432, "54", DIFFERS),
        ("5b", "1388", 1_442_816, "71", ROUNDS),
        ("linear", "1000", 1_024_000, "1", ROUNDS),
    ],
)
def test_googlenet_rows(part: str, kilo: str, weights: int, mega: str, macs_agreement: Agreement) -> None:
    spec = resolve("googlenet")
    found = find(spec, Metric.WEIGHTS, "Szegedy", part)
    assert (found.printed, found.computed, found.agreement) == (f"{kilo}K", weights, implied(weights, kilo, 1024))
    assert bool(found.reason) == (found.agreement in (TRUNCATES, DIFFERS))
    operations = find(spec, Metric.MACS, "Szegedy", part)
    assert operations.computed is not None
    assert (operations.printed, operations.agreement) == (f"{mega}M", macs_agreement)
    assert macs_agreement is implied(operations.computed, mega, 10**6)


def test_the_reasons_of_two_rows() -> None:
    # A separable 7x7 of depth 8 on colour: 49·3·8 + 24·64 weights at each of 112² places.
    separable = 49 * 3 * 8 + 24 * 64
    assert agreement_of(separable, Decimal("2.7") * 1000, Decimal(100)) is ROUNDS
    assert agreement_of(separable * 112**2, Decimal(34 * 10**6), Decimal(10**6)) is ROUNDS
    rows = [
        [*row[:4], 48, *row[5:]] if row[0] == "5a" else list(row) for row in googlenet(resolve("googlenet")).modules
    ]
    layers = analyse(resolve("googlenet").changed(modules=rows)).layers
    macs = sum(layer.macs for layer in layers if layer.name.startswith("inception5a."))
    assert agreement_of(macs, Decimal(54 * 10**6), Decimal(10**6)) is ROUNDS
    assert macs / 49 == pytest.approx(1072 * 1024, rel=0.01)


@pytest.mark.parametrize("name", ["googlenet", "googlenet-naive"])
def test_the_quoted_358_million(name: str) -> None:
    naive = find(resolve(name), Metric.MACS, "GoogLeNet notes", "naive module on 28×28×256")
    assert (naive.computed, naive.agreement) == (854_196_224, ROUNDS)
    reduced = find(resolve(name), Metric.MACS, "GoogLeNet notes", "the same, reduced")
    assert (reduced.printed, reduced.computed, reduced.agreement) == ("358M", 271_351_808, DIFFERS)
    twice = 28 * 28 * 192 * 64 * 9
    assert "86.7 M, twice" in reduced.reason
    assert round(twice / 1e6, 1) == 86.7
    assert reduced.computed == 358_055_936 - twice


@pytest.mark.parametrize("name", metadata())
def test_torchvisions_figures_are_its_own(name: str) -> None:
    meta = models.get_model_weights(name)["IMAGENET1K_V1"].meta
    assert metadata()[name] == (f"{meta['num_params']:,}", f"{meta['_ops']} G")
    [preset] = [preset for preset in PRESETS if twin_of(preset) == name]
    for spec in (resolve(preset), resolve(f"torchvision:{name}")):
        assert find(spec, Metric.PARAMS, "torchvision").agreement is EXACT
        assert find(spec, Metric.MACS, "torchvision").agreement is ROUNDS


def test_any_torchvision_model_is_compared_with_its_metadata() -> None:
    assert [p.agreement for p in published(resolve("torchvision:efficientnet_b1"))] == [EXACT, ROUNDS]
    assert published(resolve("torchvision:efficientnet_b1").changed(image_size=224)) == ()
    params, macs = published(resolve("torchvision:inception_v3"))
    assert (params.agreement, macs.agreement) == (DIFFERS, ROUNDS)
    assert "auxiliary head" in params.reason


@pytest.mark.parametrize("name", PRESETS)
def test_every_difference_has_a_reason(name: str) -> None:
    for figure in published(resolve(name)):
        assert figure.source
        assert bool(figure.reason) == (figure.agreement in (TRUNCATES, DIFFERS)), figure


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("vgg16", {"cfg": [64, "M", 128, "M"]}),
        ("vgg11-lrn", {"cfg": [64, 64, "L", "M"]}),
        ("vgg19", {"classifier": [4096]}),
        ("resnet34", {"blocks": [3, 4, 6, 4]}),
        ("resnet152", {"blocks": [3, 8, 36, 4]}),
        ("resnet20", {"widths": [16, 32, 65]}),
        ("resnet20", {"batch_norm": False}),
        ("plain34", {"num_classes": 10}),
        ("googlenet", {"branch5x5": 3}),
        ("googlenet", {"pool_after": ["3b"]}),
    ],
)
def test_an_edited_network_has_no_published_figures(name: str, fields: dict[str, object]) -> None:
    assert published(resolve(name))
    assert published(resolve(name).changed(**fields)) == ()


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("vgg16", {"dropout": 0.2, "dropout_position": "before", "head": "conv"}),
        ("resnet34", {"stride_on": "1x1"}),
        ("plain34", {"shortcut": "A"}),
        ("googlenet", {"dropout": 0.7, "aux_pool": "average"}),
    ],
)
def test_edits_that_change_no_figure(name: str, fields: dict[str, object]) -> None:
    assert published(resolve(name).changed(**fields)) == published(resolve(name))


def test_agreement_follows_the_analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_more(spec: Spec) -> object:
        analysis = analyse(spec)
        first, *others = analysis.layers
        return dataclasses.replace(
            analysis,
            layers=(dataclasses.replace(first, params=first.params + 1), *others),
            field=analysis.field and dataclasses.replace(analysis.field, size=213),
        )

    monkeypatch.setattr(module, "analyse", one_more)
    assert find(resolve("vgg16"), Metric.PARAMS, "torchvision").agreement is DIFFERS
    assert find(resolve("vgg16"), Metric.PARAMS, "Simonyan").agreement is ROUNDS
    assert find(resolve("vgg16"), Metric.FIELD, "Araujo").agreement is DIFFERS


def test_googlenets_five_million_and_its_heads() -> None:
    spec = resolve("googlenet")
    total = find(spec, Metric.PARAMS, "GoogLeNet notes")
    assert (total.printed, total.computed, total.agreement) == ("5M", 6_998_552, DIFFERS)
    assert "12 times fewer" in total.reason
    for read, channels in (("4a", 512), ("4d", 528)):  # Szegedy et al. 2015, section 5
        pool = f"pool of the head after {read}"
        figures = [
            (Metric.SIDE, pool, 4),
            (Metric.CHANNELS, pool, channels),
            (Metric.CHANNELS, f"1×1 of the head after {read}", 128),
            (Metric.CHANNELS, f"hidden layer of the head after {read}", 1024),
            (Metric.CHANNELS, f"classes of the head after {read}", 1000),
        ]
        for metric, part, figure in figures:
            found = find(spec, metric, "Szegedy et al. 2015, section 5", part)
            assert (found.computed, found.agreement) == (figure, EXACT)
    for dropout, paper, code in ((0.7, EXACT, DIFFERS), (0.5, DIFFERS, EXACT)):
        chosen = spec.changed(aux_dropout=dropout)
        assert find(chosen, Metric.HEADS_DROPOUT, "Szegedy").agreement is paper
        assert find(chosen, Metric.HEADS_DROPOUT, "GoogLeNet notes").agreement is code
