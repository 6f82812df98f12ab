"""torchvision's models with old names, in wrappers, without counters and with other heads."""

import re
from collections.abc import Callable

import pytest
import timm
import torch
import torchvision.models as tv
from torch import nn
from torchvision.models.swin_transformer import ShiftedWindowAttentionV2

from explorer.errors import SpecError
from explorer.families import nearest, resolve
from explorer.families.link import decode, encode
from explorer.families.recognition.guess import our_shapes
from explorer.families.recognition.search import recognise
from explorer.families.torchvision.network import constants
from explorer.families.torchvision.spec import ZooSpec
from explorer.weights.importing.mismatch import explain_unknown, explain_unlike
from tests.helpers.foreign_networks import Shapes, check_scores, flat_names, shapes_of
from tests.helpers.narrow import zoo


def mlp(features: int, *widths: int, classes: int = 5) -> nn.Sequential:
    """A head as people write it."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(features, width), nn.ReLU(), nn.Dropout()]
        features = width
    return nn.Sequential(*layers, nn.Linear(features, classes))


def with_head(name: str, place: str, head: Callable[[], nn.Module]) -> nn.Module:
    """A model of torchvision on meta with another head."""
    with torch.device("meta"):
        model = tv.get_model(name, weights=None, **({"init_weights": False} if name == "inception_v3" else {}))
        model.set_submodule(place, head())
    made: nn.Module = model
    return made


def old_name(name: str) -> str:
    """The name in torchvision's files of DenseNet and of its first vision transformers."""
    name = re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", name)
    return re.sub(r"(encoder_layer_\d+\.mlp)\.([03])", lambda m: f"{m[1]}.linear_{1 if m[2] == '0' else 2}", name)


@pytest.mark.parametrize(
    ("name", "place", "head", "expected"),
    [
        ("mobilenet_v2", "classifier.1", lambda: mlp(1280), {}),
        ("mobilenet_v2", "classifier", lambda: nn.Linear(1280, 5), {}),
        ("mobilenet_v3_small", "classifier.3", lambda: nn.Linear(1024, 5), {}),
        ("mobilenet_v3_small", "classifier", lambda: mlp(576, 32), {"head": "pooled", "classifier": (32,)}),
        ("mobilenet_v3_small", "classifier.3", lambda: mlp(1024, 32), {"head": "last", "classifier": (32,)}),
        ("densenet121", "classifier", lambda: mlp(1024, 64, 32), {"head": "last", "classifier": (64, 32)}),
        ("shufflenet_v2_x0_5", "fc", lambda: mlp(1024, 64), {"head": "last", "classifier": (64,)}),
        ("squeezenet1_1", "classifier.1", lambda: nn.Conv2d(512, 5, 1), {}),
        (
            "squeezenet1_1",
            "classifier",
            lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 5)),
            {"head": "pooled"},
        ),
        ("convnext_tiny", "classifier.2", lambda: nn.Linear(768, 5), {}),
        ("convnext_tiny", "classifier", lambda: nn.Sequential(nn.Flatten(), nn.Linear(768, 5)), {"head": "pooled"}),
        ("vit_b_32", "heads.head", lambda: nn.Linear(768, 5), {}),
        ("swin_t", "head", lambda: mlp(768, 32), {"head": "last", "classifier": (32,)}),
        ("inception_v3", "fc", lambda: nn.Linear(2048, 5), {}),
        ("resnet18", "fc", lambda: mlp(512, 32), {"head": "last", "classifier": (32,)}),
    ],
)
def test_heads_and_names(name: str, place: str, head: Callable[[], nn.Module], expected: dict[str, object]) -> None:
    shapes = shapes_of(with_head(name, place, head).state_dict())
    for how in ("wrapped", "sorted", "bare"):
        check(shapes, how, place, ZooSpec.parse({"family": "torchvision", "name": name, "num_classes": 5, **expected}))


