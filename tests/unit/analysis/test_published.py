"""Exact numbers against the literature."""

import pytest

from explorer.analysis import Analysis, analyse
from explorer.families import resolve
from explorer.families.googlenet.spec import GoogLeNetSpec
from explorer.families.vgg.spec import VggSpec


def params(analysis: Analysis, prefix: str) -> int:
    return sum(layer.params for layer in analysis.layers if layer.name.startswith(prefix))


# Simonyan and Zisserman 2015, Table 2, to the last parameter; biases included.
@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("vgg11", 132_863_336),
        ("vgg11-lrn", 132_863_336),
        ("vgg13", 133_047_848),
        ("vgg16-c", 133_638_952),
        ("vgg16", 138_357_544),
        ("vgg16-conv", 138_357_544),
        ("vgg19", 143_667_240),
        ("lenet5", 61_706),
        ("cnn-cifar10", 62_006),
    ],
)
def test_parameters(preset: str, expected: int) -> None:
    assert analyse(resolve(preset)).totals.params == expected


def test_vgg16_macs() -> None:
    analysis = analyse(resolve("vgg16"))
    assert analysis.totals.macs == 15_470_264_320
    assert sum(layer.macs for layer in analysis.layers if layer.kind == "Conv2d") == 15_346_630_656
    assert analyse(resolve("vgg16-conv")).totals.macs == 15_470_264_320


# torchinfo's own totals, bias included, under their own name.
@pytest.mark.parametrize(
    ("preset", "expected"),
    [("vgg16", 15_483_821_032), ("resnet50", 4_089_238_376), ("resnet152", 11_513_779_048)],
)
def test_torchinfo_mult_adds(preset: str, expected: int) -> None:
    assert analyse(resolve(preset)).totals.torchinfo_mult_adds == expected


# He et al. 2016, Table 1 truncates; with the paper's stride placement and option B to the third digit.
@pytest.mark.parametrize(
    ("preset", "stride_on", "giga"),
    [
        ("resnet18", "1x1", 1.814),
        ("resnet34", "1x1", 3.664),
        ("resnet50", "1x1", 3.858),
        ("resnet101", "1x1", 7.570),
        ("resnet152", "1x1", 11.282),
        ("resnet18", "3x3", 1.814),
        ("resnet34", "3x3", 3.664),
        ("resnet50", "3x3", 4.089),
    ],
)
def test_imagenet_resnet_macs(preset: str, stride_on: str, giga: float) -> None:
    spec = resolve(preset).changed(stride_on=stride_on)
    assert round(analyse(spec).totals.macs / 1e9, 3) == giga


@pytest.mark.parametrize(("preset", "giga"), [("plain18", 1.795), ("plain34", 3.644)])
def test_plain_nets_cost_what_option_a_costs(preset: str, giga: float) -> None:
    plain = analyse(resolve(preset)).totals.macs
    option_a = analyse(resolve(preset).changed(residual=True, shortcut="A")).totals.macs
    assert round(plain / 1e9, 3) == giga
    assert plain == option_a


def test_resnet50_v1_is_the_published_placement() -> None:
    assert round(analyse(resolve("resnet50-v1")).totals.macs / 1e9, 3) == 3.858


# He et al. 2016, Table 6 (0.27 M to 1.7 M), exact with option A.
@pytest.mark.parametrize(
    ("depth", "expected", "mega"),
    [(20, 269_722, 40.55), (32, 464_154, 68.86), (44, 658_586, 97.17), (56, 853_018, 125.49), (110, 1_727_962, 252.89)],
)
def test_cifar_resnets(depth: int, expected: int, mega: float) -> None:
    for kind in ("resnet", "plain"):
        totals = analyse(resolve(f"{kind}{depth}")).totals
        assert totals.params == expected
        assert round(totals.macs / 1e6, 2) == mega


# Szegedy et al. 2015, Table 1: exact weights without biases; the paper's own figures are loose.
@pytest.mark.parametrize(
    ("parts", "weights"),
    [
        (("conv1.",), 9_408),
        (("conv2.", "conv3."), 114_688),
        (("inception3a.",), 163_328),
        (("inception3b.",), 388_096),
        (("inception4a.",), 375_552),
        (("inception4b.",), 448_512),
        (("inception4c.",), 509_440),
        (("inception4d.",), 604_672),
        (("inception4e.",), 867_328),
        (("inception5a.",), 1_042_432),
        (("inception5b.",), 1_442_816),
        (("fc",), 1_024_000),
    ],
)
def test_googlenet_table(parts: tuple[str, ...], weights: int) -> None:
    layers = [row for row in analyse(resolve("googlenet")).layers if row.name.startswith(parts)]
    biases = sum(row.output_shape[1] for row in layers if row.params)
    assert sum(row.params for row in layers) - biases == weights


def test_naive_inception_against_reduced() -> None:
    # A module of 128, 192 and 96 channels on 28x28x256; the often quoted 358 M counts the 3x3 term twice.
    def macs(*, reduce: bool) -> int:
        rows = [["before", 64, 1, 64, 1, 64, 64], ["case", 128, 64, 192, 64, 96, 64]]
        spec = GoogLeNetSpec.parse(
            {
                "family": "googlenet",
                "modules": rows,
                "stem": "cifar",
                "image_size": 28,
                "reduce": reduce,
            }
        )
        return sum(row.macs for row in analyse(spec).layers if row.name.startswith("inceptioncase."))

    assert macs(reduce=True) == 271_351_808
    # The naive module before hands on 64 + 64 + 64 + 192 channels, so scale to 256.
    assert macs(reduce=False) * 256 // 384 == 854_196_224


def test_mnist_networks_have_equal_numbers_of_parameters() -> None:
    cnn, dense = (analyse(resolve(name)).totals.params for name in ("mnist-cnn", "mnist-fc"))
    assert abs(cnn - dense) < 0.01 * cnn


def test_auxiliary_heads_stand_apart() -> None:
    totals = analyse(resolve("googlenet-torchvision")).totals
    assert totals.params == 6_624_904
    assert totals.params + totals.aux_params == 13_004_888


@pytest.mark.parametrize("heads", [[], ["4a"], ["4a", "4b", "4d"], ["3a", "3b", "4a", "4b", "4c", "4d", "4e"]])
def test_any_number_of_auxiliary_heads_stands_apart(heads: list[str]) -> None:
    analysis = analyse(resolve("googlenet").changed(aux_after=heads))
    assert analysis.totals.params == sum(layer.params for layer in analysis.layers) == 6_998_552
    assert (analysis.totals.aux_params > 0) == bool(heads)


@pytest.mark.parametrize("channels", [1, 16, 64])
def test_a_7x7_against_three_3x3(channels: int) -> None:
    # Simonyan and Zisserman 2015, section 2.3: 49 C² weights against 27 C², 81% more, for the same field.
    def stack(*cfg: int | str) -> Analysis:
        return analyse(VggSpec(cfg=cfg, in_channels=channels, image_size=32, pool_to=1, classifier=(), num_classes=2))

    wide, deep = stack(f"{channels}:7"), stack(channels, channels, channels)
    assert params(wide, "features") - channels == 49 * channels**2
    assert params(deep, "features") - 3 * channels == 27 * channels**2
    assert wide.field == deep.field