def check(theirs: Shapes, how: str, place: str, expected: ZooSpec) -> None:
    match how:
        case "wrapped":  # the trunk alone, with its head under a name of its own
            theirs = {
                ("fc2" + n.removeprefix(place) if n.startswith(place) else f"net.{n}"): s for n, s in theirs.items()
            }
        case "sorted":
            theirs = dict(sorted((old_name(n), s) for n, s in theirs.items()))
        case "bare":  # without counters and tensors that are computed from the shape
            theirs = {n: s for n, s in theirs.items() if not n.endswith(("num_batches_tracked", "position_index"))}
    found = recognise(theirs, ordered=how != "sorted")[0]
    assert found.spec == expected
    needed = our_shapes(found.spec)
    assert {ours: theirs[their] for ours, their in found.names.items()}.items() <= needed.items()
    assert {n.rpartition(".")[2] for n in needed.keys() - found.names.keys()} <= {
        "num_batches_tracked",
        "relative_position_index",
    }
    assert all("AuxLogits" in n for n in found.ignored)


def test_a_head_with_batch_norms_has_equal_scores() -> None:
    torch.manual_seed(0)
    net = tv.mobilenet_v3_small(num_classes=4)
    net.classifier = nn.Sequential(
        nn.BatchNorm1d(576), nn.Dropout(), nn.Linear(576, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(),
        nn.Linear(16, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 6), nn.Linear(6, 3),
    )  # fmt: skip
    spec = zoo(check_scores(net, 64).spec)
    assert (spec.head, spec.classifier, spec.num_classes) == ("pooled", (16, 8), 3)


def test_meaningless_names_are_matched_by_order_with_a_note() -> None:
    shapes = our_shapes(resolve("torchvision:shufflenet_v2_x0_5"))
    modules = {name.rpartition(".")[0]: f"m{place}" for place, name in enumerate(shapes)}
    theirs = {f"{modules[n.rpartition('.')[0]]}.{n.rpartition('.')[2]}": shape for n, shape in shapes.items()}
    (found,) = recognise(theirs, ordered=True)
    assert zoo(found.spec).name == "shufflenet_v2_x0_5"
    assert "order of the file" in found.notes[0]
    renamed = flat_names(list(shapes))  # names without an order
    assert recognise({renamed[name]: shape for name, shape in shapes.items()}, ordered=False) == []


def test_tensors_that_swin_computes_from_its_shape() -> None:
    attention = ShiftedWindowAttentionV2(8, [8, 8], [0, 0], 2)
    known = constants(ZooSpec(name="swin_v2_t", image_size=256))
    for name in ("relative_position_index", "relative_coords_table"):
        torch.testing.assert_close(known[f"features.1.0.attn.{name}"], getattr(attention, name))
    with torch.device("meta"):
        shapes = shapes_of(tv.swin_v2_t(num_classes=2).state_dict())
    theirs = {name: shape for name, shape in shapes.items() if not name.endswith(("_index", "_table"))}
    found = recognise({**theirs, **{n: s for n, s in shapes.items() if n.endswith("bias_table")}}, ordered=True)[0]
    assert found.spec == ZooSpec(name="swin_v2_t", image_size=256, num_classes=2)


def test_a_head_of_hidden_layers_is_part_of_a_spec() -> None:
    spec = ZooSpec(name="resnet18", head="last", classifier=(64,), num_classes=5)
    assert decode(encode(spec, ""))[0] == spec
    with pytest.raises(SpecError, match="own head has no hidden layers"):
        ZooSpec.parse({"family": "torchvision", "name": "resnet18", "classifier": [64]})


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("mnasnet0_5", {"layers.0.weight": (32, 3, 3, 3)}, ["layers.0.weight is (32, 3, 3, 3)", "(16, 3, 3, 3)"]),
        ("mobilenet_v2", {"classifier.1.weight": (5, 2560)}, ["is (5, 2560)", "there is (1000, 1280)"]),
        (
            "vit_b_32",
            {"encoder.layers.encoder_layer_3.ln_1.bias": None},
            ["encoder_layer_3.ln_1.bias of (768,) is mis"],
        ),
        ("densenet121", {"features.norm9.weight": (3,)}, ["has more: the first is net.features.norm9.weight of (3,)"]),
    ],
)
def test_the_message_names_a_similar_model_and_the_first_difference(
    name: str, changes: dict[str, tuple[int, ...] | None], words: list[str]
) -> None:
    shapes = {**our_shapes(resolve(f"torchvision:{name}")), **changes}
    theirs = {f"net.{old_name(n)}": shape for n, shape in shapes.items() if shape is not None}
    assert recognise(theirs, ordered=True) == []
    message = explain_unknown(theirs, ordered=True)
    assert all(word in message for word in [f"like torchvision:{name}", *words]), message
    assert explain_unlike(resolve(f"torchvision:{name}"), theirs, ordered=True) == message


TIMM = {
    "vgg16": "vgg16-conv",
    "vgg19_bn": "vgg19-bn",
    "resnet152": "resnet152",
    "resnext50_32x4d": "resnext50_32x4d",
    "wide_resnet50_2": "wide_resnet50_2",
    "densenet201": "densenet201",
    "mobilenetv2_100": "mobilenet_v2",
    "mobilenetv3_large_100": "mobilenet_v3_large",
    "mobilenetv3_small_100": "mobilenet_v3_small",
    "mnasnet_050": "mnasnet0_5",
    "efficientnet_b0": "efficientnet_b0",
    "efficientnet_b7": "efficientnet_b7",
    "efficientnetv2_s": "efficientnet_v2_s",
    "efficientnetv2_l": "efficientnet_v2_l",
    "regnetx_004_tv": "regnet_x_400mf",
    "regnetx_320": "regnet_x_32gf",
    "regnety_008_tv": "regnet_y_800mf",
    "regnety_1280": "regnet_y_128gf",
    "convnext_tiny": "convnext_tiny",
    "convnext_large": "convnext_large",
}


@pytest.mark.parametrize(("theirs", "name"), TIMM.items())
def test_timm_has_the_same_networks_under_other_names(theirs: str, name: str) -> None:
    with torch.device("meta"):
        shapes = shapes_of(timm.create_model(theirs, num_classes=5).state_dict())
    for ordered in (True, False):  # timm's files on the Hub are safetensors, which are sorted
        found = recognise(shapes if ordered else dict(sorted(shapes.items())), ordered=ordered)[0]
        expected = f"torchvision:{name}" if found.spec.family == "torchvision" else name
        assert nearest(found.spec) == expected
        assert not found.ignored


@pytest.mark.parametrize("theirs", ["mobilenetv3_small_100", "regnety_004", "convnext_tiny"])
def test_timm_computes_the_same_scores(theirs: str) -> None:
    torch.manual_seed(0)
    check_scores(timm.create_model(theirs, num_classes=3), 64, ordered=False)


def test_the_epsilon_of_timm_is_a_question_where_torchvision_has_another() -> None:
    with torch.device("meta"):
        shapes = shapes_of(timm.create_model("mobilenetv3_small_100").state_dict())
    found = recognise(shapes, ordered=True)[0]
    assert found.adaptations == {"epsilon": 1e-5}
    assert found.changed(epsilon=1e-3).adaptations == {"epsilon": 1e-3}
    assert any("tf_" in note for note in found.notes)


def test_a_norm_at_another_place_is_another_network() -> None:
    with torch.device("meta"):
        shapes = shapes_of(timm.create_model("convnext_tiny_hnf").state_dict())
    assert recognise(shapes, ordered=False) == []


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        ("regnety_064", ["like torchvision:regnet_y_8gf", "s1.b1.downsample.conv.weight is (144, 32, 1, 1)"]),
        ("mobilenetv3_large_075", ["conv_stem.weight is (16, 3, 3, 3)", "features.0.0.weight there is (32, 3, 3, 3)"]),
        ("convnext_nano", ["like torchvision:convnext_tiny", "stem.0.weight is (80, 3, 4, 4)"]),
        (
            "efficientnet_lite0",
            ["like torchvision:efficientnet_b0", "features.1.0.block.1.fc1.weight of (8, 32"],
        ),
    ],
)
def test_other_networks_of_timm_are_refused_by_the_nearest_of_torchvision(theirs: str, words: list[str]) -> None:
    with torch.device("meta"):
        shapes = shapes_of(timm.create_model(theirs).state_dict())
    shapes = dict(sorted(shapes.items()))
    assert recognise(shapes, ordered=False) == []
    message = explain_unknown(shapes, ordered=False)
    assert all(word in message for word in words), message
